package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"
)

const silence = 5 * time.Second // after which a peer counts as gone

// Hello is the first line on a connection. Who speaks otherwise, or of another chain, is refused.
type Hello struct{ Speaks, Chain, Address string }

// Peer is a node and how high it says its chain is.
type Peer struct {
	Address string
	Height  uint64
}

// network connects nodes: each tells each other's its height. Both ends of a connection speak JSON, a line a message.
type network struct {
	hello Hello

	mutex     sync.Mutex
	height    uint64
	peers     map[net.Conn]Peer
	complains map[string]string // what was said last about a place, so that it is said once
}

func runNetwork(is image, arguments []string) error {
	given := newOptions()
	keyFile := given.String("k", "", "file with the network key")
	if err := given.parse(arguments); err != nil {
		return err
	}
	config, err := checkNetwork(is, *keyFile)
	if err != nil {
		return err
	}
	chain, err := readChain()
	if err != nil {
		return err
	}
	dialled, err := lookUp(config)
	if err != nil {
		return err
	}
	us := &network{
		hello:     Hello{speaks(is, config), chain.digest(), chain.Address},
		peers:     map[net.Conn]Peer{},
		complains: map[string]string{},
	}
	listeners, err := bind("0.0.0.0", int(config.Port))
	if err != nil {
		return err
	}
	for _, listener := range listeners {
		go us.accept(listener)
	}
	for _, place := range dialled {
		go us.dial(place)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /peers", func(response http.ResponseWriter, _ *http.Request) { reply(response, us.known()) })
	mux.HandleFunc("PUT /height", us.tell)
	return listen("127.0.0.1", *given.port, mux)
}

// checkNetwork reads what a network service of this kind and release has to find.
func checkNetwork(is image, keyFile string) (NetworkConfig, error) {
	var config NetworkConfig
	required := []string{"port", "peers"}
	if is.release != "v4.0.0" {
		required = append(required, "enable_tls")
	}
	if err := readConfig("network-config.toml", &config, required...); err != nil {
		return config, err
	}
	if _, err := os.Stat("network-log4rs.yaml"); err != nil {
		return config, err
	}
	if is.kind != "network_p2p" {
		if keyFile != "" {
			return config, fmt.Errorf("%s takes no -k", is.kind)
		}
		return config, nil
	}
	key, err := readKey(keyFile)
	if err != nil {
		return config, err
	}
	if _, err := secp256k1Public(key); err != nil {
		return config, fmt.Errorf("%s: %w", keyFile, err)
	}
	return config, nil
}

// speaks tells what only its like understands.
func speaks(is image, config NetworkConfig) string {
	if config.EnableTLS && is.release != "v4.0.0" {
		return is.kind + " with TLS"
	}
	return is.kind
}

// lookUp finds the peers' addresses, once, at the start.
func lookUp(config NetworkConfig) ([]string, error) {
	limited, cancel := context.WithTimeout(context.Background(), 2*patience)
	defer cancel()
	var places []string
	for _, peer := range config.Peers {
		found, err := net.DefaultResolver.LookupHost(limited, peer.IP)
		if err != nil {
			return nil, fmt.Errorf("network-config.toml: %w", err)
		}
		places = append(places, net.JoinHostPort(found[0], strconv.Itoa(int(peer.Port))))
	}
	return places, nil
}

func (us *network) accept(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go us.talk(connection, caller(connection))
	}
}

func (us *network) dial(place string) {
	for ; ; time.Sleep(second) {
		connection, err := net.DialTimeout("tcp", place, patience)
		if err != nil {
			us.complain(place, err)
			continue
		}
		us.talk(connection, place)
	}
}

// talk holds a connection until it breaks or its other end is refused.
func (us *network) talk(connection net.Conn, place string) {
	defer connection.Close()
	words, said := json.NewEncoder(connection), json.NewDecoder(connection)
	var other Hello
	connection.SetDeadline(time.Now().Add(silence))
	if words.Encode(us.hello) != nil || said.Decode(&other) != nil {
		return // a probe, or a peer that is about to end
	}
	if err := us.refusal(other); err != nil {
		us.complain(place, err)
		return
	}
	us.say(place, fmt.Sprintf("connected to %s at %s", other.Address, place))
	defer us.forget(connection)
	go us.keepTelling(connection, words)
	for {
		var height uint64
		connection.SetDeadline(time.Now().Add(silence))
		if err := said.Decode(&height); err != nil {
			us.complain(place, err)
			return
		}
		us.mutex.Lock()
		us.peers[connection] = Peer{other.Address, height}
		us.mutex.Unlock()
	}
}

func (us *network) refusal(other Hello) error {
	switch {
	case other.Speaks != us.hello.Speaks:
		return fmt.Errorf("refused: it speaks %q, this is %q", other.Speaks, us.hello.Speaks)
	case other.Chain != us.hello.Chain:
		return fmt.Errorf("refused: it is on another chain, %.8s…, this one on %.8s…", other.Chain, us.hello.Chain)
	case other.Address == us.hello.Address:
		return errors.New("refused: it has this node's own account")
	}
	return nil
}

// keepTelling ends when the connection does.
func (us *network) keepTelling(connection net.Conn, words *json.Encoder) {
	for ; ; time.Sleep(second / 5) {
		us.mutex.Lock()
		height := us.height
		us.mutex.Unlock()
		if words.Encode(height) != nil {
			connection.Close()
			return
		}
	}
}

func (us *network) forget(connection net.Conn) {
	us.mutex.Lock()
	defer us.mutex.Unlock()
	delete(us.peers, connection)
}

func (us *network) complain(place string, err error) {
	us.say(place, fmt.Sprintf("%s: %v", place, err))
}

func (us *network) say(place, words string) {
	us.mutex.Lock()
	defer us.mutex.Unlock()
	if us.complains[place] != words {
		us.complains[place] = words
		log.Print(words)
	}
}

// known are the nodes at the other ends; two connections to one of them count once.
func (us *network) known() []Peer {
	us.mutex.Lock()
	defer us.mutex.Unlock()
	heights := map[string]uint64{}
	for _, peer := range us.peers {
		heights[peer.Address] = max(heights[peer.Address], peer.Height)
	}
	found := make([]Peer, 0, len(heights))
	for address, height := range heights {
		found = append(found, Peer{address, height})
	}
	return found
}

// tell takes the node's height, for the others, and answers theirs.
func (us *network) tell(response http.ResponseWriter, request *http.Request) {
	var height uint64
	if receive(response, request, &height) {
		us.mutex.Lock()
		us.height = height
		us.mutex.Unlock()
		reply(response, us.known())
	}
}
