//go:build kubernetes

package kube

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/klog/v2"
)

// Connect finds the way to a cluster. It sends nothing: whether the server
// answers is seen with the first call. The error is a [*ConnectError].
func Connect(_ context.Context, o Options) (*Client, error) {
	// client-go writes what servers and programs say to standard error, past
	// every escape of ours.
	klog.LogToStderr(false)
	klog.SetOutput(io.Discard)

	config, own, err := configOf(o)
	if err != nil {
		return nil, err
	}
	namespace := cmp.Or(o.Namespace, own)
	if o.OwnNamespace && namespace != own {
		return nil, &ConnectError{
			Msg:  fmt.Sprintf("the change may be a stranger's and watches the namespace %q, the workflow's kubeconfig stands for %q", namespace, own),
			Hint: "set the namespace of the kubeconfig's context: kubectl config set-context --current --namespace=" + own,
		}
	}
	if err := checkProgram(config); err != nil {
		return nil, err
	}
	client, err := clientOf(config)
	if err != nil {
		return nil, &ConnectError{Msg: "the credentials cannot be used", Err: err}
	}
	server, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, &ConnectError{Msg: "the address of the API server", Err: err}
	}
	return &Client{Namespace: namespace, Server: strings.TrimRight(server.String(), "/"), http: client}, nil
}

// configOf reads the kubeconfig or the service account, and the namespace that
// it stands for.
func configOf(o Options) (config *rest.Config, namespace string, err error) {
	if len(o.Kubeconfig) == 0 && o.Text == nil {
		return inCluster(o)
	}
	raw, err := load(o)
	if err != nil {
		return nil, "", &ConnectError{Msg: "read the kubeconfig", Err: err}
	}
	if len(raw.Contexts) == 0 {
		return nil, "", &ConnectError{Msg: strings.TrimSpace("the kubeconfig "+strings.Join(o.Kubeconfig, ", ")) + " holds no context", Hint: "see kubectl config get-contexts"}
	}
	overrides := &clientcmd.ConfigOverrides{CurrentContext: o.Context}
	chosen := clientcmd.NewNonInteractiveClientConfig(*raw, o.Context, overrides, nil)
	if config, err = chosen.ClientConfig(); err == nil {
		namespace, _, err = chosen.Namespace()
	}
	if err != nil {
		return nil, "", &ConnectError{Msg: "the kubeconfig cannot be used", Err: err, Hint: "see kubectl config get-contexts"}
	}
	return config, cmp.Or(namespace, "default"), nil
}

func load(o Options) (*clientcmdapi.Config, error) {
	if o.Text == nil {
		return (&clientcmd.ClientConfigLoadingRules{Precedence: o.Kubeconfig}).Load()
	}
	config, err := clientcmd.Load(o.Text)
	if err != nil {
		return nil, errors.New("it is neither the text of one nor a file") // what it says may be a secret
	}
	return config, nil
}

// inCluster is the way of a program that runs in a pod.
func inCluster(o Options) (*rest.Config, string, error) {
	if o.Context != "" {
		return nil, "", &ConnectError{Msg: fmt.Sprintf("the context %q needs a kubeconfig", o.Context), Hint: "name one in KUBECONFIG"}
	}
	config, err := rest.InClusterConfig()
	if errors.Is(err, rest.ErrNotInCluster) {
		return nil, "", &ConnectError{Msg: "there is no kubeconfig, and this is no pod of a cluster", Hint: "name one in KUBECONFIG"}
	}
	if err != nil {
		return nil, "", &ConnectError{Msg: "the service account of this pod", Err: err}
	}
	// Without a kubeconfig the loader looks for the namespace of the pod.
	namespace, _, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		&clientcmd.ClientConfigLoadingRules{}, &clientcmd.ConfigOverrides{},
	).Namespace()
	if err != nil {
		return nil, "", &ConnectError{Msg: "the namespace of this pod", Err: err}
	}
	return config, cmp.Or(namespace, "default"), nil
}

// checkProgram refuses credentials that come from a program that is not here.
func checkProgram(config *rest.Config) error {
	plugin := config.ExecProvider
	if plugin == nil {
		return nil
	}
	if _, err := exec.LookPath(plugin.Command); err != nil {
		return &ConnectError{
			Msg:  fmt.Sprintf("the kubeconfig gets its credentials from the program %q, which is not here", cut(filepath.Base(plugin.Command), 80)),
			Hint: "use a kubeconfig with a token (kubectl create token NAME), or, as an action, get one in a step before: docs/watching.md",
		}
	}
	return nil
}

// clientOf sends the credentials with every request. Redirects are not
// followed: no API server sends any, and the credentials would go along.
func clientOf(config *rest.Config) (*http.Client, error) {
	config.UserAgent = "slogate"
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	own := *client // rest may give http.DefaultClient
	own.Timeout = 0
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own, nil
}
