package main

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/emmansun/gmsm/sm2"
	"github.com/emmansun/gmsm/sm3"
	"github.com/emmansun/gmsm/sm4"
	"golang.org/x/crypto/blake2b"
	"golang.org/x/crypto/sha3"
)

// suite is what one kind of kms computes with.
type suite struct {
	name    string
	hash    func([]byte) []byte
	public  func([]byte) ([]byte, error)
	decrypt func(password, encrypted []byte) ([]byte, error)
}

var suites = map[string]suite{
	"kms_sm":  {"sm", sm3Hash, sm2Public, sm4CFB},
	"kms_eth": {"eth", keccak, secp256k1Public, aesCTR},
}

// address is that of a private key: 0x and 40 hex characters.
func (s suite) address(private []byte) (string, error) {
	public, err := s.public(private)
	if err != nil {
		return "", err
	}
	hash := s.hash(public)
	return "0x" + hex.EncodeToString(hash[len(hash)-20:]), nil
}

func sm3Hash(data []byte) []byte {
	sum := sm3.Sum(data)
	return sum[:]
}

func keccak(data []byte) []byte {
	hash := sha3.NewLegacyKeccak256()
	hash.Write(data)
	return hash.Sum(nil)
}

func sm2Public(private []byte) ([]byte, error) {
	key, err := sm2.NewPrivateKey(private)
	if err != nil {
		return nil, err
	}
	return append(key.X.FillBytes(make([]byte, 32)), key.Y.FillBytes(make([]byte, 32))...), nil
}

func secp256k1Public(private []byte) ([]byte, error) {
	var scalar secp256k1.ModNScalar
	if len(private) != 32 || scalar.SetByteSlice(private) || scalar.IsZero() {
		return nil, errors.New("it is no private key of secp256k1")
	}
	return secp256k1.NewPrivateKey(&scalar).PubKey().SerializeUncompressed()[1:], nil
}

func sm4CFB(password, encrypted []byte) ([]byte, error) {
	derived := sm3Hash(password)
	block, err := sm4.NewCipher(derived[:16])
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(encrypted))
	cipher.NewCFBDecrypter(block, derived[16:]).XORKeyStream(plain, encrypted) // what kms_sm uses
	return plain, nil
}

func aesCTR(password, encrypted []byte) ([]byte, error) {
	derived := blake2b.Sum512(password)
	block, err := aes.NewCipher(derived[:16])
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(encrypted))
	cipher.NewCTR(block, derived[16:32]).XORKeyStream(plain, encrypted)
	return plain, nil
}

// readKey reads a private key as text, 0x and 64 hex characters; nothing of it is ever said.
func readKey(file string) ([]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	line, _, _ := bytes.Cut(text, []byte("\n"))
	key, err := unprefixed(strings.TrimRight(string(line), " \t\r"), 32)
	if err != nil {
		return nil, fmt.Errorf("%s is not 0x and 64 hex characters", file)
	}
	return key, nil
}

// unprefixed drops the first two characters without looking at them, as the services do, and reads the rest as hex.
func unprefixed(text string, length int) ([]byte, error) {
	if len(text) < 2 {
		return nil, fmt.Errorf("%q is too short", text)
	}
	found, err := hex.DecodeString(text[2:])
	if err != nil {
		return nil, err
	}
	if len(found) != length {
		return nil, fmt.Errorf("%q has %d bytes, not %d", text, len(found), length)
	}
	return found, nil
}
