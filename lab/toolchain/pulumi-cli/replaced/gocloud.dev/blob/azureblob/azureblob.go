// Package azureblob stands where the driver of azblob:// is: a lab's stacks are in folders. It has what pulumi's own
// code names, and refuses to open anything.
package azureblob

import (
	"context"
	"errors"
	"net/url"

	"gocloud.dev/blob"
)

// Scheme is that of the URLs which the driver would open.
const Scheme = "azblob"

// ServiceURLOptions is empty.
type ServiceURLOptions struct{}

// NewDefaultServiceURLOptions returns nothing.
func NewDefaultServiceURLOptions() *ServiceURLOptions { return &ServiceURLOptions{} }

// NewDefaultClient is never called.
func NewDefaultClient() {}

// URLOpener refuses.
type URLOpener struct {
	MakeClient        func()
	ServiceURLOptions ServiceURLOptions
}

// OpenBucketURL refuses.
func (*URLOpener) OpenBucketURL(context.Context, *url.URL) (*blob.Bucket, error) {
	return nil, errors.New("pulumi was built for a lab of archipelago, without azblob://; take the one of its vendor")
}
