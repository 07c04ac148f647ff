// Package v1 is without its helpers of tests: they bring a validator of OpenAPI that is half of the build.
package v1
