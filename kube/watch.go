package kube

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/slogate/slogate/result"
)

// Target names what is watched in the client's namespace: an autoscaler with
// what it scales, or a Deployment that nothing scales.
type Target struct {
	HPA        string
	Deployment string // where HPA is empty
}

func (t Target) name() string { return cmp.Or(t.HPA, t.Deployment) }

// Watcher looks at an autoscaler and the pods of a service. It is used from one
// goroutine, but for Timeline.
type Watcher struct {
	client  *Client
	target  Target
	began   time.Time
	ahead   time.Duration // the cluster's clock, of this machine's
	scaler  *source
	scaled  *source
	listed  *source
	sources []*source   // these three and all others
	turns   [][]*source // in which they are asked, those of one at the same time

	// What was seen last, nil where it was not. Each source writes to its own, and
	// reads what earlier turns wrote.
	hpa       *autoscaler
	workload  *workload
	counted   bool  // its replicas are those of now
	pods      []pod // nil: not seen, as opposed to none
	podsAt    time.Time
	usage     map[string]podUsage
	throttled float64
	ledger    ledger
	kubelets  kubelets

	mu       sync.Mutex
	timeline result.Timeline // but for the samples
	events   map[eventKey]result.ClusterEvent
}

// podUsage is what one pod uses.
type podUsage struct {
	milli  float64
	memory float64
}

// usageSource has reasons of its own not to answer.
const usageSource = "usage of CPU and memory"

const (
	// usageEvery is less than the ten to fifteen seconds in which a metrics server
	// has something new to tell.
	usageEvery = 2 * time.Second
	// eventsEvery: events carry their own time, so that nothing is lost.
	eventsEvery = 5 * time.Second
	// manyPods is from how many pods on they are listed less often: to read one
	// list of 100 takes about 10 ms of the processor that makes the load.
	manyPods  = 100
	manyEvery = 5 * time.Second
)

// Watch looks once, so that a name that is wrong is known before the load
// starts: an object that does not exist is an error. What cannot be seen for
// another reason is in the timeline's Missing.
func Watch(ctx context.Context, c *Client, t Target) (*Watcher, error) {
	w := newWatcher(c, t)
	w.ahead = c.Ahead(ctx)
	if _, err := w.Sample(ctx); ctx.Err() != nil {
		return nil, err
	}
	kind, asked := "HorizontalPodAutoscaler", w.scaler
	if t.HPA == "" {
		kind, asked = "Deployment", w.scaled
	}
	if Status(asked.last) == http.StatusNotFound {
		return nil, &ConnectError{
			Msg:  fmt.Sprintf("there is no %s %q in the namespace %q", kind, t.name(), c.Namespace),
			Hint: "see kubectl get hpa,deployments --all-namespaces",
		}
	}
	return w, nil
}

func newWatcher(c *Client, t Target) *Watcher {
	w := &Watcher{
		client: c, target: t, began: time.Now(), events: map[eventKey]result.ClusterEvent{},
		timeline: result.Timeline{Source: "kubernetes", Name: c.Namespace + "/" + t.name()},
	}
	w.scaler = &source{name: "autoscaler", read: w.readHPA, rule: rule("autoscaling", "horizontalpodautoscalers", "get")}
	w.scaled = &source{name: "what is scaled", read: w.readWorkload, every: retry, rule: rule("apps", "deployments, statefulsets, replicasets", "get")}
	w.listed = &source{name: "pods", read: w.readPods, rule: rule("", "pods", "list")}
	usage := &source{name: usageSource, read: w.readUsage, every: usageEvery, rule: rule("metrics.k8s.io", "pods", "list")}
	events := &source{name: "events", read: w.readEvents, every: eventsEvery, rule: rule("", "events", "list")}
	// With the pods of the sample before: kubelets answer late.
	throttling := &source{name: "throttling", read: w.readThrottling, every: eventsEvery, rule: rule("", "nodes/proxy", "get") + ", in a ClusterRole: it lets do much on the nodes, leave it out when in doubt"}
	w.turns = [][]*source{{w.scaler, throttling}, {w.scaled}, {w.listed, usage, events}}
	w.sources = []*source{w.scaler, w.scaled, w.listed, usage, events, throttling}
	return w
}

// rule is a rule of a Role in YAML.
func rule(group, resources, verb string) string {
	return fmt.Sprintf("{apiGroups: [%q], resources: [%s], verbs: [%s]}", group, resources, verb)
}

// Sample asks for the state of now, in at most a few seconds. It is an error
// where neither the autoscaler nor a pod was seen.
func (w *Watcher) Sample(ctx context.Context) (result.ClusterSample, error) {
	now := time.Now()
	for _, sources := range w.turns {
		askAll(ctx, now, sources)
	}
	if err := ctx.Err(); err != nil {
		return result.ClusterSample{}, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timeline.Limits = w.limits()
	w.timeline.Missing = nil
	for _, s := range w.sources {
		if m := s.missing(); m != "" {
			w.timeline.Missing = append(w.timeline.Missing, m)
		}
	}
	if err := w.unseen(); err != nil {
		return result.ClusterSample{}, err
	}
	// A server that is slow shows the pods of later than it was asked.
	return w.sample(later(now, w.podsAt)), nil
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// unseen says why this moment was not seen: half of a sample would look like a
// change.
func (w *Watcher) unseen() error {
	switch {
	case w.workload == nil:
		return cmp.Or(w.scaled.last, w.scaler.last, errWaiting)
	case w.pods == nil && !w.counted:
		return w.scaled.last
	case w.hpa == nil && w.scaler.answered > 0:
		return w.scaler.last
	case w.pods == nil && w.listed.answered > 0:
		return w.listed.last
	}
	return nil
}

// askAll asks sources at the same time.
func askAll(ctx context.Context, now time.Time, sources []*source) {
	var wg sync.WaitGroup
	for _, s := range sources {
		wg.Go(func() { s.ask(ctx, now) })
	}
	wg.Wait()
}

// Timeline is what is known besides samples.
func (w *Watcher) Timeline() result.Timeline {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.timeline
	t.Missing = slices.Clone(t.Missing)
	for _, e := range w.events {
		t.Events = append(t.Events, e)
	}
	slices.SortFunc(t.Events, func(a, b result.ClusterEvent) int {
		return cmp.Or(a.At.Compare(b.At), strings.Compare(a.Object, b.Object), strings.Compare(a.Reason, b.Reason), strings.Compare(a.Message, b.Message))
	})
	return t
}

// namespaced is a path in the client's namespace.
func (w *Watcher) namespaced(group, kind, name string) string {
	return Path(group, w.client.Namespace, kind, name)
}

func (w *Watcher) readHPA(ctx context.Context) error {
	if w.target.HPA == "" {
		return errWaiting
	}
	var hpa autoscaler
	w.hpa = nil
	if err := w.client.Get(ctx, w.namespaced("/apis/autoscaling/v2", "horizontalpodautoscalers", w.target.HPA), nil, &hpa); err != nil {
		return err
	}
	w.hpa = &hpa
	return nil
}

// What a path of the API is made of.
var (
	apiVersion = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/v[a-z0-9]+$`)
	kindName   = regexp.MustCompile(`^[A-Za-z]{1,63}$`)
)

func (w *Watcher) readWorkload(ctx context.Context) error {
	version, kind, name := "apps/v1", "Deployment", w.target.Deployment
	if w.target.HPA != "" {
		if w.hpa == nil {
			return errWaiting
		}
		ref := w.hpa.Spec.ScaleTargetRef
		version, kind, name = ref.APIVersion, ref.Kind, ref.Name
	}
	if !apiVersion.MatchString(version) || !kindName.MatchString(kind) {
		return fmt.Errorf("the autoscaler scales a %q of %q, which cannot be looked at", cut(kind, 60), cut(version, 60))
	}
	var found workload
	w.counted = false
	if err := w.client.Get(ctx, w.namespaced("/apis/"+version, strings.ToLower(kind)+"s", name), nil, &found); err != nil {
		return err
	}
	if found.selector() == "" {
		return fmt.Errorf("the %s has no selector of pods", kind)
	}
	w.workload, w.counted = &found, true
	return nil
}

// selected is a query for the pods.
func (w *Watcher) selected() (url.Values, bool) {
	if w.workload == nil {
		return nil, false
	}
	return url.Values{"labelSelector": {w.workload.selector()}}, true
}

func (w *Watcher) readPods(ctx context.Context) error {
	query, ok := w.selected()
	if !ok {
		return errWaiting
	}
	query.Set("resourceVersion", "0") // from the API server's memory: cheap for it, and as new as a second asks for
	var list podList
	w.pods, w.scaled.every = nil, 0 // without the pods, it says how many are ready
	if err := w.client.Get(ctx, w.namespaced("/api/v1", "pods", ""), query, &list); err != nil {
		return err
	}
	w.pods, w.podsAt = append([]pod{}, list.Items...), time.Now()
	w.ledger.advance(w.pods)
	w.listed.every, w.scaled.every = 0, retry
	if len(w.pods) > manyPods {
		w.listed.every = manyEvery
	}
	return nil
}

func (w *Watcher) readUsage(ctx context.Context) error {
	query, ok := w.selected()
	if !ok {
		return errWaiting
	}
	var list usageList
	w.usage = nil
	if err := w.client.Get(ctx, w.namespaced("/apis/metrics.k8s.io/v1beta1", "pods", ""), query, &list); err != nil {
		return err
	}
	w.usage = map[string]podUsage{}
	for _, item := range list.Items {
		var u podUsage
		for _, c := range item.Containers {
			u.milli += c.Usage.CPU.milli()
			u.memory += float64(c.Usage.Memory)
		}
		w.usage[item.Metadata.Name] = u
	}
	return nil
}

// limits is what the autoscaler and the pods are allowed.
func (w *Watcher) limits() result.ClusterLimits {
	l := w.timeline.Limits
	if w.hpa != nil {
		l.MinReplicas, l.MaxReplicas = 1, max(w.hpa.Spec.MaxReplicas, 0)
		if n := w.hpa.Spec.MinReplicas; n != nil {
			l.MinReplicas = max(*n, 0)
		}
		for _, m := range w.hpa.Spec.Metrics {
			if s := m.source(); m.Type == "Resource" && s.Name == "cpu" {
				l.TargetCPU = float64(max(s.Target.AverageUtilization, 0)) / 100
			}
		}
	}
	if len(w.pods) > 0 {
		any := w.pods[0]
		l.RequestMilli, l.LimitMilli = whole(any.request().milli()), whole(any.limit().milli())
	}
	return l
}

// whole rounds a number of the API, which may be any.
func whole(v float64) int { return int(math.Round(min(v, math.MaxInt32))) }

// size is a number of bytes, below what a result can hold.
func size(v float64) int64 { return int64(min(v, 1<<60)) }

// sample puts together what was seen.
func (w *Watcher) sample(now time.Time) result.ClusterSample {
	s := result.ClusterSample{
		At: now, Throttled: w.throttled,
		Restarts: w.ledger.restarts, OOMKills: len(w.ledger.killed), Evictions: len(w.ledger.evicted),
	}
	w.addPods(&s)
	if w.pods == nil {
		s.Ready, s.Replicas = max(w.workload.Status.ReadyReplicas, 0), max(w.workload.Status.Replicas, 0)
	}
	if n := w.workload.Spec.Replicas; n != nil {
		s.Desired = max(*n, 0)
	}
	if w.hpa == nil {
		s.Wanted = s.Desired
		return s
	}
	s.Desired = max(w.hpa.Status.DesiredReplicas, 0)
	s.Wanted = w.hpa.wanted(cmp.Or(s.Ready, s.Replicas), s.Desired)
	s.AtCeiling = w.hpa.atCeiling()
	if s.CPU == 0 {
		s.CPU = w.hpa.cpu()
	}
	return s
}

// addPods adds what the pods do and use.
func (w *Watcher) addPods(s *result.ClusterSample) {
	var requested, used, memory float64
	for _, p := range w.pods {
		if !p.counts() {
			continue
		}
		s.Replicas++
		if p.ready() {
			s.Ready++
		}
		u, known := w.usage[p.Metadata.Name]
		s.Pods = append(s.Pods, result.ClusterPod{
			Name: cut(p.Metadata.Name, maxName), Phase: cut(p.Status.Phase, maxName), Ready: p.ready(), Restarts: p.restarts(),
			UsageMilli: u.milli, MemoryBytes: size(u.memory),
		})
		if known {
			memory += u.memory
			used, requested = used+u.milli, requested+p.request().milli()
		}
	}
	s.UsageMilli, s.MemoryBytes = used, size(memory)
	if requested > 0 {
		s.CPU = used / requested
	}
	s.Pods = listed(s.Pods)
}

// maxName is how long a name of Kubernetes can be.
const maxName = 253

// listed takes as many pods as a sample may have, those first that are not well,
// in the order of their names.
func listed(all []result.ClusterPod) []result.ClusterPod {
	byName := func(a, b result.ClusterPod) int { return strings.Compare(a.Name, b.Name) }
	if len(all) > result.MaxPods {
		slices.SortFunc(all, func(a, b result.ClusterPod) int {
			return cmp.Or(compareWell(a, b), cmp.Compare(b.Restarts, a.Restarts), byName(a, b))
		})
		all = slices.Clone(all[:result.MaxPods])
	}
	slices.SortFunc(all, byName)
	return all
}

func compareWell(a, b result.ClusterPod) int {
	switch {
	case a.Ready == b.Ready:
		return 0
	case b.Ready:
		return -1
	}
	return 1
}

// tolerance is how far a metric may lie from its target without the autoscaler
// doing anything (--horizontal-pod-autoscaler-tolerance of the controller
// manager, by default).
const tolerance = 0.1

// wanted is what the autoscaler would set without its limits: of its metrics the
// most, each ⌈replicas·current/target⌉ (Kubernetes, Horizontal Pod Autoscaling,
// algorithm details).
func (a *autoscaler) wanted(replicas, desired int) int {
	targets := map[string]metricValue{}
	for _, m := range a.Spec.Metrics {
		targets[m.key()] = m.source().Target
	}
	most := 0
	for _, m := range a.Status.CurrentMetrics {
		ratio := m.source().Current.ratio(targets[m.key()])
		n := replicas
		if math.Abs(ratio-1) > tolerance {
			n = int(math.Ceil(min(float64(replicas)*ratio-1e-9, math.MaxInt32)))
		}
		if ratio > 0 {
			most = max(most, n)
		}
	}
	return cmp.Or(most, desired)
}

// atCeiling reports whether it wants more than its maximum.
func (a *autoscaler) atCeiling() bool {
	return slices.ContainsFunc(a.Status.Conditions, func(c condition) bool {
		return c.Type == "ScalingLimited" && c.Status == "True" && c.Reason == "TooManyReplicas"
	})
}

// cpu is the mean usage that the autoscaler sees, as a share of the request.
func (a *autoscaler) cpu() float64 {
	for _, m := range a.Status.CurrentMetrics {
		if s := m.source(); m.Type == "Resource" && s.Name == "cpu" {
			return float64(max(s.Current.AverageUtilization, 0)) / 100
		}
	}
	return 0
}
