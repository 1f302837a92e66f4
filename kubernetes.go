package main

import (
	"context"

	"github.com/slogate/slogate/kube"
	"github.com/slogate/slogate/secret"
	"github.com/slogate/slogate/slo"
)

// namespaceFlag names where in the cluster something is made or changed.
type namespaceFlag struct {
	Namespace string `group:"Kubernetes:" help:"Namespace (default: the file's, else the context's)." placeholder:"NAME"`
}

// connect finds the way to a cluster. What that says holds no secret of the file.
func connect(ctx context.Context, way *cluster, namespace string, file *slo.File) (*kube.Client, error) {
	o := way.Options
	o.Namespace = namespace
	client, err := kube.Connect(ctx, o)
	if err != nil {
		return nil, helpful(err)
	}
	client.Mask = secret.NewMask(file.Secrets)
	return client, nil
}
