// Package cloud refuses the secrets providers of clouds: a lab's stacks have passphrases, and the SDKs of four clouds
// are an eighth of the program.
package cloud

import (
	"encoding/json"
	"errors"

	"github.com/pulumi/pulumi/pkg/v3/secrets"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
)

// Type is the type of secrets that the provider would manage.
const Type = "cloud"

var errLeftOut = errors.New("pulumi was built for a lab of archipelago, and knows passphrases only; " +
	"take the one of its vendor for awskms, azurekeyvault, gcpkms and hashivault")

// EditProjectStack refuses.
func EditProjectStack(*workspace.ProjectStack, json.RawMessage) error { return errLeftOut }

// NewCloudSecretsManagerFromState refuses.
func NewCloudSecretsManagerFromState(json.RawMessage) (secrets.Manager, error) {
	return nil, errLeftOut
}

// NewCloudSecretsManager refuses.
func NewCloudSecretsManager(*workspace.ProjectStack, string, bool) (secrets.Manager, error) {
	return nil, errLeftOut
}
