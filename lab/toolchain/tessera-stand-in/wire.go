package main

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
)

var errCut = errors.New("it ends before it should")

// encode is what Tesseras send each other: the URL, keys with their URLs, and peers, each text and each list behind its
// length in 8 bytes (PartyInfoParser of tessera-jaxrs).
func (info PartyInfo) encode() []byte {
	out := text(nil, []byte(info.URL))
	out = binary.BigEndian.AppendUint64(out, uint64(len(info.Keys)))
	for _, key := range info.Keys {
		raw, _ := base64.StdEncoding.DecodeString(key.Key)
		out = text(text(out, raw), []byte(key.URL))
	}
	out = binary.BigEndian.AppendUint64(out, uint64(len(info.Peers)))
	for _, peer := range info.Peers {
		out = text(out, []byte(peer.URL))
	}
	return out
}

func decode(data []byte) (info PartyInfo, err error) {
	number := func() (count uint64) {
		if err != nil || len(data) < 8 {
			err = errCut
			return 0
		}
		count, data = binary.BigEndian.Uint64(data), data[8:]
		return count
	}
	bytes := func() (found []byte) {
		if count := number(); err != nil || count > uint64(len(data)) {
			err = errCut
		} else {
			found, data = data[:count], data[count:]
		}
		return found
	}
	info.URL = string(bytes())
	for count := number(); count > 0 && err == nil; count-- {
		key := base64.StdEncoding.EncodeToString(bytes())
		info.Keys = append(info.Keys, Key{key, string(bytes())})
	}
	for count := number(); count > 0 && err == nil; count-- {
		info.Peers = append(info.Peers, Party{URL: string(bytes())})
	}
	return info, err
}

func text(out, what []byte) []byte {
	return append(binary.BigEndian.AppendUint64(out, uint64(len(what))), what...)
}
