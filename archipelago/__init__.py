"""The core: from a stack file to Kubernetes objects, in pure functions and without Pulumi."""
