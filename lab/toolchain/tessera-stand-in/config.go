package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"syscall"
)

// Config is Tessera's configuration, from 0.9 on. What the stand-in has no use for stays unread.
type Config struct {
	Version              string          `json:"version"`
	JDBC                 *JDBC           `json:"jdbc"`
	ServerConfigs        []ServerConfig  `json:"serverConfigs"`
	Peers                *[]Peer         `json:"peer"`
	Keys                 *Keys           `json:"keys"`
	AlwaysSendTo         []string        `json:"alwaysSendTo"`
	UseWhiteList         bool            `json:"useWhiteList"`
	DisablePeerDiscovery bool            `json:"disablePeerDiscovery"`
	BootstrapNode        bool            `json:"bootstrapNode"`
	Features             Features        `json:"features"`
	Encryptor            json.RawMessage `json:"encryptor"`
	Mode                 string          `json:"mode"`
	ResidentGroups       json.RawMessage `json:"residentGroups"`
}

// JDBC names the database.
type JDBC struct {
	Username         string `json:"username"`
	Password         string `json:"password"`
	URL              string `json:"url"`
	AutoCreateTables bool   `json:"autoCreateTables"`
	FetchSize        int    `json:"fetchSize"`
}

// ServerConfig is one server. Releases before 20 ask whether it is enabled; later ones do not know the word.
type ServerConfig struct {
	App               string                     `json:"app"`
	Enabled           *bool                      `json:"enabled"`
	ServerAddress     string                     `json:"serverAddress"`
	BindingAddress    string                     `json:"bindingAddress"`
	CommunicationType string                     `json:"communicationType"`
	SSL               map[string]json.RawMessage `json:"sslConfig"`
	Influx            json.RawMessage            `json:"influxConfig"`
	CORS              json.RawMessage            `json:"cors"`
	Properties        json.RawMessage            `json:"properties"`
}

// Peer is another Tessera.
type Peer struct {
	URL string `json:"url"`
}

// Keys are the node's own key pairs.
type Keys struct {
	Passwords    []string  `json:"passwords"`
	PasswordFile string    `json:"passwordFile"`
	KeyData      []KeyData `json:"keyData"`
}

// KeyData is one key pair, of all its forms the one in files.
type KeyData struct {
	PrivateKeyPath string `json:"privateKeyPath"`
	PublicKeyPath  string `json:"publicKeyPath"`
}

// Features are Tessera's toggles.
type Features struct {
	RemoteKeyValidation   bool `json:"enableRemoteKeyValidation"`
	PrivacyEnhancements   bool `json:"enablePrivacyEnhancements"`
	MultiplePrivateStates bool `json:"enableMultiplePrivateStates"`
}

// readConfig reads a configuration and refuses what Tessera would refuse, everything at once.
func readConfig(file string) (*Config, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	config := &Config{}
	if err := json.Unmarshal(text, config); err != nil {
		return nil, fmt.Errorf("not a configuration: %w", err)
	}
	// Tessera, too, only warns of them; a misspelt word would otherwise be silently without effect.
	for _, where := range unmatched(text, reflect.TypeOf(config), "") {
		log.Printf("ignoring unknown/unmatched json element: %s", where)
	}
	return config, errors.Join(append(config.problems(), serverProblems(config)...)...)
}

func (config *Config) problems() []error {
	var problems []error
	refuse := func(format string, arguments ...any) {
		problems = append(problems, fmt.Errorf(format, arguments...))
	}
	if config.JDBC == nil || config.JDBC.URL == "" {
		refuse("jdbc.url is missing")
	} else if err := checkDatabase(config.JDBC.URL); err != nil {
		refuse("jdbc.url: %w", err)
	}
	if config.Peers == nil {
		refuse("peer is missing; a node without peers has an empty list")
	} else {
		for index, peer := range *config.Peers {
			if _, err := webURL(peer.URL); err != nil {
				refuse("peer[%d].url: %w", index, err)
			}
		}
	}
	if config.Keys == nil || len(config.Keys.KeyData) == 0 {
		refuse("keys.keyData: at least 1 public/private key pair must be provided")
	} else if len(config.Keys.Passwords) > 0 {
		refuse("keys.passwords: passwords belong into a passwordFile")
	}
	for index, key := range config.AlwaysSendTo {
		if _, err := keyBytes(key); err != nil {
			refuse("alwaysSendTo[%d]: %w", index, err)
		}
	}
	return problems
}

// checkDatabase tells whether H2 could make its file, without making it.
func checkDatabase(url string) error {
	if !strings.HasPrefix(url, "jdbc:") {
		return fmt.Errorf("%q is not a JDBC URL", url)
	}
	rest, isFile := strings.CutPrefix(url, "jdbc:h2:")
	if rest = strings.TrimPrefix(rest, "file:"); !isFile || !strings.HasPrefix(rest, "/") {
		return nil
	}
	path, _, _ := strings.Cut(rest, ";")
	folder := filepath.Dir(path)
	for folder != "/" { // H2 makes what is missing of its folder
		if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
			break
		}
		folder = filepath.Dir(folder)
	}
	const writeAndEnter = 3
	if err := syscall.Access(folder, writeAndEnter); err != nil {
		return fmt.Errorf("%s cannot be written to: %w", folder, err)
	}
	return nil
}

// unmatched lists the words of a JSON text that a Go type has no field for; Go itself would overlook their case.
func unmatched(text json.RawMessage, kind reflect.Type, where string) []string {
	switch kind.Kind() {
	case reflect.Pointer:
		return unmatched(text, kind.Elem(), where)
	case reflect.Slice:
		var items []json.RawMessage
		if kind.Elem().Kind() != reflect.Struct || json.Unmarshal(text, &items) != nil {
			return nil
		}
		var found []string
		for index, item := range items {
			found = append(found, unmatched(item, kind.Elem(), fmt.Sprintf("%s[%d]", where, index))...)
		}
		return found
	case reflect.Struct:
		return unmatchedFields(text, kind, strings.TrimPrefix(where+".", "."))
	}
	return nil
}

func unmatchedFields(text json.RawMessage, kind reflect.Type, prefix string) []string {
	var given map[string]json.RawMessage
	if json.Unmarshal(text, &given) != nil {
		return nil
	}
	var found []string
	for index := range kind.NumField() {
		field := kind.Field(index)
		word := field.Tag.Get("json")
		if value, ok := given[word]; ok {
			found = append(found, unmatched(value, field.Type, prefix+word)...)
			delete(given, word)
		}
	}
	for word := range given {
		found = append(found, prefix+word)
	}
	return found
}
