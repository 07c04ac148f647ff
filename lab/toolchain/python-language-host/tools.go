//go:build tools

// Package tools names the command that this module is built for, so that `go mod tidy` keeps its requirements.
// 3.79.0 is the newest release of the module that still holds the language host's source.
package tools

import _ "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
