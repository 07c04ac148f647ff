"""One package per protocol. A chain knows its protocol and no Kubernetes object; `registry` lists them."""
