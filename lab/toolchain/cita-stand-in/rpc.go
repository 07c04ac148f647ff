package main

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// The statuses of gRPC that are answered here (grpc.io/docs/guides/status-codes).
const (
	invalidArgument = 3
	notFound        = 5
	unimplemented   = 12
	unavailable     = 14
)

// failure is an answer that is none.
type failure struct {
	status int
	words  string
}

func (f failure) Error() string { return f.words }

type method func(request []byte) ([]byte, error)

// serveClients answers what controller.RPCService is asked about the chain (cita_cloud_proto, controller.proto).
func (us *controller) serveClients(mux *http.ServeMux) {
	for call, answer := range map[string]method{
		"GetBlockNumber":  us.blockNumber,
		"GetBlockHash":    us.blockHash,
		"GetSystemConfig": us.systemConfig,
		"GetPeerCount":    us.peerCount,
		"GetVersion":      us.version,
	} {
		mux.Handle("POST /controller.RPCService/"+call, answer)
	}
	mux.Handle("POST /controller.RPCService/", method(func([]byte) ([]byte, error) {
		return nil, failure{unimplemented, name + " keeps no transaction and executes nothing"}
	}))
}

// ServeHTTP is one unary call: five bytes before the message say that it is not compressed, and its length.
func (call method) ServeHTTP(response http.ResponseWriter, request *http.Request) {
	response.Header().Set("Content-Type", "application/grpc")
	response.Header().Set("Trailer", "Grpc-Status, Grpc-Message")
	answer, err := func() ([]byte, error) {
		message, err := readMessage(request.Body)
		if err != nil {
			return nil, failure{invalidArgument, err.Error()}
		}
		return call(message)
	}()
	status, words := 0, ""
	if err != nil {
		status, words = unavailable, err.Error()
		var refused failure
		if errors.As(err, &refused) {
			status = refused.status
		}
	} else {
		prefixed := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(answer)))
		response.Write(append(prefixed, answer...))
	}
	response.Header().Set("Grpc-Status", strconv.Itoa(status))
	response.Header().Set("Grpc-Message", words)
}

func readMessage(body io.Reader) ([]byte, error) {
	var prefix [5]byte
	if _, err := io.ReadFull(body, prefix[:]); err != nil {
		return nil, err
	}
	length := binary.BigEndian.Uint32(prefix[1:])
	if prefix[0] != 0 || length > maximum {
		return nil, fmt.Errorf("a message is compressed or has %d bytes", length)
	}
	message := make([]byte, length)
	_, err := io.ReadFull(body, message)
	return message, err
}

func (us *controller) blockNumber([]byte) ([]byte, error) {
	height, _ := us.height()
	return numbered(nil, 1, height), nil
}

func (us *controller) blockHash(request []byte) ([]byte, error) {
	var height uint64 // 0 is not written
	for len(request) > 0 {
		number, kind, length := protowire.ConsumeTag(request)
		if number != 1 || kind != protowire.VarintType {
			return nil, failure{invalidArgument, "this is no BlockNumber"}
		}
		var more int
		if height, more = protowire.ConsumeVarint(request[length:]); more < 0 {
			return nil, failure{invalidArgument, "this is no BlockNumber"}
		}
		request = request[length+more:]
	}
	us.mutex.Lock()
	defer us.mutex.Unlock()
	if height >= uint64(len(us.blocks)) {
		return nil, failure{notFound, fmt.Sprintf("there is no block %d", height)}
	}
	return field(nil, 1, us.blocks[height]), nil
}

func (us *controller) systemConfig([]byte) ([]byte, error) {
	message := numbered(nil, 1, uint64(us.chain.Version))
	message = field(message, 2, raw(us.chain.ChainID))
	message = field(message, 3, raw(us.chain.Admin))
	message = numbered(message, 4, uint64(us.chain.BlockInterval))
	for _, validator := range us.chain.Validators {
		message = field(message, 5, raw(validator))
	}
	return message, nil
}

func (us *controller) peerCount([]byte) ([]byte, error) {
	var peers []Peer
	if err := ask(http.MethodGet, int(us.config.NetworkPort), "/peers", nil, &peers); err != nil {
		return nil, err
	}
	return numbered(nil, 1, uint64(len(peers))), nil
}

func (us *controller) version([]byte) ([]byte, error) {
	return field(nil, 1, []byte(us.is.release+" "+name)), nil
}

// numbered adds a number, which protobuf leaves out where it is 0.
func numbered(message []byte, number protowire.Number, value uint64) []byte {
	if value == 0 {
		return message
	}
	return protowire.AppendVarint(protowire.AppendTag(message, number, protowire.VarintType), value)
}

// raw are the bytes of a text that readChain has read.
func raw(text string) []byte {
	found, _ := hex.DecodeString(text[2:])
	return found
}
