package main

import (
	"bytes"
	"errors"
	"fmt"
	"log"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	soonest  = time.Second
	latest   = 5 * time.Second
	patience = 2 * time.Second
)

// PartyInfo is what a node knows: Tessera's answer to GET /partyinfo. Between nodes it travels in Tessera's binary form.
type PartyInfo struct {
	URL   string  `json:"url"`
	Peers []Party `json:"peers"`
	Keys  []Key   `json:"keys"`
}

// Party is a peer; `lastContact` is the stand-in's own: when this node last called it and was answered.
type Party struct {
	URL         string     `json:"url"`
	LastContact *time.Time `json:"lastContact,omitempty"`
}

// Key is a public key and the node that has it.
type Key struct {
	Key string `json:"key"`
	URL string `json:"url"`
}

// Parties is a node and what it knows now. As with Tessera from 20.10 on, a peer and its keys are forgotten at the first
// call that fails, and the configured ones come back only when no peer is left.
type Parties struct {
	own        string
	learns     bool
	client     http.Client
	configured []string

	lock    sync.Mutex
	contact map[string]*time.Time // by URL
	keys    map[string]string     // URL by key
}

func newParties(config *Config, keys []string) *Parties {
	parties := &Parties{
		// A node that keeps to its list learns of nobody else.
		learns: !config.UseWhiteList && !config.DisablePeerDiscovery,
		// Peers are named by address: no proxy of the environment knows better.
		client:  http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}},
		contact: map[string]*time.Time{},
		keys:    map[string]string{},
	}
	for _, server := range config.ServerConfigs {
		if server.App == "P2P" && server.enabled() {
			parties.own = normal(server.ServerAddress)
		}
	}
	for _, key := range keys {
		parties.keys[key] = parties.own
	}
	for _, peer := range *config.Peers {
		parties.configured = append(parties.configured, normal(peer.URL))
	}
	parties.reread()
	return parties
}

// reread takes the configured peers where none is left, this node itself included if it stands among them.
func (parties *Parties) reread() {
	if len(parties.contact) == 0 {
		for _, url := range parties.configured {
			parties.contact[url] = nil
		}
	}
}

// owner is the URL of a key, if it is known.
func (parties *Parties) owner(key string) string {
	parties.lock.Lock()
	defer parties.lock.Unlock()
	return parties.keys[key]
}

// told is what this node tells its peers: its own keys, and the URLs of all that it knows.
func (parties *Parties) told() PartyInfo {
	info := PartyInfo{URL: parties.own}
	for _, key := range parties.info().Keys {
		info.Peers = append(info.Peers, Party{URL: key.URL})
		if key.URL == parties.own {
			info.Keys = append(info.Keys, key)
		}
	}
	return info
}

// info is what this node knows.
func (parties *Parties) info() PartyInfo {
	parties.lock.Lock()
	defer parties.lock.Unlock()
	info := PartyInfo{URL: parties.own, Peers: []Party{}, Keys: []Key{}}
	for url, contact := range parties.contact {
		info.Peers = append(info.Peers, Party{url, contact})
	}
	for key, url := range parties.keys {
		info.Keys = append(info.Keys, Key{key, url})
	}
	slices.SortFunc(info.Peers, func(a, b Party) int { return bytes.Compare([]byte(a.URL), []byte(b.URL)) })
	slices.SortFunc(info.Keys, func(a, b Key) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
	return info
}

// learn takes in what another node tells: that it is there, its own keys, and whom it knows. The keys of others are
// theirs to tell, as in Tessera.
func (parties *Parties) learn(told PartyInfo) error {
	if _, err := webURL(told.URL); err != nil {
		return fmt.Errorf("url: %w", err)
	}
	parties.lock.Lock()
	defer parties.lock.Unlock()
	sender := normal(told.URL)
	if _, known := parties.contact[sender]; !known && sender != parties.own && !parties.learns {
		return fmt.Errorf("%s is no peer of this node, which learns of no others", sender)
	}
	for _, peer := range told.Peers {
		if _, err := webURL(peer.URL); err == nil && parties.learns {
			parties.meet(normal(peer.URL))
		}
	}
	for _, key := range told.Keys {
		if normal(key.URL) != sender {
			continue
		}
		if _, err := keyBytes(key.Key); err != nil {
			return fmt.Errorf("keys: %w", err)
		}
		parties.assign(key.Key, sender)
	}
	return nil
}

func (parties *Parties) meet(url string) {
	if _, known := parties.contact[url]; !known {
		parties.contact[url] = nil
		log.Printf("learnt of %s", url)
	}
}

func (parties *Parties) assign(key, url string) {
	before, known := parties.keys[key]
	switch {
	case before == url:
	case url == parties.own:
		log.Printf("another node with key %s also calls itself %s: their payloads would mix", key, url)
	case before == parties.own:
		log.Printf("%s claims this node's own key", url)
	default:
		if known {
			log.Printf("key %s moved from %s to %s", key, before, url)
		}
		parties.keys[key] = url
	}
}

// keepInTouch calls every peer again and again, at first soon.
func (parties *Parties) keepInTouch() {
	for pause := soonest; ; pause = min(pause+time.Second, latest) {
		parties.lock.Lock()
		parties.reread()
		parties.lock.Unlock()
		var round sync.WaitGroup
		for _, peer := range parties.info().Peers {
			if peer.URL != parties.own {
				round.Go(func() { parties.note(peer.URL, parties.call(peer.URL)) })
			}
		}
		round.Wait()
		time.Sleep(pause)
	}
}

// call tells a peer about this node. What it answers teaches nothing: a key is learnt from its owner's call.
func (parties *Parties) call(url string) error {
	body := bytes.NewReader(parties.told().encode())
	response, err := parties.client.Post(url+"partyinfo", "application/octet-stream", body)
	if err != nil {
		return err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%w: %s", errRefused, response.Status)
	}
	return nil
}

// errRefused is an answer that is none: only a call without any makes Tessera forget a peer.
var errRefused = errors.New("it refuses")

// note keeps when a peer was reached, and forgets one that was not.
func (parties *Parties) note(url string, failure error) {
	parties.lock.Lock()
	defer parties.lock.Unlock()
	if failure == nil {
		if parties.contact[url] == nil {
			log.Printf("in touch with %s", url)
		}
		now := time.Now().UTC()
		parties.contact[url] = &now
		return
	}
	log.Printf("cannot reach %s: %v", url, failure)
	if errors.Is(failure, errRefused) {
		return
	}
	delete(parties.contact, url)
	for key, owner := range parties.keys {
		if owner == url && url != parties.own {
			delete(parties.keys, key)
		}
	}
}
