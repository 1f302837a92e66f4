package main

import (
	"context"

	"github.com/slogate/slogate/kube"
)

// namespaceFlag names where in the cluster something is made or changed.
type namespaceFlag struct {
	Namespace string `group:"Kubernetes:" help:"Namespace (default: the file's, else the context's)." placeholder:"NAME"`
}

// connect finds the way to a cluster.
func connect(ctx context.Context, way *cluster, namespace string) (*kube.Client, error) {
	o := way.Options
	o.Namespace = namespace
	client, err := kube.Connect(ctx, o)
	return client, helpful(err)
}
