//go:build !kubernetes

package kube

import "context"

// Connect refuses: what reads kubeconfigs and credentials makes the program
// larger by a quarter, for those who load a cluster.
func Connect(context.Context, Options) (*Client, error) {
	return nil, &ConnectError{
		Msg:  "this slogate was built without Kubernetes",
		Hint: "take a release's archive slogate-full_…, the image ghcr.io/slogate/slogate, or go install -tags kubernetes github.com/slogate/slogate@latest",
	}
}
