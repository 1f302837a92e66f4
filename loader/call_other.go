//go:build !grpc

package loader

import (
	"errors"

	"github.com/slogate/slogate/slo"
)

// newCallee refuses a call, as the parser of the file does.
func newCallee(r *slo.Request) (callee, error) {
	if r.GRPC != nil {
		return nil, errors.New("this slogate was built without gRPC")
	}
	return nil, nil
}
