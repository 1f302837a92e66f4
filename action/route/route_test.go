package route

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// container is the file system of a container on Docker's bridge; the changes
// replace files, and nil removes one.
func container(t *testing.T, changes map[string][]byte) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	set := func(name string, text []byte) { files[name] = &fstest.MapFile{Data: text} }
	set(".dockerenv", nil)
	set("proc/net/route", testdata(t, "route-docker"))
	set("proc/net/ipv6_route", testdata(t, "ipv6_route-docker"))
	set("sys/class/net/eth0/ifindex", []byte("2\n"))
	set("sys/class/net/eth0/iflink", []byte("7\n"))
	for name, text := range changes {
		if set(name, text); text == nil {
			delete(files, name)
		}
	}
	return files
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func resolves(names ...string) func(context.Context, string) ([]string, error) {
	return func(_ context.Context, host string) ([]string, error) {
		if slices.Contains(names, host) {
			return []string{"192.168.65.254"}, nil
		}
		return nil, errors.New("no such host")
	}
}

func TestCandidates(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	services := `{"api": {"id": "1", "network": "n", "ports": {"8080": "8000", "9090": "49153"}}}`
	for name, tt := range map[string]struct {
		target string
		job    Job
		files  map[string][]byte
		lookup []string
		want   []string // after the target itself
	}{
		"bridge": {target: "localhost:8000", want: []string{"gateway 172.17.0.1:8000"}},
		"all of them": {
			target: "127.0.0.1:8000", job: Job{Services: services, Container: id},
			files: map[string][]byte{"proc/net/ipv6_route": testdata(t, "ipv6_route-docker-ipv6")}, lookup: []string{"host.docker.internal", "gateway.docker.internal"},
			want: []string{
				"service api:8080", "gateway 172.17.0.1:8000", "gateway [fd00:17::1]:8000",
				"host-name host.docker.internal:8000", "host-name gateway.docker.internal:8000", "container 0123456789ab:8000",
			},
		},
		"IPv6 target":            {target: "[::1]:8000", job: Job{Services: services}, want: []string{"service api:8080", "gateway 172.17.0.1:8000"}},
		"podman":                 {target: "localhost:8000", files: map[string][]byte{".dockerenv": nil, "run/.containerenv": {}}, want: []string{"gateway 172.17.0.1:8000"}},
		"another published port": {target: "localhost:49153", job: Job{Services: services}, want: []string{"service api:9090", "gateway 172.17.0.1:49153"}},
		"not a loopback":         {target: "api:8080", job: Job{Services: services, Container: id}},
		"no container":           {target: "localhost:8000", job: Job{Services: services}, files: map[string][]byte{".dockerenv": nil}},
		"in the host's network":  {target: "localhost:8000", files: map[string][]byte{"sys/class/net/eth0/iflink": []byte("2\n")}},
		"no network":             {target: "localhost:8000", files: map[string][]byte{"proc/net/route": nil, "proc/net/ipv6_route": nil}},
		"id too short":           {target: "localhost:8000", job: Job{Container: "0123"}, want: []string{"gateway 172.17.0.1:8000"}},
		"id no id":               {target: "localhost:8000", job: Job{Container: "evil.example.com"}, want: []string{"gateway 172.17.0.1:8000"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Candidates(t.Context(), tt.target, tt.job, System{Files: container(t, tt.files), Lookup: resolves(tt.lookup...)})
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for _, c := range got {
				list = append(list, string(c.Kind)+" "+c.Address)
			}
			want := append([]string{"given " + tt.target}, tt.want...)
			if diff := cmp.Diff(want, list); diff != "" {
				t.Errorf("candidates (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCandidatesKeepsWhatItKnows(t *testing.T) {
	system := System{Files: container(t, nil), Lookup: resolves()}
	got, err := Candidates(t.Context(), "localhost:8000", Job{Services: "[1]"}, system)
	if err == nil || len(got) != 2 {
		t.Errorf("candidates = %v, error %v; want two and an error", got, err)
	}
	if _, err := Candidates(t.Context(), "localhost", Job{}, system); err == nil {
		t.Error("a target without a port is no error")
	}
}

func TestDescribe(t *testing.T) {
	for want, c := range map[string]Candidate{
		"localhost:8080": three[0],
		"localhost:8080 via bridge gateway 172.17.0.1":  three[1],
		"localhost:8080 via job container 0123456789ab": three[2],
	} {
		if got := c.Describe("localhost:8080"); got != want {
			t.Errorf("Describe = %q, want %q", got, want)
		}
	}
}

func TestLoopback(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "localhost.": true, "api.localhost": true,
		"127.0.0.1": true, "127.255.1.2": true, "::1": true, "[::1]": true, "::ffff:127.0.0.1": true, "0.0.0.0": true, "::": true,
		"": false, "localhost.example.com": false, "notlocalhost": false, "128.0.0.1": false, "172.17.0.1": false, "::2": false, "api": false,
	} {
		if got := Loopback(host); got != want {
			t.Errorf("Loopback(%q) = %v, want %v", host, got, want)
		}
	}
}

func TestPublished(t *testing.T) {
	for name, tt := range map[string]struct {
		services string
		want     []string
		wrong    bool
	}{
		"none":            {services: ""},
		"null":            {services: "null"},
		"empty":           {services: "{}"},
		"without ports":   {services: `{"api": {"id": "1"}}`},
		"published":       {services: `{"api": {"ports": {"80": "8000"}}, "db": {"ports": {"5432": "5432"}}}`, want: []string{"api:80"}},
		"with a protocol": {services: `{"api": {"ports": {"80/tcp": "8000"}}}`, want: []string{"api:80"}},
		"not the port":    {services: `{"api": {"ports": {"8000": "80"}}}`},
		"two, in order":   {services: `{"b": {"ports": {"81": "8000"}}, "a": {"ports": {"80": "8000"}}}`, want: []string{"a:80", "b:81"}},
		"not a label":     {services: `{"evil.example.com": {"ports": {"80": "8000"}}, "a b": {"ports": {"80": "8000"}}}`},
		"not a port":      {services: `{"api": {"ports": {"x": "8000", "0": "8000", "65536": "8000", "80@x": "8000"}}}`},
		"not JSON":        {services: `api`, wrong: true},
		"not the context": {services: `{"api": {"ports": [80]}}`, wrong: true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := published(tt.services, "8000")
			var list []string
			for _, c := range got {
				list = append(list, c.Address)
			}
			if diff := cmp.Diff(tt.want, list); diff != "" || (err != nil) != tt.wrong {
				t.Errorf("error %v, services (-want +got):\n%s", err, diff)
			}
		})
	}
}

func FuzzPublished(f *testing.F) {
	f.Add(`{"api": {"ports": {"80": "8000"}}}`)
	f.Add(`{"a": null}`)
	f.Fuzz(func(t *testing.T, services string) {
		got, _ := published(services, "8000")
		for _, c := range got {
			host, port, ok := strings.Cut(c.Address, ":")
			if !ok || !label.MatchString(host) || !isPort(port) {
				t.Errorf("address %q from %q", c.Address, services)
			}
		}
	})
}
