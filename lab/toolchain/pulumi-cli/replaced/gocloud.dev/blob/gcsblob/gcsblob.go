// Package gcsblob stands where the driver of gs:// is: a lab's stacks are in folders, and Google's SDK is an eighth of
// the program. Opening such a backend is refused in pulumi's authhelpers, before this would be asked.
package gcsblob

// Scheme is that of the URLs which the driver would open.
const Scheme = "gs"
