package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/slogate/slogate/kube"
)

// clusterFlags name the cluster to speak to.
type clusterFlags struct {
	Context   string `help:"Context of the kubeconfig (KUBECONFIG, or ~/.kube/config); by default its current one, in a pod its service account." placeholder:"NAME"`
	Namespace string `help:"Namespace in the cluster; by default the context's." placeholder:"NAME"`
}

// connect finds the way to the cluster.
func (c clusterFlags) connect(ctx context.Context, p *program) (*kube.Client, error) {
	client, err := kube.Connect(ctx, kube.Options{Kubeconfig: p.kubeconfig(), Context: c.Context, Namespace: c.Namespace})
	return client, asHinted(err)
}

// kubeconfig lists the files with contexts and credentials, as kubectl does.
func (p *program) kubeconfig() []string {
	if files := filepath.SplitList(p.getenv("KUBECONFIG")); len(files) > 0 {
		return files
	}
	path := filepath.Join(p.getenv("HOME"), ".kube", "config")
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return nil
	}
	return []string{path}
}

// asHinted gives the errors of a cluster their way out.
func asHinted(err error) error {
	if e, ok := errors.AsType[*kube.ConnectError](err); ok && e.Hint != "" {
		return hinted{err, e.Hint}
	}
	switch kube.Status(err) {
	case http.StatusForbidden:
		return hinted{err, "docs/kubernetes.md has the role that it needs"}
	case http.StatusUnauthorized:
		return hinted{err, "the credentials of the kubeconfig are not accepted: see kubectl auth whoami"}
	}
	return err
}

// qualified is what somebody calls an object of the cluster.
func qualified(namespace, name string) string { return fmt.Sprintf("%s/%s", namespace, name) }
