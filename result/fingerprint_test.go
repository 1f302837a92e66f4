package result

import "testing"

func TestFingerprintDifference(t *testing.T) {
	base := func() (*Run, *Stage) {
		s := &Stage{Generator: Generator{Engine: "portable"}, Workload: Workload{Model: "open", RateFrom: 50, RateTo: 50, Arrivals: "uniform"}}
		return &Run{
			Target: "http://localhost:8000", Slogate: "v1.2.0", Route: "127.0.0.1:8000, [::1]:8000",
			Machine: Machine{OS: "linux", Arch: "amd64", CPU: "Model A", Cores: 2},
		}, s
	}
	tests := []struct {
		name   string
		change func(*Run, *Stage)
		want   string
	}{
		{"nothing", func(*Run, *Stage) {}, ""},
		{"minor version", func(r *Run, _ *Stage) { r.Slogate = "v1.9.3" }, ""},
		{"unknown CPU", func(r *Run, _ *Stage) { r.Machine.CPU = "" }, ""},
		{"another port", func(r *Run, _ *Stage) { r.Route = "127.0.0.1:9000" }, ""},
		{"rate", func(_ *Run, s *Stage) { s.Workload.RateFrom = 20 }, "another load: open 20..50/s uniform, now open 50..50/s uniform"},
		{"steps", func(_ *Run, s *Stage) { s.Steps = []Step{{Scenario: "a", Name: "b"}} }, "another load: open 50..50/s uniform a/b, now open 50..50/s uniform"},
		{"beside", func(_ *Run, s *Stage) { s.Beside = []Workload{{Model: "closed", WorkersFrom: 5, WorkersTo: 5}} }, "another load: open 50..50/s uniform beside closed 5..5 workers, now open 50..50/s uniform"},
		{"route", func(r *Run, _ *Stage) { r.Route = "10.1.2.3:80, 127.0.0.1:80" }, "another route: private, now loopback"},
		{"public route", func(r *Run, _ *Stage) { r.Route = "192.0.2.1" }, "another route: public, now loopback"},
		{"way around", func(r *Run, _ *Stage) { r.Route = "localhost:8000 via service web:80" }, "another route: service, now loopback"},
		{"TLS", func(r *Run, _ *Stage) { r.Target = "https://localhost:8000" }, "another protocol: HTTP/1.1 with TLS, now HTTP/1.1"},
		{"HTTP/2", func(_ *Run, s *Stage) { s.Generator.Protocol = "HTTP/2" }, "another protocol: HTTP/2, now HTTP/1.1"},
		{"another engine", func(_ *Run, s *Stage) { s.Generator.Engine = "epoll" }, ""},
		{"never sent", func(r *Run, s *Stage) { r.Target, s.Generator.Engine = "https://localhost:8000", "" }, ""},
		{"machine", func(r *Run, _ *Stage) { r.Machine.Arch = "arm64" }, "another machine: linux/arm64, now linux/amd64"},
		{"CPU", func(r *Run, _ *Stage) { r.Machine.CPU = "Model B" }, "another CPU: Model B, now Model A"},
		{"cores", func(r *Run, _ *Stage) { r.Machine.Cores = 4 }, "another CPU count: 4, now 2"},
		{"major version", func(r *Run, _ *Stage) { r.Slogate = "v2.0.0" }, "another slogate version: v2, now v1"},
	}
	for _, tt := range tests {
		r, s := base()
		then, stage := base()
		tt.change(then, stage)
		if got := FingerprintOf(r, s).Difference(FingerprintOf(then, stage)); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestRouteKind(t *testing.T) {
	for route, want := range map[string]string{
		"": "", "localhost:8080": "", " in the runner's network": "", "localhost:8080 via ": "", "localhost:8080 via x": "",
		"127.0.0.1:8080":                                    "loopback",
		"127.0.0.1:8080 in the runner's network":            "loopback in the runner's network",
		"[::1]:80, 10.0.0.1:80 in the runner's network":     "private in the runner's network",
		"localhost:8080 via bridge gateway 172.17.0.1":      "bridge gateway",
		"localhost:8080 via bridge gateway 172.18.0.1":      "bridge gateway",
		"127.0.0.1:5433 via service web:8080":               "service",
		"localhost:8080 via job container 0123456789ab":     "job container",
		"localhost:8080 via host name host.docker.internal": "host name",
	} {
		if got := routeKind(route); got != want {
			t.Errorf("routeKind(%q) = %q, want %q", route, got, want)
		}
	}
}

// A service that took turns with another one had rests: it is compared with
// what had them too, also where the other side was taken out of a result.
func TestFingerprintOfTurns(t *testing.T) {
	alone := func() *Run { return &Run{Stages: []Stage{{Name: "s", Workload: Workload{Model: "closed"}}}} }
	inTurns := func() *Run {
		r := alone()
		r.Base = &Base{Stages: []Stage{{Name: "s"}}}
		return r
	}
	dropped := func() *Run {
		r := inTurns()
		r.DropBase()
		return r
	}
	noBase := func() *Run {
		r := alone()
		r.DropBase()
		return r
	}
	for _, tt := range []struct {
		name       string
		now, then  *Run
		comparable bool
	}{
		{"both in turns", inTurns(), inTurns(), true},
		{"both alone", noBase(), alone(), true},
		{"base dropped", dropped(), inTurns(), true},
		{"base of both dropped", dropped(), dropped(), true},
		{"against one alone", dropped(), alone(), false},
		{"alone against turns", noBase(), inTurns(), false},
	} {
		difference := FingerprintOf(tt.now, &tt.now.Stages[0]).Difference(FingerprintOf(tt.then, &tt.then.Stages[0]))
		if (difference == "") != tt.comparable {
			t.Errorf("%s: %q", tt.name, difference)
		}
	}
}
