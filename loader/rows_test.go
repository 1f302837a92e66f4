package loader

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// withRows reads an SLO file that stands beside data of n users, numbered from
// 0.
func withRows(t *testing.T, target string, n int, data, stages string) *slo.File {
	t.Helper()
	dir := t.TempDir()
	var b strings.Builder
	b.WriteString("id,name\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,\"user %d & more\"\n", i, i)
	}
	if err := os.WriteFile(filepath.Join(dir, "users.csv"), []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	src := "version: 1\ntarget: " + target + "\nscenarios:\n  - data: {file: users.csv" + data + "}\n" +
		"    request: POST /users/${row.id}?name=${row.name}\n    json: {id: '${row.id}', name: '${row.name}'}\n    checks: [json.id == row.id, json.name == row.name]\n" +
		"stages: [" + stages + "]\n"
	file, err := slo.Parse([]byte(src), slo.Options{Path: filepath.Join(dir, "slo.yaml"), Workspace: dir})
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// users is a service that notes how often each user came, and echoes.
func users(t testing.TB) (url string, came func() map[string]int) {
	var mu sync.Mutex
	all := map[string]int{}
	url = serve(t, func(w http.ResponseWriter, r *http.Request) {
		id := strings.TrimPrefix(r.URL.Path, "/users/")
		if want := "user " + id + " & more"; r.FormValue("name") != want {
			t.Errorf("name of %s is %q", id, r.FormValue("name"))
		}
		mu.Lock()
		all[id]++
		mu.Unlock()
		fmt.Fprintf(w, `{"id": %s, "name": "user %s & more"}`, id, id)
	})
	return url, func() map[string]int {
		mu.Lock()
		defer mu.Unlock()
		seen := all
		all = map[string]int{}
		return seen
	}
}

const twoStages = "{name: a, requests: 40, workers: 4}, {name: b, rate: 200/s, duration: 100ms}"

func TestRowsAreTakenInOrder(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url, came := users(t)
		file := withRows(t, url, 20, "", twoStages)
		l := newLoader(t, file, Options{Engine: engine})
		s := l.Run(t.Context(), file.Stages[0])
		coherent(t, s)
		if s.Counters.Success != 40 {
			t.Errorf("%+v %+v", s.Counters, s.Failures)
		}
		// A worker that finds no request left has taken a row in vain.
		for id, n := range came() {
			if n > 3 {
				t.Errorf("user %s came %d times in two rounds", id, n)
			}
		}
	})
}

func TestUniqueRowsAreTakenOnce(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url, came := users(t)
		file := withRows(t, url, 64, ", order: unique", twoStages)
		if file.Confirm {
			t.Error("a stage may be loaded once more, for which there are no rows")
		}
		l := newLoader(t, file, Options{Engine: engine, Seed: 3})
		seen, sent := map[string]int{}, int64(0)
		for _, stage := range file.Stages {
			s := l.Run(t.Context(), stage)
			coherent(t, s)
			sent += s.Counters.Success
			if s.State != result.Completed || s.Counters.Errors() > 0 {
				t.Errorf("%s: %v %+v %+v", stage.Name, s.State, s.Counters, s.Failures)
			}
			for id, n := range came() {
				seen[id] += n
			}
		}
		for id, n := range seen {
			if n != 1 {
				t.Errorf("user %s came %d times", id, n)
			}
		}
		if int64(len(seen)) != sent || sent < 40 {
			t.Errorf("%d users came with %d requests", len(seen), sent)
		}
		// Another stage finds no row: it ends, and says why.
		s := l.Run(t.Context(), rated(200, 10*1000*ms))
		coherent(t, s)
		if s.State != result.Aborted || s.Reason != "data file users.csv: it has no row left" || s.Counters.Local == 0 {
			t.Errorf("%v %q %+v", s.State, s.Reason, s.Counters)
		}
	})
}

// A stage that does not load a scenario takes none of its rows.
func TestOtherStagesTakeNoRows(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		url, came := users(t)
		file := withRows(t, url, 20, ", at_end: stop", "{name: a, rate: 200/s, duration: 100ms}")
		file.Scenarios = append(file.Scenarios, slo.Scenario{Name: "other", Weight: 1, Steps: file.Scenarios[0].Steps})
		other, own := rated(200, 100*ms), rated(200, 100*ms)
		other.Scenarios, own.Scenarios = []string{"other"}, []string{file.Scenarios[0].Name}
		l := newLoader(t, file, Options{Engine: engine})
		l.Run(t.Context(), other)
		came()
		s := l.Run(t.Context(), own)
		delivered(t, s, 20)
		if users := came(); s.State != result.Completed || int64(len(users)) != s.Counters.Success {
			t.Errorf("%v %q, %d users came", s.State, s.Reason, len(users))
		}
	})
}

// Each of n places goes somewhere else, for every n and seed.
func TestShuffledIsAPermutation(t *testing.T) {
	for n := int64(1); n < 70; n++ {
		for seed := range uint64(5) {
			seen := map[int64]bool{}
			for i := range n {
				at := shuffled(seed, i, n)
				if at < 0 || at >= n || seen[at] {
					t.Fatalf("place %d of %d goes to %d with seed %d", i, n, at, seed)
				}
				seen[at] = true
			}
		}
	}
	// Every place is as likely as any other.
	const n, seeds = 10, 20_000
	var first [n]int
	for seed := range uint64(seeds) {
		first[shuffled(mix(seed), 0, n)]++
	}
	for at, times := range first {
		if times < seeds/n*9/10 || times > seeds/n*11/10 {
			t.Errorf("place 0 goes to %d with %d of %d seeds", at, times, seeds)
		}
	}
}

func TestRowNumbers(t *testing.T) {
	file := withRows(t, "http://localhost:1", 10, "", "{name: a, requests: 5, workers: 1}")
	rows := func(order slo.Order, atEnd slo.AtEnd, seed uint64) (all []int64) {
		d := *file.Scenarios[0].Data[0]
		d.Order, d.AtEnd = order, atEnd
		for i := range int64(25) {
			number, ok := rowNumber(&d, seed, i)
			if !ok {
				return all
			}
			all = append(all, number)
		}
		return all
	}
	order := []int64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}
	if diff := cmp.Diff(order, rows(slo.Sequential, slo.Stop, 1)); diff != "" {
		t.Errorf("sequential (-want +got):\n%s", diff)
	}
	if got := rows(slo.Sequential, slo.Repeat, 1); len(got) != 25 || got[10] != 0 || got[24] != 4 {
		t.Errorf("repeated: %v", got)
	}
	unique := rows(slo.Unique, slo.Repeat, 1)
	if cmp.Equal(unique[:10], unique[10:20]) {
		t.Errorf("each round has the same order: %v", unique)
	}
	for _, o := range []slo.Order{slo.Random, slo.Unique} {
		if !cmp.Equal(rows(o, slo.Repeat, 1), rows(o, slo.Repeat, 1)) || cmp.Equal(rows(o, slo.Repeat, 1), rows(o, slo.Repeat, 2)) {
			t.Errorf("%s rows do not follow the seed", o)
		}
	}
}

// Base and head get the same rows, and go through the file while they do.
func TestRowsOfAPair(t *testing.T) {
	eachEngineAlone(t, func(t *testing.T, engine string) {
		file := withRows(t, "http://localhost:1", 100, "", "{name: a, rate: 100/s, duration: 400ms}")
		var sides [2]*Loader
		var came [2]func() map[string]int
		for i := range sides {
			side := *file
			side.Target, came[i] = users(t)
			sides[i] = newLoader(t, &side, Options{Engine: engine, Seed: 5, MaxConnections: 500})
		}
		stage := file.Stages[0]
		stage.StopOnDead = false
		NewPair(sides[0], sides[1]).Run(t.Context(), stage, Turns{Block: 100 * ms, Windows: 3})
		a, b := came[0](), came[1]()
		for id := range a {
			if n := b[id]; n > 1 || a[id] > 1 {
				t.Errorf("user %s came %d and %d times in three windows of ten rows", id, a[id], n)
			}
		}
		for id := range b {
			var n int
			if fmt.Sscan(id, &n); n >= 33 {
				t.Errorf("user %d came, three windows have about 30", n)
			}
		}
		if len(a) < 15 || len(b) < 15 {
			t.Errorf("%d and %d users came", len(a), len(b))
		}
	})
}

// BenchmarkCarried is what an iteration of two requests costs beside moving
// bytes: a row, a capture of each kind, a check of each answer, a cookie.
func BenchmarkCarried(b *testing.B) {
	src, err := os.ReadFile("testdata/shop/slo.yaml")
	if err != nil {
		b.Fatal(err)
	}
	file, err := slo.Parse(src, slo.Options{Path: "testdata/shop/slo.yaml"})
	if err != nil {
		b.Fatal(err)
	}
	l := newLoader(b, file, Options{})
	sc := &l.plan.scenarios[0]
	u := newUser(0, 1, nil)
	u.session = l.sessions.take(0)
	u.beginWith(sc)
	values := make([]held, len(file.Captures))
	for i := range values {
		values[i] = held{slo.Content{Text: "abc"}, true}
	}
	l.sessions.common.Store(&values)
	browse := &reply{status: 200, header: http.Header{"Etag": {`"v1"`}}, body: []byte(`{"items": [{"id": 300, "stock": 0, "name": "green tea"}, {"id": 301, "stock": 5, "name": "black tea"}, {"id": 302, "stock": 9, "name": "white tea"}]}`)}
	order := &reply{status: 201, setCookie: []string{"seen=1; Path=/"}, body: []byte(`{"id": "o/17", "product": 301, "amount": 1, "customer": "abc"}`)}
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		u.beginWith(sc)
		for i, r := range []*reply{browse, order} {
			st := l.plan.steps[2*i]
			if buffer, err = st.message.render(buffer[:0], u); err != nil {
				b.Fatal(err)
			}
			if class, why := st.judge(u, r, ms); class != result.Success {
				b.Fatal(st.request.Name, why)
			}
		}
	}
}

// Steps without a request take a row, too: where none is left, the stage ends.
func TestPlainStepsNeedARow(t *testing.T) {
	url := serve(t, ok)
	file := withRows(t, url, 3, ", at_end: stop", "{name: a, requests: 2, workers: 1}")
	file.Scenarios[0].Steps = []slo.Step{{Request: &slo.Request{Name: "tcp", TCP: strings.TrimPrefix(url, "http://"), Timeout: patience, Accept: []slo.StatusRange{{}}}}}
	s := newLoader(t, file, Options{}).Run(t.Context(), counted(10, 1))
	if s.State != result.Aborted || s.Reason != "data file users.csv: it has no row left" || s.Counters.Success != 3 {
		t.Errorf("%v %q %+v %+v", s.State, s.Reason, s.Counters, s.Failures)
	}
}
