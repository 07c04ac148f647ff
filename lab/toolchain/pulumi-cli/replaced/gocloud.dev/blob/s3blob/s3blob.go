// Package s3blob stands where the driver of s3:// is: a lab's stacks are in folders. Without the driver, such a URL is
// refused with the names of those that are there.
package s3blob
