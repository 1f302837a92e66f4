//go:build !grpc

package slo

import (
	"strings"
	"testing"
)

func TestGRPCIsSaidToBeMissing(t *testing.T) {
	_, err := Parse([]byte(head+"scenarios:\n  - {grpc: shop.v1.Orders/Get}\n"+oneStage), testOptions("slo.yaml"))
	if err == nil || !strings.Contains(err.Error(), "SLO154: this slogate was built without gRPC") {
		t.Errorf("got %v", err)
	}
}
