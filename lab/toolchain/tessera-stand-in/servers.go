package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"
)

const maximum = 1 << 20 // bytes of a party info; Tessera's are a few hundred

const slowness = 300 * time.Millisecond

// serve listens on every server that is named, on sockets first, and returns the sockets to remove in the end. Both take
// a while, as with a Java program: who waits for the one must not count on the other.
func serve(config *Config, parties *Parties, payloads *Payloads) ([]string, error) {
	var sockets []string
	servers := slices.Clone(config.ServerConfigs)
	slices.SortStableFunc(servers, func(a, b ServerConfig) int {
		return strings.Compare(strings.Replace(b.listens(), "unix:", "~", 1), strings.Replace(a.listens(), "unix:", "~", 1))
	})
	for _, server := range servers {
		if !server.enabled() {
			continue
		}
		time.Sleep(slowness)
		listener, err := listen(server.listens())
		if err != nil {
			return nil, fmt.Errorf("server %s: %w", server.App, err)
		}
		if address := listener.Addr(); address.Network() == "unix" {
			sockets = append(sockets, address.String())
		}
		served := &http.Server{Handler: handler(server.App, parties, payloads), ReadHeaderTimeout: patience, IdleTimeout: time.Minute}
		go func() { log.Fatal(served.Serve(listener)) }()
		log.Printf("%s at %s", server.App, server.listens())
	}
	return sockets, nil
}

func listen(address string) (net.Listener, error) {
	if path, err := socketPath(address); err == nil {
		// Tessera removes no socket that a killed one has left, and ends with exit code 2
		return net.Listen("unix", path)
	}
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	return net.Listen("tcp", parsed.Host)
}

// handler answers what one kind of server is asked.
func handler(app string, parties *Parties, payloads *Payloads) http.Handler {
	mux := http.NewServeMux()
	say := func(path, kind, text string) {
		mux.HandleFunc("GET "+path, func(response http.ResponseWriter, _ *http.Request) {
			response.Header().Set("Content-Type", kind)
			fmt.Fprint(response, text)
		})
	}
	say("/upcheck", "text/plain", "I'm up!")
	say("/version", "text/plain", version())
	say("/version/distribution", "text/plain", version())
	if versions := apiVersions(); versions != "" {
		say("/version/api", "application/json", versions)
	}
	switch app {
	case "P2P":
		mux.HandleFunc("GET /partyinfo", func(response http.ResponseWriter, _ *http.Request) {
			answer(response, parties.info())
		})
		mux.HandleFunc("POST /partyinfo", parties.receive)
		mux.HandleFunc("POST /push", payloads.push)
	case "Q2T":
		payloads.serve(mux)
	}
	mux.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		text := fmt.Sprintf("%s %s: this is %s, not Tessera, and does not know that", request.Method, request.URL.Path, name)
		http.Error(response, text, http.StatusNotImplemented)
	})
	return mux
}

// receive is a peer's call: it tells about itself, and is told no more than this node's URL.
func (parties *Parties) receive(response http.ResponseWriter, request *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(response, request.Body, maximum))
	var told PartyInfo
	if err == nil {
		told, err = decode(body)
	}
	if err != nil {
		http.Error(response, "not a party info: "+err.Error(), http.StatusBadRequest)
		return
	}
	if err := parties.learn(told); err != nil {
		http.Error(response, err.Error(), http.StatusForbidden)
		return
	}
	response.Header().Set("Content-Type", "application/octet-stream")
	response.Write(PartyInfo{URL: parties.own}.encode())
}

// apiVersions is what a release answers to /version/api; before 20.10 there was none. GoQuorum takes the highest and
// infers features from it: 2.0 are privacy enhancements, 4.0 mandatory recipients.
func apiVersions() string {
	switch {
	case before(20, 10):
		return ""
	case before(21, 1):
		return `["1.0","2.0"]`
	case before(21, 4):
		return `["1.0","2.0","2.1"]`
	case before(21, 10):
		return `["1.0","2.0","2.1","3.0"]`
	}
	return `["1.0","2.0","2.1","3.0","4.0"]`
}

// before tells whether the release that is stood in for is an older one.
func before(year, month int) bool {
	var found [2]int
	fmt.Sscanf(release(), "%d.%d", &found[0], &found[1])
	return slices.Compare(found[:], []int{year, month}) < 0
}

// version is the release that is stood in for, and that it is.
func version() string {
	return release() + "-stand-in"
}

func release() string {
	if named := os.Getenv("TESSERA_STAND_IN_FOR"); named != "" {
		return named
	}
	return "22.1.7"
}

func answer(response http.ResponseWriter, content any) {
	response.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(response).Encode(content); err != nil {
		log.Printf("an answer was not taken: %v", err)
	}
}
