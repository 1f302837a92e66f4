package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

// The jobs of shards have neither a verdict nor a comment; the one that merges
// them has both.
func TestActionMergesShards(t *testing.T) {
	j := newJob(t)
	shards := filepath.Join(j.dir, "shards")
	for i := 1; i <= 2; i++ {
		code, log := j.run(t, map[string]string{"INPUT_SHARD": fmt.Sprintf("%d/2", i), "INPUT_SEED": "7", "INPUT_OUT": filepath.Join(shards, fmt.Sprint(i))})
		if code != exitPass || len(j.github.Comments) != 0 {
			t.Errorf("shard %d: exit %d, %d comments\n%s", i, code, len(j.github.Comments), log)
		}
		if !strings.Contains(j.summary(t), fmt.Sprintf("shard %d of 2", i)) {
			t.Errorf("shard %d: summary:\n%s", i, j.summary(t))
		}
		if out := j.outputs(t); strings.Contains(out, "passed<<") || strings.Contains(out, "verdict<<") || !strings.Contains(out, "result-file<<") {
			t.Errorf("shard %d: outputs:\n%s", i, out)
		}
	}
	merge := map[string]string{"INPUT_MODE": "merge", "INPUT_SHARDS": shards}
	code, log := j.run(t, merge)
	// Loaded one after the other, they are no whole run; the verdict says so.
	if code != exitInconclusive && code != exitPass || len(j.github.Comments) != 1 || !strings.Contains(j.outputs(t), "verdict<<") {
		t.Errorf("merge: exit %d, %d comments, outputs:\n%s\n%s", code, len(j.github.Comments), j.outputs(t), log)
	}
	if err := os.RemoveAll(filepath.Join(shards, "2")); err != nil {
		t.Fatal(err)
	}
	code, log = j.run(t, merge)
	if code != exitInconclusive || !strings.Contains(j.summary(t), "shard 2 of 2 is missing") || len(j.github.Comments) != 1 {
		t.Errorf("merge of one: exit %d, %d comments\n%s", code, len(j.github.Comments), log)
	}
	j.write(t, "slo.yaml", sloFile("iris", j.target, "p95 <= 20s"))
	if code, log = j.run(t, merge); code != exitUsage || !strings.Contains(log, "is not the SLO file that the shards followed") {
		t.Errorf("merge by another file: exit %d\n%s", code, log)
	}
}

func TestActionRefusesShards(t *testing.T) {
	j := newJob(t)
	for _, test := range []struct {
		inputs map[string]string
		want   string
	}{
		{map[string]string{"INPUT_SHARD": "3/2", "INPUT_SEED": "7"}, `shard "3/2": the shards of 2 are 1 to 2`},
		{map[string]string{"INPUT_SHARD": "1/2"}, "a shard needs a seed"},
		{map[string]string{"INPUT_SHARD": "1/2", "INPUT_SEED": "7", "INPUT_ACCEPT": "true"}, "a shard is not judged by itself"},
		{map[string]string{"INPUT_SHARD": "1/2", "INPUT_SEED": "7", "INPUT_CONFIG": j.several(t)}, "it is for one SLO file"},
		{map[string]string{"INPUT_START-AT": "yesterday"}, `start-at "yesterday" is not a time`},
		{map[string]string{"INPUT_MODE": "merge", "INPUT_SHARDS": filepath.Join(j.dir, "none")}, "no such file or folder"},
		{map[string]string{"INPUT_MODE": "merge", "INPUT_CONFIG": filepath.Join(j.dir, "slo", "*.yaml")}, "these are 3"},
	} {
		if code, log := j.run(t, test.inputs); code != exitUsage || !strings.Contains(log, test.want) {
			t.Errorf("%v: exit %d, want %q in\n%s", test.inputs, code, test.want, log)
		}
	}
}

// Where a shard was cancelled, such as by the time limit of its job, the job that
// merges has the only verdict: it tells it wherever a reader looks.
func TestActionMergesCancelledShards(t *testing.T) {
	j := newJob(t)
	shards := filepath.Join(j.dir, "shards")
	for i := 1; i <= 2; i++ {
		if code, log := j.run(t, map[string]string{"INPUT_SHARD": fmt.Sprintf("%d/2", i), "INPUT_SEED": "7", "INPUT_OUT": filepath.Join(shards, fmt.Sprint(i))}); code != exitPass {
			t.Fatalf("shard %d: exit %d\n%s", i, code, log)
		}
	}
	path := filepath.Join(shards, "1", resultFile)
	r, err := result.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r.Cancelled = true
	if err := result.WriteFile(path, r); err != nil {
		t.Fatal(err)
	}
	code, log := j.run(t, map[string]string{"INPUT_MODE": "merge", "INPUT_SHARDS": shards, "INPUT_CHECK-RUN": "true"})
	if code != exitInconclusive || len(j.github.Comments) != 1 || len(j.github.Checks) != 1 || j.github.Checks[0].Conclusion != "failure" {
		t.Errorf("exit %d, %d comments, check runs %+v\n%s", code, len(j.github.Comments), j.github.Checks, log)
	}
}

// The job that merges judges by the profile that the shards have loaded.
func TestActionMergesAProfile(t *testing.T) {
	j := newJob(t)
	j.write(t, "slo.yaml", sloFile("iris", j.target, "p95 <= 30s")+"profiles: {all: {}}\n")
	shard := map[string]string{"INPUT_SHARD": "1/1", "INPUT_SEED": "7", "INPUT_PROFILE": "all", "INPUT_OUT": filepath.Join(j.dir, "shards")}
	if code, log := j.run(t, shard); code != exitPass {
		t.Fatalf("shard: exit %d\n%s", code, log)
	}
	merge := map[string]string{"INPUT_MODE": "merge", "INPUT_SHARDS": shard["INPUT_OUT"]}
	if code, log := j.run(t, merge); code != exitUsage || !strings.Contains(log, `the shards loaded the profile "all", not ""`) {
		t.Errorf("without the profile: exit %d\n%s", code, log)
	}
	merge["INPUT_PROFILE"] = "all"
	if code, log := j.run(t, merge); code != exitPass {
		t.Errorf("with the profile: exit %d\n%s", code, log)
	}
}
