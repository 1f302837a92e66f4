package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/slogate/slogate/action"
	"github.com/slogate/slogate/kube"
	"github.com/slogate/slogate/kube/ceiling"
	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/run"
	"github.com/slogate/slogate/slo"
)

// kubeFlags say which cluster is watched, where the SLO file asks for it.
type kubeFlags struct {
	Kubeconfig  string `group:"Kubernetes:" help:"Kubeconfig (default: KUBECONFIG, else ~/.kube/config, else the service account of this pod)." placeholder:"FILE" complete:"*"`
	KubeContext string `group:"Kubernetes:" help:"Its context, instead of the current one." placeholder:"NAME"`
}

// cluster is the way to a cluster.
type cluster struct {
	kube.Options
	missing string // why there is none, which is no error; empty: there may be one
	off     bool   // somebody else watches it
}

// cluster finds the kubeconfig as kubectl does.
func (p *program) cluster(f kubeFlags) *cluster {
	out := &cluster{Options: kube.Options{Context: f.KubeContext}}
	switch {
	case f.Kubeconfig != "":
		out.Kubeconfig = []string{f.Kubeconfig}
	case p.getenv("KUBECONFIG") != "":
		out.Kubeconfig = filepath.SplitList(p.getenv("KUBECONFIG"))
	case p.getenv("HOME") != "":
		path := filepath.Join(p.getenv("HOME"), ".kube", "config")
		if _, err := os.Stat(path); err == nil {
			out.Kubeconfig = []string{path}
		}
	}
	return out
}

// inCluster is the input kubeconfig that stands for the service account of the
// pod in which the runner lives.
const inCluster = "in-cluster"

// clusterOf is the cluster that a workflow lets its SLO file watch: the one that
// it names itself, none that lies about on the runner.
func clusterOf(in action.Inputs, stranger bool) *cluster {
	out := &cluster{Options: kube.Options{Context: in.KubeContext, OwnNamespace: stranger}}
	switch {
	case in.Kubeconfig == "":
		out.missing = "the workflow gives no kubeconfig (the action's input kubeconfig); secrets are not given to pull requests of forks"
	case in.Kubeconfig == inCluster:
	case isFile(in.Kubeconfig):
		out.Kubeconfig = []string{in.Kubeconfig}
	default: // also what is neither: errors repeat a path, and not a text, which may be a secret
		out.Text = []byte(in.Kubeconfig)
	}
	return out
}

func isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// watched finds what shall be watched beside the load, and looks at it once. The
// notes are for whoever looks on.
func (s settings) watched(ctx context.Context, p *program, file *slo.File) (c run.Cluster, notes []string, err error) {
	k := file.Kubernetes
	if s.Cluster != nil || k == nil {
		return s.Cluster, nil, nil
	}
	way := s.Kube
	if way == nil {
		way = p.cluster(kubeFlags{})
	}
	if way.off {
		return nil, nil, nil
	}
	target := kube.Target{HPA: k.HPA, Deployment: k.Deployment}
	if way.missing != "" {
		return unwatched{cmp.Or(k.HPA, k.Deployment), way.missing}, []string{"kubernetes is not watched: " + way.missing}, nil
	}
	client, err := connect(ctx, way, k.Namespace, file)
	if err != nil {
		return nil, nil, err
	}
	w, err := kube.Watch(ctx, client, target)
	if err != nil {
		return nil, nil, helpful(err)
	}
	t := w.Timeline()
	notes = []string{"watching " + t.Name + " on " + client.Server}
	for _, m := range t.Missing {
		notes = append(notes, "not seen: "+m)
	}
	if k.HPA != "" && !s.WhatIf {
		notes = append(notes, putAside(ctx, client, k.HPA)...)
	}
	return w, notes, nil
}

// putAside warns of an autoscaler that a what-if has left changed.
func putAside(ctx context.Context, client *kube.Client, name string) []string {
	a := ceiling.Autoscaler{API: client, Namespace: client.Namespace, Name: name}
	state, err := a.Read(ctx)
	if err != nil || state.Before == nil {
		return nil // what cannot be read is said by who watches it
	}
	return []string{fmt.Sprintf("warning: maxReplicas of %s is %d, and was %d before a what-if that has not put it back: %s",
		a, state.MaxReplicas, state.Before.MaxReplicas, restoreHint)}
}

// helpful puts the way out of an error where it is printed.
func helpful(err error) error {
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

// unwatched is a cluster that the file names and nothing leads to.
type unwatched struct{ name, why string }

func (u unwatched) Sample(context.Context) (result.ClusterSample, error) {
	return result.ClusterSample{}, errors.New(u.why)
}

func (u unwatched) Timeline() result.Timeline {
	return result.Timeline{Source: "kubernetes", Name: u.name, Samples: []result.ClusterSample{}, Missing: []string{u.why}}
}
