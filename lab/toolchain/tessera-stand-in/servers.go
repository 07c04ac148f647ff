package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"
)

const maximum = 1 << 20 // bytes of a party info; Tessera's are a few hundred

// serve listens on every server that is named and returns the sockets to remove in the end.
func serve(config *Config, parties *Parties) ([]string, error) {
	var sockets []string
	listeners := map[net.Listener]http.Handler{}
	for index, server := range config.ServerConfigs {
		if !server.enabled() {
			continue
		}
		listener, err := listen(server.listens())
		if err != nil {
			return nil, fmt.Errorf("serverConfigs[%d]: %w", index, err)
		}
		if address := listener.Addr(); address.Network() == "unix" {
			sockets = append(sockets, address.String())
		}
		listeners[listener] = handler(server.App, parties)
		log.Printf("%s at %s", server.App, server.listens())
	}
	// Only when all are there, so that nobody finds half a node.
	for listener, handler := range listeners {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: patience, IdleTimeout: time.Minute}
		go func() { log.Fatal(server.Serve(listener)) }()
	}
	return sockets, nil
}

func listen(address string) (net.Listener, error) {
	if path, err := socketPath(address); err == nil {
		if err := clear(path); err != nil {
			return nil, err
		}
		return net.Listen("unix", path)
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return net.Listen("tcp", parsed.Host)
}

// clear removes the socket that a killed process left, and nothing else.
func clear(path string) error {
	state, err := os.Lstat(path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if state.Mode().Type() != os.ModeSocket {
		return fmt.Errorf("%s is there and not a socket", path)
	}
	if connection, err := net.DialTimeout("unix", path, patience); err == nil {
		connection.Close()
		return fmt.Errorf("somebody else listens at %s", path)
	}
	return os.Remove(path)
}

// handler answers what one kind of server is asked.
func handler(app string, parties *Parties) http.Handler {
	mux := http.NewServeMux()
	say := func(path, kind, text string) {
		mux.HandleFunc("GET "+path, func(response http.ResponseWriter, _ *http.Request) {
			response.Header().Set("Content-Type", kind)
			fmt.Fprint(response, text)
		})
	}
	say("/upcheck", "text/plain", "I'm up!")
	say("/version", "text/plain", version)
	say("/version/distribution", "text/plain", version)
	// GoQuorum takes the highest and infers features from it: 2.0 are privacy enhancements, 4.0 mandatory recipients.
	say("/version/api", "application/json", `["1.0","2.0","2.1","3.0","4.0"]`)
	switch app {
	case "P2P":
		mux.HandleFunc("GET /partyinfo", func(response http.ResponseWriter, _ *http.Request) {
			answer(response, parties.info())
		})
		mux.HandleFunc("POST /partyinfo", parties.receive)
	case "Q2T":
		// No payload is here, as with a node that is not party to it. GoQuorum ends itself on any other refusal.
		mux.HandleFunc("GET /transaction/", func(response http.ResponseWriter, _ *http.Request) {
			http.Error(response, name+" stores no private payloads", http.StatusNotFound)
		})
	}
	mux.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		text := fmt.Sprintf("%s %s: this is %s, not Tessera: it stores and sends no private payloads; run the image "+
			"of Tessera for that", request.Method, request.URL.Path, name)
		http.Error(response, text, http.StatusNotImplemented)
	})
	return mux
}

// receive is a peer's call: it tells about itself and is told the same.
func (parties *Parties) receive(response http.ResponseWriter, request *http.Request) {
	var told PartyInfo
	body := http.MaxBytesReader(response, request.Body, maximum)
	if err := json.NewDecoder(body).Decode(&told); err != nil {
		http.Error(response, "not a party info in JSON: "+err.Error(), http.StatusBadRequest)
		return
	}
	if err := parties.learn(told); err != nil {
		http.Error(response, err.Error(), http.StatusForbidden)
		return
	}
	answer(response, parties.info())
}

func answer(response http.ResponseWriter, content any) {
	response.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(response).Encode(content); err != nil {
		log.Printf("an answer was not taken: %v", err)
	}
}
