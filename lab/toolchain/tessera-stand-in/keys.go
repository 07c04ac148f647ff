package main

import (
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

const keyLength = 32

// readKeys reads the node's key pairs and returns the public halves, in base64 as everywhere in Tessera.
func readKeys(keys *Keys) ([]string, error) {
	var public []string
	for index, data := range keys.KeyData {
		key, err := readPair(data)
		if err != nil {
			return nil, fmt.Errorf("keys.keyData[%d]: %w", index, err)
		}
		public = append(public, key)
	}
	return public, nil
}

func readPair(data KeyData) (string, error) {
	if data.PrivateKeyPath == "" || data.PublicKeyPath == "" {
		return "", fmt.Errorf("the stand-in only knows keys in files: privateKeyPath and publicKeyPath")
	}
	private, err := readPrivate(data.PrivateKeyPath)
	if err != nil {
		return "", fmt.Errorf("privateKeyPath: %w", err)
	}
	text, err := os.ReadFile(data.PublicKeyPath)
	if err != nil {
		return "", fmt.Errorf("publicKeyPath: %w", err)
	}
	public := strings.TrimSuffix(string(text), "\n")
	if _, err := keyBytes(public); err != nil {
		return "", fmt.Errorf("publicKeyPath: %s: %w", data.PublicKeyPath, err)
	}
	// Tessera would find out only when a payload cannot be opened.
	if belongs := base64.StdEncoding.EncodeToString(private.PublicKey().Bytes()); belongs != public {
		return "", fmt.Errorf("%s and %s are no pair: the private key's public half is %s",
			data.PrivateKeyPath, data.PublicKeyPath, belongs)
	}
	return public, nil
}

// readPrivate reads `{"type":"unlocked","data":{"bytes":"<base64>"}}`.
func readPrivate(path string) (*ecdh.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Type string `json:"type"`
		Data struct {
			Bytes string `json:"bytes"`
		} `json:"data"`
	}
	if json.Unmarshal(text, &file) != nil { // the error would quote what may be a secret
		return nil, fmt.Errorf("%s is not JSON", path)
	}
	if file.Type != "unlocked" {
		return nil, fmt.Errorf("%s is of type %q; the stand-in only knows unlocked keys", path, file.Type)
	}
	key, err := keyBytes(file.Data.Bytes)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return ecdh.X25519().NewPrivateKey(key)
}

func keyBytes(text string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("a key is base64")
	}
	if len(key) != keyLength {
		return nil, fmt.Errorf("a key has %d bytes, this one %d", keyLength, len(key))
	}
	return key, nil
}
