package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strconv"

	"github.com/BurntSushi/toml"
	"google.golang.org/protobuf/encoding/protowire"
)

// Genesis is genesis.toml.
type Genesis struct {
	Timestamp uint64 `toml:"timestamp"`
	Prevhash  string `toml:"prevhash"`
}

// System is init_sys_config.toml.
type System struct {
	Version       uint32   `toml:"version"`
	ChainID       string   `toml:"chain_id"`
	Admin         string   `toml:"admin"`
	BlockInterval uint32   `toml:"block_interval"`
	Validators    []string `toml:"validators"`
}

// Chain is what all nodes must have alike, and the account of this one.
type Chain struct {
	Genesis
	System
	Address string
}

// NetworkConfig is network-config.toml.
type NetworkConfig struct {
	Port      uint16 `toml:"port"`
	EnableTLS bool   `toml:"enable_tls"`
	Peers     []struct {
		IP   string `toml:"ip"`
		Port uint16 `toml:"port"`
	} `toml:"peers"`
}

// ConsensusConfig is consensus-config.toml.
type ConsensusConfig struct {
	NetworkPort    uint16 `toml:"network_port"`
	ControllerPort uint16 `toml:"controller_port"`
	NodeID         int    `toml:"node_id"`
}

// ControllerConfig is controller-config.toml.
type ControllerConfig struct {
	NetworkPort      uint16 `toml:"network_port"`
	ConsensusPort    uint16 `toml:"consensus_port"`
	StoragePort      uint16 `toml:"storage_port"`
	KMSPort          uint16 `toml:"kms_port"`
	ExecutorPort     uint16 `toml:"executor_port"`
	BlockDelayNumber uint32 `toml:"block_delay_number"`
}

// readConfig reads a file of the working directory, which has to say all that is required; more is passed over.
func readConfig(file string, into any, required ...string) error {
	read, err := toml.DecodeFile(file, into)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, key := range required {
		if !read.IsDefined(key) {
			return fmt.Errorf("%s: missing field `%s`", file, key)
		}
	}
	return nil
}

func readConsensusConfig() (ConsensusConfig, error) {
	var found ConsensusConfig
	return found, readConfig("consensus-config.toml", &found, "network_port", "controller_port", "node_id")
}

// readChain reads what a controller reads at its start.
func readChain() (*Chain, error) {
	chain := &Chain{}
	if err := readConfig("genesis.toml", &chain.Genesis, "timestamp", "prevhash"); err != nil {
		return nil, err
	}
	keys := []string{"version", "chain_id", "admin", "block_interval", "validators"}
	if err := readConfig("init_sys_config.toml", &chain.System, keys...); err != nil {
		return nil, err
	}
	lengths := map[string]int{chain.Prevhash: 32, chain.ChainID: 32, chain.Admin: 20}
	for _, validator := range chain.Validators {
		lengths[validator] = 20
	}
	for text, length := range lengths {
		if _, err := unprefixed(text, length); err != nil {
			return nil, fmt.Errorf("genesis.toml or init_sys_config.toml: %w", err)
		}
	}
	address, err := os.ReadFile("node_address")
	if err != nil {
		return nil, err
	}
	if _, err := unprefixed(string(address), 20); err != nil {
		return nil, fmt.Errorf("node_address, which ends without a newline: %w", err)
	}
	chain.Address = string(address)
	return chain, nil
}

func readKeyID() (uint64, error) {
	text, err := os.ReadFile("key_id")
	if err != nil {
		return 0, err
	}
	id, err := strconv.ParseUint(string(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("key_id, which ends without a newline: %w", err)
	}
	return id, nil
}

// digest tells a chain from every other one.
func (c *Chain) digest() string {
	text, err := json.Marshal([]any{c.Genesis, c.System})
	if err != nil {
		panic(err) // numbers and strings can always be written
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// header is that of block 0 (cita_cloud_proto, blockchain.proto: BlockHeader); its height, 0, is not written.
func (c *Chain) header() []byte {
	zeros := make([]byte, 32)
	prevhash, _ := unprefixed(c.Prevhash, 32) // readChain has seen that it is one
	header := field(nil, 1, prevhash)
	header = protowire.AppendVarint(protowire.AppendTag(header, 2, protowire.VarintType), c.Timestamp)
	return field(field(header, 4, zeros), 5, zeros)
}

func field(message []byte, number protowire.Number, content []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(message, number, protowire.BytesType), content)
}

func (c *Chain) isValidator(address string) bool { return slices.Contains(c.Validators, address) }

// nextHash is that of a block, which says nothing but what is before it and how high it is.
func nextHash(hash func([]byte) []byte, previous []byte, height uint64) []byte {
	return hash(binary.BigEndian.AppendUint64(slices.Clone(previous), height))
}
