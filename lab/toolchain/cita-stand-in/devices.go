package main

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strings"
	"sync"
	"time"
)

// syncing is one run of syncthing between two restarts.
type syncing struct {
	config  SyncConfig
	id      string
	cert    tls.Certificate
	restart chan struct{}

	mutex     sync.Mutex
	ended     bool
	open      map[net.Conn]bool
	connected map[string]int
	said      map[string]string
}

// deviceID is that of a certificate (docs.syncthing.net/dev/device-ids.html).
func deviceID(certificate []byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	sum := sha256.Sum256(certificate)
	text := base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:])
	var checked string
	for block := range 4 {
		part, total := text[13*block:13*block+13], 0
		for place, letter := range part {
			product := strings.IndexRune(alphabet, letter) * (1 + place%2)
			total += product/32 + product%32
		}
		checked += part + string(alphabet[(32-total%32)%32])
	}
	groups := make([]string, 8)
	for group := range groups {
		groups[group] = checked[7*group : 7*group+7]
	}
	return strings.Join(groups, "-")
}

func (us *syncing) accept(listener net.Listener) {
	for {
		connection, err := listener.Accept()
		if err != nil {
			return // it restarts
		}
		go us.talk(tls.Server(connection, us.tls("")), caller(connection))
	}
}

// dial keeps a connection to a device until the run ends.
func (us *syncing) dial(id, place string) {
	where := strings.TrimPrefix(place, "tcp://")
	for ; !us.hasEnded(); time.Sleep(second) {
		connection, err := net.DialTimeout("tcp", where, patience)
		if err != nil {
			us.say(place, err.Error())
			continue
		}
		us.talk(tls.Client(connection, us.tls(id)), place)
	}
}

// tls asks for the certificate of one device, or of any that is known.
func (us *syncing) tls(expected string) *tls.Config {
	return &tls.Config{
		Certificates:       []tls.Certificate{us.cert},
		ClientAuth:         tls.RequireAnyClientCert,
		InsecureSkipVerify: true, // no authority has signed it: VerifyConnection compares the device id
		NextProtos:         []string{"bep/1.0"},
		VerifyConnection: func(state tls.ConnectionState) error {
			id := deviceID(state.PeerCertificates[0].Raw)
			if expected != "" && id != expected {
				return fmt.Errorf("refused: it is device %s, not %s", id, expected)
			}
			if !us.knows(id) {
				return fmt.Errorf("refused: it is the unknown device %s", id)
			}
			return nil
		},
	}
}

// talk holds a connection: both ends send a byte now and then, so that each knows that the other took its certificate.
func (us *syncing) talk(connection *tls.Conn, place string) {
	if !us.begin(connection) {
		return
	}
	defer us.forget(connection)
	connection.SetDeadline(time.Now().Add(silence))
	if err := connection.Handshake(); errors.Is(err, io.EOF) {
		return // a probe
	} else if err != nil {
		us.say(place, err.Error())
		return
	}
	id := deviceID(connection.ConnectionState().PeerCertificates[0].Raw)
	go func() {
		for ; ; time.Sleep(second) {
			if _, err := connection.Write([]byte{0}); err != nil {
				return
			}
		}
	}()
	for counted := false; ; {
		connection.SetDeadline(time.Now().Add(silence))
		if _, err := connection.Read(make([]byte, 1)); err != nil {
			us.say(place, err.Error())
			return
		}
		if !counted {
			counted = true
			us.say(place, "connected to "+id)
			us.count(id, 1)
			defer us.count(id, -1)
		}
	}
}

// begin notes a connection, so that it can be ended; it is too late for one when the run has ended.
func (us *syncing) begin(connection net.Conn) bool {
	us.mutex.Lock()
	defer us.mutex.Unlock()
	if us.ended {
		connection.Close()
		return false
	}
	us.open[connection] = true
	return true
}

func (us *syncing) forget(connection net.Conn) {
	us.mutex.Lock()
	defer us.mutex.Unlock()
	delete(us.open, connection)
	connection.Close()
}

func (us *syncing) end() {
	us.mutex.Lock()
	defer us.mutex.Unlock()
	us.ended = true
	for connection := range us.open {
		// not tls.Conn's own Close, which first tells the other end, and waits for a write that is under way
		connection.(*tls.Conn).NetConn().Close()
	}
}

func (us *syncing) hasEnded() bool {
	us.mutex.Lock()
	defer us.mutex.Unlock()
	return us.ended
}

func (us *syncing) count(id string, more int) {
	us.mutex.Lock()
	defer us.mutex.Unlock()
	us.connected[id] += more
}

func (us *syncing) say(place, words string) {
	us.mutex.Lock()
	defer us.mutex.Unlock()
	if us.said[place] != words {
		us.said[place] = words
		log.Printf("%s: %s", place, words)
	}
}
