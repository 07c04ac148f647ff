package main

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
)

// refusal is an error with the status that Tessera gives it.
type refusal struct {
	status int
	text   string
}

func (refused refusal) Error() string {
	return refused.text
}

// refuse answers an error; Tessera has 500 for every exception without a mapper.
func refuse(response http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	if refused := (refusal{}); errors.As(err, &refused) {
		status = refused.status
	}
	http.Error(response, err.Error(), status)
}

// sendRaw is /send with the payload as the body, and its parties in headers. What is refused, and how: resource
// classes TransactionResource and the exception mappers of tessera-jaxrs.
func (payloads *Payloads) sendRaw(response http.ResponseWriter, request *http.Request) {
	one, err := readRaw(request)
	if err == nil {
		err = payloads.distribute(one)
	}
	if err != nil {
		refuse(response, err)
		return
	}
	// 200, where /send has 201: Quorum's client for it takes nothing else
	response.Header().Set("Content-Type", "text/plain")
	fmt.Fprint(response, base64.StdEncoding.EncodeToString(one.Hash))
}

func readRaw(request *http.Request) (*Payload, error) {
	from, err := header(request, "c11n-from")
	if err != nil {
		return nil, err
	}
	one := &Payload{From: from}
	for _, key := range strings.Split(request.Header.Get("c11n-to"), ",") {
		if key == "" {
			continue
		}
		// Tessera validates the sender's key and not these: its decoder's exception has no mapper
		bytes, err := octets("c11n-to", key, http.StatusInternalServerError)
		if err != nil {
			return nil, err
		}
		one.To = append(one.To, base64.StdEncoding.EncodeToString(bytes))
	}
	one.Payload, err = io.ReadAll(http.MaxBytesReader(nil, request.Body, 16*maximum))
	if err != nil || len(one.Payload) == 0 {
		return nil, refusal{http.StatusBadRequest, "the payload is missing, or too large"}
	}
	return one, nil
}

// receiveRaw is a payload as it is, of the hash in a header.
func (payloads *Payloads) receiveRaw(response http.ResponseWriter, request *http.Request) {
	content, err := payloads.readFor(request)
	if err != nil {
		refuse(response, err)
		return
	}
	response.Header().Set("Content-Type", "application/octet-stream")
	response.Write(content)
}

func (payloads *Payloads) readFor(request *http.Request) ([]byte, error) {
	if len(request.Header.Values("c11n-key")) == 0 {
		return nil, refusal{http.StatusBadRequest, "the header c11n-key is missing"}
	}
	hash, err := octets("c11n-key", request.Header.Get("c11n-key"), http.StatusBadRequest)
	if err != nil {
		return nil, err
	}
	to, err := header(request, "c11n-to")
	if err != nil {
		return nil, err
	}
	one, err := payloads.find(hash, false)
	if os.IsNotExist(err) {
		text := base64.StdEncoding.EncodeToString(hash)
		return nil, refusal{http.StatusNotFound, "Message with hash " + text + " was not found"}
	}
	if err != nil {
		return nil, err
	}
	return one.Payload, payloads.opens(one, to)
}

// opens tells whether a key opens a payload. What this node has sent itself, its own key opens, whichever is named.
func (payloads *Payloads) opens(one *Payload, key string) error {
	switch {
	case key == "" || slices.Contains(payloads.own, one.From):
		return nil
	case !slices.Contains(payloads.own, key):
		return unknownSender(key)
	case !slices.Contains(one.To, key):
		return fmt.Errorf("%s does not open it", key)
	}
	return nil
}

// header is a key in a header, in base64 with its padding; empty where there is none.
func header(request *http.Request, name string) (string, error) {
	bytes, err := octets(name, request.Header.Get(name), http.StatusBadRequest)
	return base64.StdEncoding.EncodeToString(bytes), err
}

// octets reads base64 as Java does, for which padding may be left out.
func octets(name, text string, status int) ([]byte, error) {
	encoding := base64.StdEncoding
	if !strings.HasSuffix(text, "=") {
		encoding = base64.RawStdEncoding
	}
	bytes, err := encoding.DecodeString(text)
	if err != nil {
		return nil, refusal{status, name + " is not base64"}
	}
	return bytes, nil
}

func unknownSender(key string) error {
	return refusal{http.StatusNotFound, "Public key " + key + " not found when searching for private key"}
}
