package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

const (
	patience = 3 * time.Second
	maximum  = 1 << 20 // bytes of a message between services; the largest have a few hundred
)

// second is what a second of the chain takes, in which its block interval is counted, and how often a node looks and
// tells. Tests name a shorter one; how long others are waited for stays the same.
var second = func() time.Duration {
	if given, err := time.ParseDuration(os.Getenv("CITA_STAND_IN_SECOND")); err == nil && given > 0 {
		return given
	}
	return time.Second
}()

var client = &http.Client{Timeout: patience, Transport: &http.Transport{Proxy: nil}}

// hosts are the addresses that one of a service's two stands for. Tests run several nodes on one machine, each with a
// loopback of its own and another address, which this variable names; everywhere is then both of them.
func hosts(host string) []string {
	given := strings.Split(os.Getenv("CITA_STAND_IN_HOSTS"), ",")
	switch {
	case len(given) == 2 && host == "127.0.0.1":
		return given[:1]
	case len(given) == 2 && host == "0.0.0.0":
		return given
	}
	return []string{host}
}

func loopback(port int) string { return net.JoinHostPort(hosts("127.0.0.1")[0], strconv.Itoa(port)) }

func bind(host string, port int) ([]net.Listener, error) {
	var found []net.Listener
	for _, each := range hosts(host) {
		// all of them are IPv4; "tcp" would make 0.0.0.0 the wildcard of IPv6 too
		listener, err := net.Listen("tcp4", net.JoinHostPort(each, strconv.Itoa(port)))
		if err != nil {
			return nil, err
		}
		log.Printf("listens on %s", listener.Addr())
		found = append(found, listener)
	}
	return found, nil
}

// caller is who has called, without the port, which is another one each time.
func caller(connection net.Conn) string {
	host, _, _ := net.SplitHostPort(connection.RemoteAddr().String())
	return host
}

// options are the arguments of a service.
type options struct {
	*flag.FlagSet
	port *int
}

func newOptions() options {
	set := flag.NewFlagSet("run", flag.ContinueOnError)
	return options{set, set.Int("p", 0, "port of its gRPC")}
}

func (given options) parse(arguments []string) error {
	if err := given.Parse(arguments); err != nil {
		return err
	}
	if given.NArg() > 0 {
		return fmt.Errorf("it takes no argument %s", given.Arg(0))
	}
	if *given.port < 1 || *given.port > 65535 {
		return fmt.Errorf("-p %d is no port", *given.port)
	}
	return nil
}

// listen serves for ever, or says why it cannot.
func listen(host string, port int, handler http.Handler) error {
	listeners, err := bind(host, port)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: patience, Protocols: new(http.Protocols)}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	for _, listener := range listeners[1:] {
		go func() { log.Fatal(server.Serve(listener)) }()
	}
	return server.Serve(listeners[0])
}

// ask is how the services of one node talk to each other, in place of their gRPC: JSON over HTTP on loopback.
func ask(method string, port int, path string, told, answer any) error {
	body, err := json.Marshal(told)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, "http://"+loopback(port)+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maximum))
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%d: %s", response.StatusCode, strings.TrimSpace(string(content)))
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(content, answer)
}

// await asks until there is an answer. What is missing is said once.
func await(who string, method string, port int, path string, told, answer any) {
	for said := false; ; time.Sleep(3 * second / 10) {
		err := ask(method, port, path, told, answer)
		if err == nil {
			return
		}
		if !said {
			log.Printf("waits for %s: %v", who, err)
			said = true
		}
	}
}

func reply(response http.ResponseWriter, content any) {
	response.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(response).Encode(content); err != nil {
		log.Printf("an answer was not taken: %v", err)
	}
}

// receive reads what another service told, and answers for the caller where it makes no sense.
func receive(response http.ResponseWriter, request *http.Request, told any) bool {
	if err := json.NewDecoder(http.MaxBytesReader(response, request.Body, maximum)).Decode(told); err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}
