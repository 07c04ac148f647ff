//go:build tools

// Package tools pins what the image of GoQuorum is made of.
package tools

import _ "github.com/ethereum/go-ethereum/cmd/geth"
