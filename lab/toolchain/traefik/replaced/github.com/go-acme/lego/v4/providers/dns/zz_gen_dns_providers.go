// Package dns knows no company: the SDKs of 150 of them, through which Traefik would get certificates, are half of its
// build and nothing of what leads a connection from an entry point to a member.
package dns

import (
	"fmt"

	"github.com/go-acme/lego/v4/challenge"
)

// NewDNSChallengeProviderByName refuses every name.
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf("%s: this build of Traefik asks no DNS provider for certificates", name)
}
