// Package spread runs the shards of one load in a cluster: as an Indexed Job,
// one shard for each index.
//
// In come the files and the arguments of the workers, out come what they
// printed. The Job is made suspended, so that the Secret with the files and the
// values can belong to it: whatever deletes the Job deletes all of it. Files
// are in no ConfigMap: they may be keys, or rows with passwords. The workers
// begin at one time, by the cluster's clock. They print their results at the
// end, framed with length and checksum ([Print]), because logs are what every
// cluster hands out; a log keeps only its newest 10 MB.
//
// The package knows nothing of what the workers do. What a cluster answers is
// text from outside: who prints it escapes it.
package spread

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/slogate/slogate/kube"
)

// Job is a load to spread.
type Job struct {
	Namespace string
	Image     string
	Workers   int               // 1 to 1000
	Args      []string          // for all workers
	Files     map[string][]byte // by their slash-separated paths below the workers' folder
	Values    map[string]string // of the workers' environment: secrets

	StartIn time.Duration // until the workers begin: they are pulled and started meanwhile
	Most    time.Duration // that the Job may take, StartIn included; then the cluster ends it
}

// Answer is what became of one worker.
type Answer struct {
	Index   int    // from 0
	Payload []byte // nil: nothing was measured, or it is lost
	Why     string // there is no payload; in one line or more, from outside
}

// Plan is what a worker finds in its folder.
type Plan struct {
	Workers int       `json:"workers"`
	Start   time.Time `json:"start"`
	Args    []string  `json:"args"`
}

// planFile lies in the workers' folder, beside the files.
const planFile = ".slogate/plan.json"

// IndexVariable holds a worker's index, from 0.
const IndexVariable = "JOB_COMPLETION_INDEX"

// ReadPlan reads a worker's plan and its index, from its folder and from the
// value of [IndexVariable].
func ReadPlan(dir, index string) (Plan, int, error) {
	var p Plan
	text, err := os.ReadFile(filepath.Join(dir, planFile))
	if errors.Is(err, fs.ErrNotExist) {
		return p, 0, errors.New("there is no plan: a worker is started by slogate run --on kubernetes alone")
	}
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil {
		return p, 0, fmt.Errorf("read the worker's plan: %w", err)
	}
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= p.Workers {
		return p, 0, fmt.Errorf("%s is %q, want 0 to %d", IndexVariable, index, p.Workers-1)
	}
	return p, i, nil
}

// maxObject is what a Secret holds.
const maxObject = 1 << 20

// MaxWorkers is how many workers a Job may have.
const MaxWorkers = 1000

// Check says what is wrong with a job before a cluster is asked.
func (j Job) Check() error {
	if j.Workers < 1 || j.Workers > MaxWorkers {
		return fmt.Errorf("%d workers, want 1 to %d", j.Workers, MaxWorkers)
	}
	size := 0
	for name, content := range j.Files {
		if !fs.ValidPath(name) || name == planFile || strings.Contains(name, "..") { // the last is a Secret's rule
			return fmt.Errorf("a file named %.80q cannot be given to the workers", name)
		}
		size += len(name) + len(content)*4/3 // in base64
	}
	for name, value := range j.Values {
		size += len(name) + len(value)*4/3
	}
	if size > maxObject {
		return fmt.Errorf("the SLO file and what it reads, files and values of the environment, have %d bytes in base64, a Secret holds %d", size, maxObject)
	}
	if _, taken := j.Values[IndexVariable]; taken {
		return fmt.Errorf("the SLO file reads %s, which is another one for each worker", IndexVariable)
	}
	return nil
}

// API is a cluster's, such as [*kube.Client].
type API interface {
	Do(ctx context.Context, call kube.Call, into any) error
}

// run is a Job in the cluster.
type run struct {
	Job

	api     API
	name    string
	uid     string
	start   time.Time     // by the cluster's clock
	refused bool          // there is no Job to remove
	ahead   time.Duration // that clock, of this machine's
	note    func(string)

	answers map[int]Answer
	met     map[int]bool      // workers that have had a pod
	waiting map[int]string    // why a worker does not run yet
	silent  map[int]time.Time // since when the log of a worker that ended cannot be read
	told    string            // the latest note of waiting
}

// Run makes the Job, waits for its end and deletes it, also when ctx ends: the
// workers then get a signal, and what they had measured is answered. Every
// worker has an answer, in the order of the indexes. The error says why there
// was no Job; note is told what happens.
func Run(ctx context.Context, api API, job Job, note func(string)) ([]Answer, error) {
	if err := job.Check(); err != nil {
		return nil, err
	}
	r := &run{Job: job, api: api, name: newName(), note: note, answers: map[int]Answer{}, met: map[int]bool{}, waiting: map[int]string{}, silent: map[int]time.Time{}}
	defer r.remove(context.WithoutCancel(ctx))
	if err := r.begin(ctx); err != nil {
		r.refused = r.uid == "" && !kube.IsPassing(err)
		return nil, err
	}
	note(fmt.Sprintf("job/%s in namespace %s: %d workers begin at %s", r.name, job.Namespace, job.Workers, r.start.Format(time.TimeOnly+" MST")))
	r.follow(ctx)
	return r.all(), nil
}

// all gives an answer of every worker.
func (r *run) all() []Answer {
	all := make([]Answer, r.Workers)
	for i := range all {
		a, known := r.answers[i]
		if !known {
			a.Why = "its pod has gone"
			if why := r.waiting[i]; why != "" {
				a.Why = why
			}
		}
		a.Index = i
		all[i] = a
	}
	return all
}

// begin makes the objects and lets the workers go.
func (r *run) begin(ctx context.Context) error {
	var made struct {
		Metadata struct {
			UID               string
			CreationTimestamp time.Time
		}
	}
	if err := r.create(ctx, "/apis/batch/v1", "jobs", r.job(), &made); err != nil {
		return err
	}
	r.uid = made.Metadata.UID
	r.start = made.Metadata.CreationTimestamp.Add(r.StartIn)
	r.ahead = time.Until(made.Metadata.CreationTimestamp)
	plan, err := json.Marshal(Plan{r.Workers, r.start, r.Args})
	if err != nil {
		return fmt.Errorf("spread: %w", err)
	}
	if err := r.create(ctx, "/api/v1", "secrets", r.secret(plan), nil); err != nil {
		return err
	}
	return r.patient(ctx, func() error {
		return r.api.Do(ctx, kube.Call{
			Method: http.MethodPatch, Path: r.path("/apis/batch/v1", "jobs", r.name), Type: "application/merge-patch+json",
			Body: object{"spec": object{"suspend": false}},
		}, nil)
	})
}
