package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

var (
	apps     = map[string]bool{"P2P": true, "Q2T": true, "ThirdParty": true, "ENCLAVE": true, "ADMIN": true}
	hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$`)
)

func (server ServerConfig) enabled() bool {
	return server.Enabled == nil || *server.Enabled
}

// listens is where the server waits: a binding address, or else the address that others are told.
func (server ServerConfig) listens() string {
	if server.BindingAddress != "" {
		return server.BindingAddress
	}
	return server.ServerAddress
}

func serverProblems(config *Config) []error {
	if len(config.ServerConfigs) == 0 {
		return []error{fmt.Errorf("serverConfigs is missing")}
	}
	var problems []error
	count := map[string]int{}
	for index, server := range config.ServerConfigs {
		if server.enabled() {
			count[server.App]++
		}
		for _, err := range server.problems() {
			problems = append(problems, fmt.Errorf("serverConfigs[%d].%w", index, err))
		}
	}
	if count["P2P"] != 1 {
		problems = append(problems, fmt.Errorf("serverConfigs: exactly one P2P server must be configured"))
	}
	if config.BootstrapNode != (count["Q2T"] == 0) {
		problems = append(problems, fmt.Errorf("serverConfigs: a node has a Q2T server, a bootstrap node has none"))
	}
	return problems
}

func (server ServerConfig) problems() []error {
	var problems []error
	refuse := func(format string, arguments ...any) {
		problems = append(problems, fmt.Errorf(format, arguments...))
	}
	if !apps[server.App] {
		refuse("app: %q is none of P2P, Q2T, ThirdParty, ENCLAVE, ADMIN", server.App)
	}
	if server.CommunicationType != "" && server.CommunicationType != "REST" {
		refuse("communicationType: %q is not REST", server.CommunicationType)
	}
	if strings.HasPrefix(server.ServerAddress, "unix:") {
		if _, err := socketPath(server.ServerAddress); err != nil {
			refuse("serverAddress: %w", err)
		}
		if server.App == "P2P" {
			refuse("serverAddress: peers cannot call the socket %s", server.ServerAddress)
		}
	} else if address, err := webURL(server.ServerAddress); err != nil {
		refuse("serverAddress: %w", err)
	} else if address.Hostname() == "0.0.0.0" {
		refuse("serverAddress: %s is nothing that others can call", server.ServerAddress)
	}
	if server.BindingAddress != "" {
		if _, err := webURL(server.BindingAddress); err != nil {
			refuse("bindingAddress: %w", err)
		}
	}
	var tls string
	if json.Unmarshal(server.SSL["tls"], &tls); tls == "STRICT" || strings.HasPrefix(server.listens(), "https:") {
		refuse("sslConfig: the stand-in speaks no TLS")
	}
	return problems
}

// socketPath is the path in `unix:/path`.
func socketPath(address string) (string, error) {
	path := strings.TrimPrefix(strings.TrimPrefix(address, "unix:"), "//")
	if !filepath.IsAbs(path) {
		return "", fmt.Errorf("%q is not unix: and an absolute path", address)
	}
	return path, nil
}

// webURL parses the URL of a server or a peer. A port must be named, for Tessera has no default.
func webURL(text string) (*url.URL, error) {
	parsed, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(parsed.Port())
	switch {
	case parsed.Scheme != "http" && parsed.Scheme != "https":
		return nil, fmt.Errorf("%q is not an http or https URL", text)
	case err != nil || number < 1 || number > 65535:
		return nil, fmt.Errorf("%q names no port from 1 to 65535", text)
	case parsed.User != nil || !hostName.MatchString(parsed.Hostname()) && net.ParseIP(parsed.Hostname()) == nil:
		return nil, fmt.Errorf("%q names no host", text)
	}
	return parsed, nil
}

// normal is the form in which Tessera compares and shows URLs: with a slash at the end.
func normal(text string) string {
	return strings.TrimRight(text, "/") + "/"
}
