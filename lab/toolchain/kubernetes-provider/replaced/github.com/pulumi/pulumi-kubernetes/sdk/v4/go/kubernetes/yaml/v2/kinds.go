// Package v2 registers what ConfigFile, Chart and their like find in YAML, without a Go type for each kind: the types
// of all releases of Kubernetes are a third of the provider, and take longer to compile than the rest of it.
package v2

import (
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// IsListKind reports whether objects of this kind are lists of others.
func IsListKind(_, kind string) bool {
	return strings.HasSuffix(kind, "List")
}

// RegisterResource registers an object under the type that its kind has in Pulumi.
func RegisterResource(ctx *pulumi.Context, apiVersion, kind, name string, props pulumi.Input,
	opts ...pulumi.ResourceOption) (pulumi.CustomResource, error) {
	group := apiVersion
	if !strings.Contains(group, "/") {
		group = "core/" + group
	}
	var res pulumi.CustomResourceState
	if err := ctx.RegisterResource("kubernetes:"+group+":"+kind, name, props, &res, opts...); err != nil {
		return nil, err
	}
	return &res, nil
}
