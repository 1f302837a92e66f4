package slo

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLimitsAllow(t *testing.T) {
	for _, tt := range []struct {
		patterns string
		host     string
		want     bool
	}{
		{"", "anything.example.com", true},
		{"localhost", "localhost", true},
		{"localhost", "LocalHost.", true},
		{"localhost", "127.0.0.1", false},
		{"localhost", "localhost.evil.com", false},
		{"*.example.com", "api.example.com", true},
		{"*.example.com", "a.b.example.com", true},
		{"*.example.com", "example.com", false},
		{"*.example.com", "evilexample.com", false},
		{"*.Example.com, other.com", "other.com", true},
		{"10.0.0.0/8", "10.1.2.3", true},
		{"10.0.0.0/8", "11.1.2.3", false},
		{"10.0.0.0/8", "10.1.2.3.example.com", false},
		{"10.0.0.0/8", "::ffff:10.1.2.3", true},
		{"[::1] 10.1.2.3", "::1", true},
		{"::1", "0:0:0:0:0:0:0:1", true},
		{"10.1.2.3", "10.1.2.30", false},
	} {
		l, err := ParseLimits("", "", tt.patterns)
		if err != nil {
			t.Fatal(err)
		}
		if got := l.Allow(tt.host); got != tt.want {
			t.Errorf("%q allows %q: %v, want %v", tt.patterns, tt.host, got, tt.want)
		}
	}
}

func TestStricterLimits(t *testing.T) {
	a := Limits{Rate: 100, Duration: time.Minute, Hosts: [][]string{{"localhost", "a"}}}
	b := Limits{Rate: 200, Duration: time.Second, Connections: 5, Hosts: [][]string{{"localhost", "b"}}}
	want := Limits{Rate: 100, Duration: time.Second, Connections: 5, Hosts: [][]string{{"localhost", "a"}, {"localhost", "b"}}}
	if diff := cmp.Diff(want, a.Stricter(b)); diff != "" {
		t.Errorf("stricter (-want +got):\n%s", diff)
	}
	both := a.Stricter(b)
	if both.Allow("a") || both.Allow("b") || !both.Allow("localhost") {
		t.Error("a host has to be allowed by both")
	}
	if diff := cmp.Diff(a, a.Stricter(Limits{})); diff != "" {
		t.Errorf("without other limits (-want +got):\n%s", diff)
	}
}

func TestParseLimitsErrors(t *testing.T) {
	for _, tt := range []struct{ rate, duration, hosts, want string }{
		{"5", "", "", `SLO021: max-rate: "5" has no unit`},
		{"0/s", "", "", "SLO025: max-rate: a rate must be above 0"},
		{"", "5", "", `SLO020: max-duration: "5" has no unit`},
		{"", "", "localhost,http://a", `SLO072: allowed-hosts: "http://a" is not a pattern of hosts`},
	} {
		_, err := ParseLimits(tt.rate, tt.duration, tt.hosts)
		if e, ok := errors.AsType[*Error](err); !ok || !strings.HasPrefix(e.Error(), tt.want) {
			t.Errorf("ParseLimits(%q, %q, %q): %v, want %s", tt.rate, tt.duration, tt.hosts, err, tt.want)
		}
	}
}

// Limits outside of the file hold for it, too.
func TestLimitsOfOptions(t *testing.T) {
	opts := testOptions("slo.yaml")
	opts.Limits = Limits{Rate: 5, Hosts: [][]string{{"*.example.com"}}}
	_, err := Parse([]byte(head+oneGet+oneStage), opts)
	want := []string{
		`slo.yaml:2:9: SLO071: the limits do not allow the host of the target, "localhost"`,
		`slo.yaml:4:31: SLO070: the stage "steady" has 10/s arrivals, the limits permit 5 requests a second`,
	}
	if err == nil || err.Error() != strings.Join(want, "\n") {
		t.Errorf("Parse: %v", err)
	}
	opts.Limits.Rate, opts.Target = 10, "http://api.example.com"
	if file, err := Parse([]byte(head+oneGet+oneStage), opts); err != nil || file.Limits.Rate != 10 {
		t.Errorf("Parse: %v", err)
	}
	opts.Target = "http://evil.com"
	if _, err := Parse([]byte(head+oneGet+oneStage), opts); err == nil || !strings.Contains(err.Error(), `the target that overrides the file's, "evil.com"`) {
		t.Errorf("Parse: %v", err)
	}
}

// A host that comes from a variable may be a secret and is not repeated.
func TestHostOfVariableIsNotShown(t *testing.T) {
	src := strings.Replace(head, "http://localhost:8000", "http://${secret.API_TOKEN}.com", 1) + oneGet + oneStage + "limits: {hosts: [localhost]}\n"
	_, err := Parse([]byte(src), testOptions("slo.yaml"))
	if err == nil || !strings.Contains(err.Error(), "SLO071") || strings.Contains(pretty(t, err), "s3cr3t") {
		t.Errorf("Parse: %v", err)
	}
}
