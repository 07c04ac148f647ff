// etcd from its own library, at the version that this Kubernetes release names, so that one module pins both.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
