package baseline

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	for name, tt := range map[string]struct{ first, file, profile, job, matrix, want string }{
		"default":     {"", "iris", "", "gate", "null", "slogate-result_iris_gate"},
		"no matrix":   {"", "iris", "", "gate", "", "slogate-result_iris_gate"},
		"no cell":     {"", "iris", "", "gate", "{}", "slogate-result_iris_gate"},
		"named":       {"perf", "iris", "", "gate", "null", "perf_iris_gate"},
		"a cell":      {"", "iris", "", "gate", `{"go": "1.26", "os": "linux"}`, "slogate-result_iris_gate_1.26-linux_d573fa66"},
		"other order": {"", "iris", "", "gate", `{"os":"linux","go":"1.26"}`, "slogate-result_iris_gate_1.26-linux_d573fa66"},
		"a profile":   {"", "iris", "smoke", "gate", "null", "slogate-result_iris_gate_smoke"},
		"both":        {"", "iris", "smoke", "gate", `{"os":"linux","go":"1.26"}`, "slogate-result_iris_gate_smoke-1.26-linux_d2a8f416"},
		"blanks":      {"", "my service: v1/*", "", "gate", "null", "slogate-result_my-service-v1-_gate_f086988e"},
	} {
		if got := (Origin{tt.first, tt.file, tt.profile, tt.job, tt.matrix}).Artifact(); got != tt.want {
			t.Errorf("%s: %s, want %s", name, got, tt.want)
		}
	}
}

// Jobs, cells, profiles and files that differ have names that differ.
func TestNamesDiffer(t *testing.T) {
	seen := map[string]string{}
	long := strings.Repeat("x", 60)
	for _, in := range []Origin{
		{"", "a_b", "", "c", "null"},
		{"", "a", "", "b_c", "null"},
		{"", "a-b", "", "c", "null"},
		{"", "a b", "", "c", "null"},
		{"", "a/b", "", "c", "null"},
		{"", long + "1", "", "c", "null"},
		{"", long + "2", "", "c", "null"},
		{"", "a", "", "c", `{"x":1}`},
		{"", "a", "", "c", `{"y":1}`},
		{"", "a", "", "c", `{"x":"1"}`},
		{"", "a", "", "c", `{"x":{"a":1}}`},
		{"", "a", "", "c", `{"x":{"a":2}}`},
		{"", "a", "", "c", "null"},
		{"", "a", "", "", "null"},
		{"", "a", "x", "c", "null"},
		{"", "a", "y", "c", "null"},
		{"", "a", "x_y", "c", "null"},
		{"", "a", "x", "c_y", "null"},
		{"", "a_x", "", "c", "null"},
		{"", "a", "x", "c", `{"x":1}`},
		{"", "a", "x-1", "c", `{"x":1}`},
		{"", "a", "", "c", `{"x":"x-1"}`},
	} {
		name := in.Artifact()
		if other, taken := seen[name]; taken {
			t.Errorf("%s is the name of %+v and of %s", name, in, other)
		}
		seen[name] = fmt.Sprintf("%+v", in)
	}
}

func FuzzName(f *testing.F) {
	f.Add("", "iris", "smoke", "gate", `{"os":["a",1,null],"b":{"c":true}}`)
	accepted := regexp.MustCompile(`^[A-Za-z0-9._-]{1,200}$`)
	f.Fuzz(func(t *testing.T, first, file, profile, job, matrix string) {
		if got := (Origin{first, file, profile, job, matrix}).Artifact(); !accepted.MatchString(got) {
			t.Errorf("name %q", got)
		}
	})
}
