//go:build !kubernetes

package kube

import (
	"strings"
	"testing"
)

func TestKubernetesIsSaidToBeMissing(t *testing.T) {
	_, err := Connect(t.Context(), Options{})
	if err == nil || !strings.Contains(err.Error(), "built without Kubernetes") {
		t.Errorf("got %v", err)
	}
}
