package slo

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/ok/*.yaml", "testdata/err/*.yaml"} {
		for _, path := range globAll(f, pattern) {
			src, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(src)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		file, err := Parse(src, testOptions("slo.yaml"))
		if name := NameIn(src, "slo.yaml"); name == "" || err == nil && name != file.Name && !strings.Contains(string(src), "${") {
			t.Fatalf("the name alone is %q of %+v", name, file)
		}
		if err != nil {
			list := err.(ErrorList)
			for i, e := range list {
				if e.Code == "" || e.Msg == "" || e.Line < 0 || e.Column < 0 || i > maxErrors {
					t.Fatalf("error %d is %+v", i, e)
				}
			}
			checkHarmless(t, list.Pretty())
			return
		}
		checkFile(t, file)
	})
}

// A mistyped key at the top of a file is told, whatever else depends on it.
func TestMistypedKeys(t *testing.T) {
	key := regexp.MustCompile(`(?m)^[a-z_]+:`)
	for _, path := range globAll(t, "testdata/ok/*.yaml") {
		src, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, at := range key.FindAllIndex(src, 10) {
			mistyped := slices.Concat(src[:at[1]-1], []byte("x:"), src[at[1]:])
			_, err := Parse(mistyped, testOptions("slo.yaml"))
			if name := string(src[at[0]:at[1]-1]) + "x"; err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s with %s: %v", path, name, err)
			}
		}
	}
}

// checkFile says what every accepted file has.
func checkFile(t *testing.T, file *File) {
	t.Helper()
	if file.Name == "" || file.Target == "" || len(file.Scenarios) == 0 || len(file.Stages) == 0 || len(file.Stages) > maxStages {
		t.Fatalf("file is %+v", file)
	}
	for _, s := range file.Scenarios {
		if s.Name == "" || s.Weight < 1 || len(s.Steps) == 0 {
			t.Fatalf("scenario is %+v", s)
		}
		for _, step := range s.Steps {
			if r := step.Request; r != nil && (r.Name == "" || r.IsHTTP() && (r.Method == "" || len(r.Path) == 0) || r.Timeout <= 0 || len(r.Accept) == 0) {
				t.Fatalf("request is %+v", r)
			}
		}
	}
	for _, s := range file.Stages {
		checkStage(t, s)
	}
}

func checkStage(t *testing.T, s Stage) {
	t.Helper()
	w := s.Workload
	closed := w.Model == Closed && max(w.WorkersFrom, w.WorkersTo) > 0 && (w.Requests > 0) != (w.Duration > 0)
	open := w.Model == Open && max(w.RateFrom, w.RateTo) > 0 && w.Duration > 0 && w.Arrivals != ""
	if s.Name == "" || closed == open || s.Judge != (len(s.Objectives) > 0) {
		t.Fatalf("stage is %+v", s)
	}
	for _, o := range s.Objectives {
		if o.Severity == "" || o.Text == "" || o.Indicator.Unit() == "" || (o.Cmp == "") != (o.Severity == Show) {
			t.Fatalf("objective is %+v", o)
		}
	}
}
