package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"time"
)

// Leading is what a controller tells its consensus.
type Leading struct {
	Address       string
	Validators    []string
	BlockInterval uint32
	Height        uint64
}

// consensus decides when the next block comes: when enough validators are connected and as high as this one.
type consensus struct {
	config ConsensusConfig
	quorum func(validators int) int
	last   time.Time
}

func majority(validators int) int { return validators/2 + 1 }

// allButFaulty is 2f+1 of 3f+1.
func allButFaulty(validators int) int { return validators - (validators-1)/3 }

func runConsensus(is image, arguments []string) error {
	given := newOptions()
	if err := given.parse(arguments); err != nil {
		return err
	}
	config, err := readConsensusConfig()
	if err != nil {
		return err
	}
	chain, err := readChain()
	if err != nil {
		return err
	}
	us := &consensus{config: config, last: time.Now()}
	switch is.kind {
	case "consensus_raft":
		us.quorum, err = majority, checkRaft(config, chain)
	case "consensus_bft":
		us.quorum, err = allButFaulty, checkBFT(chain)
	default:
		err = fmt.Errorf("%s is no consensus", is.kind)
	}
	if err != nil {
		return err
	}
	go us.work()
	return listen("127.0.0.1", *given.port, http.NotFoundHandler())
}

// checkRaft: raft numbers its members by their place among the validators, and this release adds none by itself.
func checkRaft(config ConsensusConfig, chain *Chain) error {
	if config.NodeID < 0 || config.NodeID >= len(chain.Validators) {
		return fmt.Errorf("node_id %d: there are %d validators, counted from 0", config.NodeID, len(chain.Validators))
	}
	return nil
}

func checkBFT(chain *Chain) error {
	if _, err := os.Stat("consensus-log4rs.yaml"); err != nil {
		return err
	}
	key, err := readKey("node_key")
	if err != nil {
		return err
	}
	address, err := suites["kms_sm"].address(key)
	if err != nil {
		return fmt.Errorf("node_key: %w", err)
	}
	if address != chain.Address {
		return fmt.Errorf("node_key is that of %s, and node_address says %s", address, chain.Address)
	}
	return nil
}

func (us *consensus) work() {
	for ; ; time.Sleep(second / 5) {
		var own Leading
		await("the controller", http.MethodGet, int(us.config.ControllerPort), "/leading", nil, &own)
		var peers []Peer
		// told again each time, for the network may have been restarted
		await("the network", http.MethodPut, int(us.config.NetworkPort), "/height", own.Height, &peers)
		next := us.next(own, peers)
		if next == own.Height {
			continue
		}
		if err := ask(http.MethodPost, int(us.config.ControllerPort), "/commit", next, nil); err != nil {
			log.Printf("block %d is not taken: %v", next, err)
			continue
		}
		us.last = time.Now()
	}
}

// next is the height that comes: that of the highest validator, else one more when it is time and all are there.
func (us *consensus) next(own Leading, peers []Peer) uint64 {
	here := Chain{System: System{Validators: own.Validators}}
	agreeing, highest := 0, own.Height
	if here.isValidator(own.Address) {
		agreeing++
	}
	for _, peer := range peers {
		if here.isValidator(peer.Address) {
			highest = max(highest, peer.Height)
			if peer.Height >= own.Height {
				agreeing++
			}
		}
	}
	isTime := time.Since(us.last) >= time.Duration(own.BlockInterval)*second
	if highest > own.Height || !isTime || !here.isValidator(own.Address) || agreeing < us.quorum(len(own.Validators)) {
		return highest
	}
	return own.Height + 1
}
