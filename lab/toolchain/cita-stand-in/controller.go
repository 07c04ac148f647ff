package main

import (
	"encoding/hex"
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"
)

// controller leads the other services of its node, and answers clients.
type controller struct {
	is     image
	config ControllerConfig
	chain  *Chain
	hash   func([]byte) []byte

	mutex  sync.Mutex
	blocks [][]byte // hashes by height: they follow from block 0
}

func runController(is image, arguments []string) error {
	given := newOptions()
	if err := given.parse(arguments); err != nil {
		return err
	}
	us := &controller{is: is}
	id, err := us.check()
	if err != nil {
		return err
	}
	if err := us.meetKMS(id); err != nil {
		return err
	}
	var height uint64
	await("storage", http.MethodGet, int(us.config.StoragePort), "/height", nil, &height)
	await("the network", http.MethodGet, int(us.config.NetworkPort), "/peers", nil, new([]Peer))
	us.blocks = [][]byte{us.hash(us.chain.header())}
	us.grow(height)
	log.Printf("goes on from block %d", height)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /leading", us.leading)
	mux.HandleFunc("POST /commit", us.commit)
	us.serveClients(mux)
	return listen("0.0.0.0", *given.port, mux)
}

// check reads what a controller panics without; it returns the number of the node's account.
func (us *controller) check() (uint64, error) {
	ports := []string{"network_port", "consensus_port", "storage_port", "kms_port", "executor_port"}
	required := append(ports, "block_delay_number")
	if err := readConfig("controller-config.toml", &us.config, required...); err != nil {
		return 0, err
	}
	consensus, err := readConsensusConfig()
	if err != nil {
		return 0, err
	}
	id, err := readKeyID()
	if err != nil {
		return 0, err
	}
	if us.chain, err = readChain(); err != nil {
		return 0, err
	}
	for _, folder := range []string{"txs", "proposals", "blocks", "tx_infos"} {
		if state, err := os.Stat(folder); err != nil {
			return 0, err
		} else if !state.IsDir() {
			return 0, fmt.Errorf("%s is no folder", folder)
		}
	}
	place, validators := consensus.NodeID, us.chain.Validators
	if place < len(validators) && validators[place] != us.chain.Address {
		return 0, fmt.Errorf("node_address is %s, and validator %d is %s", us.chain.Address, place, validators[place])
	}
	if _, err := os.Stat("controller-log4rs.yaml"); err != nil {
		return 0, err
	}
	return id, nil
}

// meetKMS takes its hash, and sees that it has the node's account: with bft the node signs by a key that no kms keeps.
func (us *controller) meetKMS(id uint64) error {
	var kind, address string
	await("kms", http.MethodGet, int(us.config.KMSPort), "/info", nil, &kind)
	us.hash = suites[kind].hash
	if _, err := os.Stat("node_key"); err == nil {
		return nil
	}
	if err := ask(http.MethodGet, int(us.config.KMSPort), fmt.Sprintf("/accounts/%d", id), nil, &address); err != nil {
		return fmt.Errorf("kms: %w", err)
	}
	if address != us.chain.Address {
		return fmt.Errorf("account %d of kms is %s, and node_address says %s", id, address, us.chain.Address)
	}
	return nil
}

func (us *controller) leading(response http.ResponseWriter, _ *http.Request) {
	height, _ := us.height()
	reply(response, Leading{us.chain.Address, us.chain.Validators, us.chain.BlockInterval, height})
}

// height is that of the last block, with its hash.
func (us *controller) height() (uint64, []byte) {
	us.mutex.Lock()
	defer us.mutex.Unlock()
	last := len(us.blocks) - 1
	return uint64(last), us.blocks[last]
}

// commit lets a block be executed and stored.
func (us *controller) commit(response http.ResponseWriter, request *http.Request) {
	var height uint64
	if !receive(response, request, &height) {
		return
	}
	err := ask(http.MethodPost, int(us.config.ExecutorPort), "/block", height, nil)
	if err == nil {
		err = ask(http.MethodPut, int(us.config.StoragePort), "/height", height, nil)
	}
	if err != nil {
		http.Error(response, err.Error(), http.StatusServiceUnavailable)
		return
	}
	us.grow(height)
	_, hash := us.height()
	log.Printf("block %d 0x%s", height, hex.EncodeToString(hash))
	reply(response, height)
}

func (us *controller) grow(height uint64) {
	us.mutex.Lock()
	defer us.mutex.Unlock()
	for next := uint64(len(us.blocks)); next <= height; next++ {
		us.blocks = append(us.blocks, nextHash(us.hash, us.blocks[next-1], next))
	}
}
