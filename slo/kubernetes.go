package slo

import (
	"regexp"
	"slices"
	"strings"
	"time"
)

// Kubernetes names what is watched in a cluster while the service is loaded. Of
// which cluster, and as whom, is no matter of the file: the user's kubeconfig or
// the workflow says that.
type Kubernetes struct {
	Namespace  string // empty: the one that the kubeconfig's context or the service account stands for
	HPA        string // HorizontalPodAutoscaler, whose target is watched with it; empty: Deployment names the target
	Deployment string
	Pos        Pos
}

// Names as Kubernetes has them (RFC 1123): they become parts of paths of its API.
var (
	objectName    = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$`)
	namespaceName = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)
)

// kubernetes reads what is watched.
func (p *parser) kubernetes(n *node) {
	if n == nil {
		return
	}
	o := objectOf[kubernetesDoc](p, n, "kubernetes")
	if n.kind != mapNode {
		return
	}
	o.exclude(p, "hpa", []string{"deployment"}, "the autoscaler says itself what it scales")
	if !o.isWritten("hpa") && !o.isWritten("deployment") {
		p.failNode(n, CodeMissing, `key "hpa" or "deployment" is missing`, "kubernetes: {hpa: NAME}, or {deployment: NAME} where nothing scales it")
	}
	p.file.Kubernetes = &Kubernetes{
		Namespace:  p.kubernetesName(o.get("namespace"), "the namespace", namespaceName, "letters a to z, digits and -, at most 63"),
		HPA:        p.kubernetesName(o.get("hpa"), "the name of the autoscaler", objectName, "letters a to z, digits, - and ."),
		Deployment: p.kubernetesName(o.get("deployment"), "the name of the deployment", objectName, "letters a to z, digits, - and ."),
		Pos:        n.pos,
	}
	p.renewConnections()
}

// autoscaledAge is how long a connection to a service that is scaled carries
// requests, unless the file says otherwise: pods that are added get their share
// within seconds, and one connect in ten seconds costs nothing that is seen.
const autoscaledAge = 10 * time.Second

// renewConnections lets the pods that are added meanwhile get their share: what
// balances connections sends nothing to them on those that stay.
func (p *parser) renewConnections() {
	h := &p.file.HTTP
	if !p.keeps && h.ConnectionAge == 0 && p.file.Kubernetes.HPA != "" {
		h.ConnectionAge = autoscaledAge
	}
}

// kubernetesName reads a name that goes into paths of the API.
func (p *parser) kubernetesName(n *node, what string, valid *regexp.Regexp, hint string) string {
	text, ok := p.fixed(n, what)
	if ok && (!valid.MatchString(text) || strings.Contains(text, "..")) {
		p.failNode(n, CodeKubernetes, quote(text)+" is not a name of Kubernetes", what+" is made of "+hint)
		return ""
	}
	return text
}

// checkWatched refuses objectives on replicas that nobody watches: without data
// they could never be met.
func (p *parser) checkWatched() {
	if p.file.Kubernetes != nil || p.opts.Watched {
		return
	}
	var told []Pos
	for _, s := range p.file.Stages {
		for _, o := range s.Objectives {
			if o.Indicator.IsCluster() && !slices.Contains(told, o.Pos) {
				told = append(told, o.Pos)
				p.fail(o.Pos, width(o.Text), CodeUnwatched, quote(o.Indicator.String())+" needs a cluster that is watched", "name it at the top of the file: kubernetes: {hpa: NAME}")
			}
		}
	}
}
