// The Kubernetes provider of Pulumi as a plugin of its own name. The published binary embeds a generated schema of
// several megabytes, which no module holds; it only serves code generation and documentation, so an empty one stands in.
package main

import "github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"

// The version has to be that of the Python SDK: it is what the engine asks for.
const version = "4.27.0"

func main() {
	schema := `{"name": "kubernetes", "version": "` + version + `"}`
	aliases := `{}`
	provider.Serve("kubernetes", version, []byte(schema), []byte(aliases))
}
