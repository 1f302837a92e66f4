package spread

import (
	"crypto/rand"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/slogate/slogate/kube"
)

// object is one of the API, or a part of it.
type object = map[string]any

// newName is one that no other Job has.
func newName() string {
	random := make([]byte, 5)
	_, _ = rand.Read(random) // never fails
	return "slogate-" + hex.EncodeToString(random)
}

func (r *run) path(group, kind, name string) string {
	return kube.Path(group, r.Namespace, kind, name)
}

// metadata makes an object the Job's own, which is deleted with it.
func (r *run) metadata() object {
	m := object{"name": r.name, "labels": object{"app.kubernetes.io/managed-by": "slogate"}}
	if r.uid != "" {
		m["ownerReferences"] = []object{{"apiVersion": "batch/v1", "kind": "Job", "name": r.name, "uid": r.uid}}
	}
	return m
}

// mostSeconds is a deadline that no load reaches.
const mostSeconds = 24 * 60 * 60

// afterEnd is when the cluster deletes a Job by itself: nobody has come to do
// it.
const afterEnd = 10 * time.Minute

// job is suspended: its volume is made afterwards. A shard that died is not
// started again: it could not join the others. They go on.
func (r *run) job() object {
	deadline := int64(mostSeconds)
	if r.Most > 0 {
		deadline = min(deadline, int64(r.Most.Seconds())+1)
	}
	return object{
		"apiVersion": "batch/v1", "kind": "Job",
		"metadata": r.metadata(),
		"spec": object{
			"suspend":     true,
			"completions": r.Workers, "parallelism": r.Workers, "completionMode": "Indexed",
			"backoffLimitPerIndex":    0,
			"activeDeadlineSeconds":   deadline,
			"ttlSecondsAfterFinished": int64(afterEnd.Seconds()),
			"template": object{
				"metadata": object{"labels": object{"app.kubernetes.io/managed-by": "slogate"}},
				"spec":     r.pod(),
			},
		},
	}
}

// The workers' folders.
const (
	filesFolder   = "/slogate"
	scratchFolder = "/scratch"
)

// pod is a worker's: no account, no rights, no writable file but the results.
func (r *run) pod() object {
	return object{
		"restartPolicy":                 "Never",
		"automountServiceAccountToken":  false,
		"enableServiceLinks":            false,
		"terminationGracePeriodSeconds": 15,
		// On as many machines as there are, where it can be had.
		"topologySpreadConstraints": []object{{
			"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway",
			"labelSelector": object{"matchLabels": object{"batch.kubernetes.io/job-name": r.name}},
		}},
		"containers": []object{{
			"name":         "slogate",
			"image":        r.Image,
			"args":         []string{"worker", filesFolder},
			"workingDir":   filesFolder,
			"env":          r.environment(),
			"resources":    object{"requests": object{"cpu": "100m", "memory": "64Mi"}},
			"volumeMounts": []object{{"name": "files", "mountPath": filesFolder, "readOnly": true}, {"name": "scratch", "mountPath": scratchFolder}},
			"securityContext": object{
				"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "runAsNonRoot": true, "runAsUser": 65534,
				"capabilities": object{"drop": []string{"ALL"}}, "seccompProfile": object{"type": "RuntimeDefault"},
			},
		}},
		"volumes": []object{{"name": "files", "secret": object{"secretName": r.name, "items": r.items()}}, {"name": "scratch", "emptyDir": object{}}},
	}
}

// environment takes the values from the Secret, by their names.
func (r *run) environment() []object {
	all := []object{{"name": "TMPDIR", "value": scratchFolder}}
	for i, name := range slices.Sorted(maps.Keys(r.Values)) {
		all = append(all, object{"name": name, "valueFrom": object{"secretKeyRef": object{"name": r.name, "key": valueKey(i)}}})
	}
	return all
}

// names are those of all files, in order: their places are the keys of the
// Secret, which know no slash.
func (r *run) names() []string {
	return append(slices.Sorted(maps.Keys(r.Files)), planFile)
}

func fileKey(i int) string  { return "f" + strconv.Itoa(i) }
func valueKey(i int) string { return "v" + strconv.Itoa(i) }

func (r *run) items() []object {
	var all []object
	for i, name := range r.names() {
		all = append(all, object{"key": fileKey(i), "path": name})
	}
	return all
}

// secret holds the files, the plan among them, and the values.
func (r *run) secret(plan []byte) object {
	data := map[string][]byte{} // in base64 by the encoder
	for i, name := range r.names() {
		data[fileKey(i)] = r.Files[name]
		if name == planFile {
			data[fileKey(i)] = plan
		}
	}
	for i, name := range slices.Sorted(maps.Keys(r.Values)) {
		data[valueKey(i)] = []byte(r.Values[name])
	}
	return object{"apiVersion": "v1", "kind": "Secret", "metadata": r.metadata(), "immutable": true, "type": "Opaque", "data": data}
}
