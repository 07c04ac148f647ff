package main

import (
	"crypto/tls"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// SyncConfig is config.xml, as far as the stand-in goes.
type SyncConfig struct {
	Folders []struct {
		ID      string   `xml:"id,attr"`
		Path    string   `xml:"path,attr"`
		Devices []Device `xml:"device"`
	} `xml:"folder"`
	GUI struct {
		Address string `xml:"address"`
		APIKey  string `xml:"apikey"`
	} `xml:"gui"`
	Listen  []string `xml:"options>listenAddress"`
	Devices []Device `xml:"device"`
}

// Device is a node to syncthing.
type Device struct {
	ID        string   `xml:"id,attr"`
	Addresses []string `xml:"address"`
}

// runSyncthing keeps connections with the devices of config.xml, and reads it again when it is told to restart. It
// carries no file.
func runSyncthing(_ image, arguments []string) error {
	set := flag.NewFlagSet("syncthing", flag.ContinueOnError)
	home := set.String("home", "", "folder of config.xml")
	if err := set.Parse(arguments); err != nil {
		return err
	}
	for {
		us, err := newSyncing(*home)
		if err != nil {
			return err
		}
		if err := us.run(); err != nil {
			return err
		}
		log.Print("restarts")
	}
}

// newSyncing reads the files of its home, and sees that they are of one node.
func newSyncing(home string) (*syncing, error) {
	cert, err := tls.LoadX509KeyPair(filepath.Join(home, "cert.pem"), filepath.Join(home, "key.pem"))
	if err != nil {
		// the real one makes another certificate, and is then unknown to everybody
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(home, "config.xml"))
	if err != nil {
		return nil, err
	}
	var config SyncConfig
	if err := xml.Unmarshal(text, &config); err != nil {
		return nil, fmt.Errorf("config.xml: %w", err)
	}
	us := &syncing{
		config: config, id: deviceID(cert.Certificate[0]), cert: cert,
		connected: map[string]int{}, said: map[string]string{}, restart: make(chan struct{}, 1),
		open: map[net.Conn]bool{},
	}
	return us, us.check(filepath.Dir(home))
}

func (us *syncing) check(root string) error {
	if !us.knows(us.id) {
		return fmt.Errorf("its certificate is of device %s, which is none of config.xml", us.id)
	}
	isUs := func(each Device) bool { return each.ID == us.id }
	for _, folder := range us.config.Folders { // the real one goes on without a folder that is not right
		if !slices.ContainsFunc(folder.Devices, isUs) {
			return fmt.Errorf("device %s has no part in the folder %s", us.id, folder.ID)
		}
		if _, err := os.Stat(filepath.Join(root, folder.ID, ".stfolder")); err != nil {
			return fmt.Errorf("folder %s: folder marker missing: %w", folder.ID, err)
		}
	}
	if us.config.GUI.APIKey == "" {
		return errors.New("config.xml: gui has no apikey")
	}
	return nil
}

func (us *syncing) knows(id string) bool {
	return slices.ContainsFunc(us.config.Devices, func(each Device) bool { return each.ID == id })
}

// run serves and dials until it is told to restart; then nothing of it is left.
func (us *syncing) run() error {
	gui := us.config.GUI.Address
	if given := os.Getenv("STGUIADDRESS"); given != "" {
		gui = given
	}
	api, err := net.Listen("tcp", gui)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: us.api(), ReadHeaderTimeout: patience}
	defer server.Close()
	go server.Serve(api)
	log.Printf("device %s, its API on %s", us.id, api.Addr())
	for _, place := range us.config.Listen {
		host, port, err := syncAddress(place)
		if err != nil {
			return err
		}
		listeners, err := bind(host, port)
		if err != nil {
			return err
		}
		for _, listener := range listeners {
			defer listener.Close()
			go us.accept(listener)
		}
	}
	for _, each := range us.config.Devices {
		if each.ID != us.id {
			for _, place := range each.Addresses {
				go us.dial(each.ID, place)
			}
		}
	}
	<-us.restart
	us.end()
	time.Sleep(time.Second / 5) // the answer to who asked for it
	return nil
}

// api is what it serves to whoever knows the key.
func (us *syncing) api() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /rest/system/restart", func(response http.ResponseWriter, _ *http.Request) {
		reply(response, map[string]string{"ok": "restarting"})
		select {
		case us.restart <- struct{}{}:
		default: // asked for twice
		}
	})
	mux.HandleFunc("GET /rest/system/connections", func(response http.ResponseWriter, _ *http.Request) {
		type connection struct {
			Connected bool `json:"connected"`
		}
		us.mutex.Lock()
		defer us.mutex.Unlock()
		found := map[string]connection{}
		for _, each := range us.config.Devices {
			if each.ID != us.id {
				found[each.ID] = connection{us.connected[each.ID] > 0}
			}
		}
		reply(response, map[string]any{"connections": found})
	})
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		if request.Header.Get("X-API-Key") != us.config.GUI.APIKey {
			http.Error(response, "Not Authorized", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(response, request)
	})
}

// syncAddress takes tcp://host:port apart.
func syncAddress(place string) (string, int, error) {
	rest, isTCP := strings.CutPrefix(place, "tcp://")
	host, port, err := net.SplitHostPort(rest)
	if !isTCP || err != nil {
		return "", 0, fmt.Errorf("config.xml: %q is not tcp://host:port", place)
	}
	number, err := strconv.Atoi(port)
	return host, number, err
}
