package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// A file of our own name: what the real ones keep would be damaged by it, and they would be by ours.
const heightFile = "cita-stand-in.height"

func runStorage(is image, arguments []string) error {
	given := newOptions()
	endpoints := given.String("e", "", "placement drivers of TiKV")
	if err := given.parse(arguments); err != nil {
		return err
	}
	if err := checkStorage(is, *endpoints); err != nil {
		return err
	}
	keeps, err := openStorage()
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /height", keeps.get)
	mux.HandleFunc("PUT /height", keeps.put)
	return listen("127.0.0.1", *given.port, mux)
}

// storage keeps the height, which is all there is of a chain.
type storage struct {
	mutex  sync.Mutex
	height uint64
}

func openStorage() (*storage, error) {
	found := &storage{}
	text, err := os.ReadFile(heightFile)
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &found.height)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", heightFile, err)
	}
	return found, nil
}

func (s *storage) get(response http.ResponseWriter, _ *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	reply(response, s.height)
}

func (s *storage) put(response http.ResponseWriter, request *http.Request) {
	var told uint64
	if !receive(response, request, &told) {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := store(told); err != nil {
		http.Error(response, err.Error(), http.StatusInternalServerError)
		return
	}
	s.height = told
	reply(response, told)
}

func checkStorage(is image, endpoints string) error {
	if is.kind != "storage_tikv" {
		if endpoints != "" {
			return fmt.Errorf("%s takes no -e", is.kind)
		}
		return nil
	}
	for _, each := range strings.Split(endpoints, ",") {
		if _, port, err := net.SplitHostPort(each); err != nil || port == "" {
			return fmt.Errorf("-e %q names no placement driver as host:port", each)
		}
	}
	log.Print("no TiKV is asked: the height is kept on the node's volume")
	return nil
}

// store leaves the old height or the new one, whatever happens.
func store(height uint64) error {
	text, err := json.Marshal(height)
	if err != nil {
		return err
	}
	if err := os.WriteFile(heightFile+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(heightFile+".new", heightFile)
}

func runExecutor(is image, arguments []string) error {
	given := newOptions()
	user := given.String("couchdb-username", "", "user of CouchDB")
	password := given.String("couchdb-password", "", "its password")
	if err := given.parse(arguments); err != nil {
		return err
	}
	host := "127.0.0.1"
	if is.kind == "executor_evm" {
		host = "0.0.0.0"
	}
	if is.kind == "executor_chaincode_ext" {
		if err := meetCouchDB(*user, *password); err != nil {
			return err
		}
	} else if *user != "" || *password != "" {
		return fmt.Errorf("%s takes no --couchdb-username and --couchdb-password", is.kind)
	}
	if strings.HasPrefix(is.kind, "executor_chaincode") {
		const chaincode = 7052 // 7{(port-50000)/1000}52
		go func() { log.Fatal(listen(host, chaincode, http.NotFoundHandler())) }()
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /block", func(response http.ResponseWriter, _ *http.Request) { reply(response, true) })
	return listen(host, *given.port, mux)
}

const couchPort = 5984

// meetCouchDB waits for the database beside it, and ends when it is not let in.
func meetCouchDB(user, password string) error {
	for ; ; time.Sleep(second) {
		request, err := http.NewRequest(http.MethodGet, "http://"+loopback(couchPort), nil)
		if err != nil {
			return err
		}
		request.SetBasicAuth(user, password)
		response, err := client.Do(request)
		if err != nil {
			continue
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("CouchDB answers %s", response.Status)
		}
		return nil
	}
}

// runCouchDB lets in whom its environment names, and keeps nothing.
func runCouchDB(image, []string) error {
	user, password := os.Getenv("COUCHDB_USER"), os.Getenv("COUCHDB_PASSWORD")
	if user == "" || password == "" {
		return errors.New("COUCHDB_USER and COUCHDB_PASSWORD are missing")
	}
	return listen("0.0.0.0", couchPort, http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if given, secret, _ := request.BasicAuth(); given != user || secret != password {
			http.Error(response, "unauthorized", http.StatusUnauthorized)
			return
		}
		reply(response, map[string]string{"couchdb": "Welcome", "vendor": name})
	}))
}

// runExporter has no numbers, but stands where the exporters of metrics do.
func runExporter(is image, _ []string) error {
	ports := map[string]int{"monitor-process-exporter": 9256, "monitor-citacloud-exporter": 9349}
	return listen("0.0.0.0", ports[is.kind], http.HandlerFunc(func(response http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(response, "# TYPE cita_stand_in gauge\ncita_stand_in{of=%q} 1\n", is.kind)
	}))
}
