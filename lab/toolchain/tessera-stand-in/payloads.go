package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Payload is a private payload as the stand-in keeps and sends it: not encrypted, and in JSON.
type Payload struct {
	Payload   []byte   `json:"payload"`
	From      string   `json:"from,omitempty"`
	To        []string `json:"to"`
	Affected  []string `json:"affectedContractTransactions"`
	ExecHash  string   `json:"execHash,omitempty"`
	Flag      int      `json:"privacyFlag"`
	Mandatory []string `json:"mandatoryRecipients"`
	Hash      []byte   `json:"hash,omitempty"`
}

// Payloads keeps them in files, one each, beside the database that Tessera would have.
type Payloads struct {
	folder  string
	own     []string
	parties *Parties
}

func newPayloads(config *Config, keys []string, parties *Parties) *Payloads {
	path, _, _ := strings.Cut(strings.TrimPrefix(config.JDBC.URL, "jdbc:h2:"), ";")
	return &Payloads{filepath.Join(filepath.Dir(strings.TrimPrefix(path, "file:")), "payloads"), keys, parties}
}

func (payloads *Payloads) path(hash []byte, raw bool) string {
	name := base64.RawURLEncoding.EncodeToString(hash)
	if raw {
		name += ".raw"
	}
	return filepath.Join(payloads.folder, name)
}

func (payloads *Payloads) keep(one *Payload, raw bool) error {
	if len(one.Hash) == 0 {
		nonce := make([]byte, 24)
		rand.Read(nonce)
		sum := sha512.Sum512(append(nonce, one.Payload...))
		one.Hash = sum[:]
	}
	content, err := json.Marshal(one)
	if err == nil {
		err = os.MkdirAll(payloads.folder, 0o700)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(payloads.path(one.Hash, raw), content, 0o600)
}

func (payloads *Payloads) find(hash []byte, raw bool) (*Payload, error) {
	content, err := os.ReadFile(payloads.path(hash, raw))
	if err != nil {
		return nil, err
	}
	one := &Payload{}
	return one, json.Unmarshal(content, one)
}

// distribute keeps a payload and hands it to all its parties; like Tessera it fails where one is unknown or away.
func (payloads *Payloads) distribute(one *Payload) error {
	if one.From == "" {
		one.From = payloads.own[0]
	}
	if !slices.Contains(payloads.own, one.From) {
		return unknownSender(one.From)
	}
	if !slices.Contains(one.To, one.From) {
		one.To = append(one.To, one.From)
	}
	if err := payloads.keep(one, false); err != nil {
		return err
	}
	content, err := json.Marshal(one)
	if err != nil {
		return err
	}
	for _, key := range one.To {
		if slices.Contains(payloads.own, key) {
			continue
		}
		url := payloads.parties.owner(key)
		if url == "" {
			return refusal{http.StatusNotFound, "Recipient not found for key: " + key}
		}
		response, err := payloads.parties.client.Post(url+"push", "application/octet-stream", bytes.NewReader(content))
		if err != nil {
			return refusal{http.StatusGone, err.Error()}
		}
		response.Body.Close()
		if response.StatusCode != http.StatusCreated {
			return fmt.Errorf("Unable to push payload to recipient url %s: %s", url, response.Status)
		}
	}
	return nil
}

// managed is which of a payload's parties this node is.
func (payloads *Payloads) managed(one *Payload) []string {
	found := []string{}
	for _, key := range one.To {
		if slices.Contains(payloads.own, key) {
			found = append(found, key)
		}
	}
	return found
}

// serve adds what GoQuorum calls (private/engine/tessera and constellation of GoQuorum).
func (payloads *Payloads) serve(mux *http.ServeMux) {
	mux.HandleFunc("POST /send", payloads.taken(func(one *Payload) error { return payloads.distribute(one) }))
	mux.HandleFunc("POST /storeraw", payloads.taken(func(one *Payload) error {
		if one.From == "" {
			one.From = payloads.own[0]
		}
		one.To = []string{one.From}
		return payloads.keep(one, true)
	}))
	mux.HandleFunc("POST /sendsignedtx", payloads.taken(func(one *Payload) error {
		raw, err := payloads.find(one.Hash, true)
		if err != nil {
			return err
		}
		one.Payload, one.From = raw.Payload, raw.From
		return payloads.distribute(one)
	}))
	mux.HandleFunc("GET /transaction/", payloads.given)
	mux.HandleFunc("POST /sendraw", payloads.sendRaw)
	mux.HandleFunc("GET /receiveraw", payloads.receiveRaw)
}

func (payloads *Payloads) taken(do func(*Payload) error) http.HandlerFunc {
	return func(response http.ResponseWriter, request *http.Request) {
		one := &Payload{}
		if err := json.NewDecoder(http.MaxBytesReader(response, request.Body, 16*maximum)).Decode(one); err != nil {
			http.Error(response, err.Error(), http.StatusBadRequest)
			return
		}
		if err := do(one); os.IsNotExist(err) {
			http.Error(response, "Raw Transaction Payload not found", http.StatusNotFound)
		} else if err != nil {
			refuse(response, err)
		} else {
			response.Header().Set("Content-Type", "application/json")
			response.WriteHeader(http.StatusCreated)
			json.NewEncoder(response).Encode(map[string]any{
				"key": one.Hash, "senderKey": one.From, "managedParties": payloads.managed(one),
			})
		}
	}
}

// given is a payload, who sent it, or who has it; 404 where this node is no party: GoQuorum ends itself on any other
// refusal.
func (payloads *Payloads) given(response http.ResponseWriter, request *http.Request) {
	// the hash is base64 with slashes, escaped in the path
	name, what, _ := strings.Cut(strings.TrimPrefix(request.URL.EscapedPath(), "/transaction/"), "/")
	name = strings.NewReplacer("%2F", "/", "%2B", "+", "%3D", "=").Replace(name)
	hash, err := base64.StdEncoding.DecodeString(name)
	if err != nil {
		http.Error(response, "a hash is base64", http.StatusBadRequest)
		return
	}
	one, err := payloads.find(hash, request.URL.Query().Get("isRaw") == "true")
	if err != nil {
		http.Error(response, "Message with hash "+name+" was not found", http.StatusNotFound)
		return
	}
	switch what {
	case "isSender":
		fmt.Fprint(response, slices.Contains(payloads.own, one.From))
	case "participants":
		fmt.Fprint(response, strings.Join(one.To, ","))
	case "mandatory":
		fmt.Fprint(response, strings.Join(one.Mandatory, ","))
	default:
		answer(response, map[string]any{
			"payload": one.Payload, "affectedContractTransactions": append([]string{}, one.Affected...),
			"execHash": one.ExecHash, "privacyFlag": one.Flag,
			"managedParties": payloads.managed(one), "senderKey": one.From,
		})
	}
}

// push is another stand-in's call with a payload for this one.
func (payloads *Payloads) push(response http.ResponseWriter, request *http.Request) {
	one := &Payload{}
	content, err := io.ReadAll(http.MaxBytesReader(response, request.Body, 16*maximum))
	if err == nil {
		err = json.Unmarshal(content, one)
	}
	if err == nil && len(one.Hash) != sha512.Size {
		err = fmt.Errorf("its hash has %d bytes", len(one.Hash))
	}
	if err == nil {
		err = payloads.keep(one, false)
	}
	if err != nil {
		http.Error(response, err.Error(), http.StatusBadRequest)
		return
	}
	response.WriteHeader(http.StatusCreated)
}
