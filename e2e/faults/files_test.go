//go:build linux

package faults

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// notLoaded is what is left where a file was refused before the first request.
var notLoaded = outcome{2, "", noFiles}

// answering is a service that answers everything.
func answering(t *testing.T) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(s.Close)
	return s.URL
}

// measured leaves the result of a run in earlier.json, changed.
func measured(t *testing.T, b *bed, target string, change func(text []byte) []byte) {
	t.Helper()
	b.run(t, written(short(target, "p95 <= 30s")))
	text, err := os.ReadFile(b.path("out/slogate-result.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(b.path("out")); err != nil {
		t.Fatal(err)
	}
	b.write(t, "earlier.json", string(change(text)))
}

// against compares a run with an earlier result that was changed.
func against(change func(text []byte) []byte) func(t *testing.T, b *bed) ending {
	return func(t *testing.T, b *bed) ending {
		target := answering(t)
		measured(t, b, target, change)
		return b.run(t, written(comparing(target)), "--baseline", "earlier.json")
	}
}

// comparing is an SLO file with an objective of each kind.
func comparing(target string) string {
	return short(target, "p95 <= 30s", "p95 <= baseline + 900% or + 5s")
}

// edited changes the JSON of a result.
func edited(change func(r map[string]any)) func(text []byte) []byte {
	return func(text []byte) []byte {
		var r map[string]any
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&r); err != nil {
			panic(err)
		}
		change(r)
		text, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		return text
	}
}

// shifted moves the times of a result.
func shifted(by time.Duration) func(text []byte) []byte {
	return edited(func(r map[string]any) {
		for _, key := range []string{"start", "end"} {
			at, err := time.Parse(time.RFC3339, r[key].(string))
			if err != nil {
				panic(err)
			}
			r[key] = at.Add(by).Format(time.RFC3339Nano)
		}
	})
}

// stage is the first one of a result.
func stage(r map[string]any) map[string]any { return r["stages"].([]any)[0].(map[string]any) }

// replaced takes another text for the first of one.
func replaced(from, to string) func(text []byte) []byte {
	return func(text []byte) []byte {
		if !bytes.Contains(text, []byte(from)) {
			panic(from + " is not in the result")
		}
		return bytes.Replace(text, []byte(from), []byte(to), 1)
	}
}

// enormous makes a file of 2 GB that takes no room on the disk.
func enormous(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := f.Truncate(2 << 30); err != nil {
		t.Fatal(err)
	}
}

// handed gives a result that was changed to every command that reads one, each
// of which must refuse it. The ending is that of the last.
func handed(change func(text []byte) []byte) func(t *testing.T, b *bed) ending {
	return func(t *testing.T, b *bed) ending {
		measured(t, b, answering(t), change)
		var last ending
		for _, args := range [][]string{
			{"merge", "earlier.json"},
			{"comment", "earlier.json"},
			{"compare", "earlier.json", "earlier.json"},
			{"suggest", "earlier.json"},
			{"report", "--format", "html", "earlier.json"},
			{"report", "earlier.json"},
		} {
			last = b.start(t, call{args: args}).wait(t)
			if last.exit != 2 || !strings.Contains(last.said, "earlier.json") {
				t.Errorf("slogate %s: exit %d\n%s", strings.Join(args, " "), last.exit, last.said)
			}
		}
		return last
	}
}

// withSLO runs an SLO file that is not what it should be.
func withSLO(make func(t *testing.T, path string)) func(t *testing.T, b *bed) ending {
	return func(t *testing.T, b *bed) ending {
		make(t, b.path("slo.yaml"))
		return b.start(t, call{args: []string{"run", "--out", "out", "slo.yaml"}}).wait(t)
	}
}

// reported lets slogate report read a file, within its memory.
func reported(t *testing.T, b *bed, name string) ending {
	t.Helper()
	p := b.start(t, call{args: []string{"report", name}})
	e := p.wait(t)
	bounded(t, p)
	return e
}

func put(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func fifo(t *testing.T, path string) {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o644); err != nil {
		t.Fatal(err)
	}
}

// claiming is a histogram, as results hold them, whose header says how many
// bytes of counts follow.
func claiming(bytesOfCounts int32) string {
	var packed, whole bytes.Buffer
	z := zlib.NewWriter(&packed)
	binary.Write(z, binary.BigEndian, []int32{0x1c849303 | 0x10, bytesOfCounts, 0, 3})
	binary.Write(z, binary.BigEndian, []int64{1, 3_600_000_000, 0x3ff0000000000000})
	z.Close()
	binary.Write(&whole, binary.BigEndian, []int32{0x1c849304 | 0x10, int32(packed.Len())})
	whole.Write(packed.Bytes())
	return base64.StdEncoding.EncodeToString(whole.Bytes())
}

// shrinkingData cuts a data file of 10 MB, which stays open, to almost nothing
// while the stage takes its rows.
func shrinkingData(t *testing.T, b *bed) ending {
	t.Helper()
	b.write(t, "rows.csv", "id\n"+strings.Repeat("0123456789\n", 1<<20))
	var once sync.Once
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		once.Do(func() {
			if err := os.Truncate(b.path("rows.csv"), 5); err != nil {
				t.Error(err)
			}
		})
	}))
	t.Cleanup(s.Close)
	return b.run(t, written(strings.Replace(short(s.URL, "success_rate >= 99%"), "{request: GET /}", "{request: 'GET /${row.id}', data: {file: rows.csv, order: random}}", 1)))
}

// twoRuns lets the job of a push run twice at once in the same folders. Each
// keeps what it has measured itself.
func twoRuns(t *testing.T, b *bed) ending {
	t.Helper()
	j, f := newHistory(t, b)
	j.push(t, f)
	other := *j
	other.env = maps.Clone(j.env)
	other.push(t, f)
	first, second := j.begin(t), other.begin(t)
	e, o := j.ended(t, first), other.ended(t, second)
	if e.exit != o.exit || len(f.Artifacts) != 2 {
		t.Fatalf("exits %d and %d, %d artifacts\n%s\n%s", e.exit, o.exit, len(f.Artifacts), e.said, o.said)
	}
	said := map[string]string{j.env["GITHUB_RUN_ID"]: first.printed.String(), other.env["GITHUB_RUN_ID"]: second.printed.String()}
	for _, a := range f.Artifacts {
		if !strings.Contains(said[strconv.FormatInt(a.Run.ID, 10)], ", seed "+seedOf(t, a.Archive)) {
			t.Errorf("run %d has kept the result of another", a.Run.ID)
		}
	}
	if left, _ := filepath.Glob(b.path("out/.*")); len(left) > 0 {
		t.Errorf("left behind: %q", left)
	}
	return e
}

func fileFaults() []fault {
	return []fault{
		{
			group: "files", name: "an earlier result that says to be of the day after tomorrow",
			inject: against(shifted(48 * time.Hour)),
			want:   outcome{0, "warn", allFiles}, says: []string{"1 earlier result is left out of the baseline: measured in the future"},
		},
		{
			group: "files", name: "an earlier result whose clock was half an hour ahead",
			inject: against(shifted(30 * time.Minute)),
			want:   judged, says: []string{"p95 <= baseline + 900% or + 5s"},
		},
		{
			group: "files", name: "an earlier result of a later slogate",
			inject: against(edited(func(r map[string]any) { r["version"] = 99 })),
			want:   notLoaded, says: []string{"baseline: read result earlier.json: version 99 of the result file, this slogate reads version 1"},
		},
		{
			group: "files", name: "an earlier result that is torn",
			inject: against(func(text []byte) []byte { return text[:len(text)/2] }),
			want:   notLoaded, says: []string{"baseline: read result earlier.json: truncated, or not JSON"},
		},
		{
			group: "files", name: "an earlier result that is empty",
			inject: against(func([]byte) []byte { return nil }),
			want:   notLoaded, says: []string{"baseline: read result earlier.json: truncated, or not JSON"},
		},
		{
			group: "files", name: "an earlier result of another machine",
			inject: against(edited(func(r map[string]any) { r["machine"].(map[string]any)["cpu"] = "Another CPU" })),
			want:   outcome{0, "warn", allFiles}, says: []string{"the baseline is not comparable", "Another CPU"},
		},
		{
			group: "files", name: "an earlier result of another load",
			inject: against(edited(func(r map[string]any) { stage(r)["workload"].(map[string]any)["workers_to"] = 77 })),
			want:   outcome{0, "warn", allFiles}, says: []string{"the baseline is not comparable"},
		},
		{
			group: "files", name: "an earlier result without the stage",
			inject: against(edited(func(r map[string]any) { stage(r)["name"] = "another" })),
			want:   judged, says: []string{"no earlier result has measured it in this stage"},
		},
		{
			group: "files", name: "an earlier result with NaN",
			inject: against(replaced(`"cores"`, `"cores": NaN, "x"`)),
			want:   notLoaded, says: []string{"baseline: read result earlier.json: line ", "not JSON"},
		},
		{
			group: "files", name: "an earlier result with a number beyond all numbers",
			inject: against(edited(func(r map[string]any) { stage(r)["workload"].(map[string]any)["rate_from"] = json.Number("1e999") })),
			want:   notLoaded, says: []string{"baseline: read result earlier.json: line "},
		},
		{
			group: "files", name: "an earlier result with negative counts",
			inject: against(edited(func(r map[string]any) { stage(r)["counters"].(map[string]any)["success"] = -5 })),
			want:   notLoaded, says: []string{"baseline: read result earlier.json: ", "the count -5 is negative"},
		},
		{
			group: "files", name: "an earlier result of 2 GB",
			inject: func(t *testing.T, b *bed) ending {
				enormous(t, b.path("earlier.json"))
				p := b.load(t, written(comparing(answering(t))), "--baseline", "earlier.json")
				e := p.wait(t)
				bounded(t, p)
				return e
			},
			want: notLoaded, says: []string{"baseline: read result earlier.json: larger than 128 MiB"},
		},
		{
			group: "files", name: "a pipe in the place of an earlier result",
			inject: func(t *testing.T, b *bed) ending {
				fifo(t, b.path("earlier.json"))
				return b.run(t, written(comparing(answering(t))), "--baseline", "earlier.json")
			},
			want: notLoaded, says: []string{"read result earlier.json: not a regular file"},
		},
		{
			group: "files", name: "a result with NaN, for every command that reads results",
			inject: handed(replaced(`"cores"`, `"cores": NaN, "x"`)),
			want:   notLoaded, says: []string{"read result earlier.json: line ", "not JSON"},
		},
		{
			group: "files", name: "a result that counts more requests than its histograms hold",
			inject: handed(edited(func(r map[string]any) {
				stage(r)["counters"].(map[string]any)["success"] = json.Number("1000000000000")
			})),
			want: notLoaded, says: []string{"the histogram holds 200 requests, the counters 1000000000000"},
		},
		{
			group: "files", name: "a result of 1,000 histograms that unpack to a megabyte each",
			inject: func(t *testing.T, b *bed) ending {
				b.write(t, "earlier.json", `{"version": 1, "x": [`+strings.Repeat(`"`+claiming(1<<20)+`",`, 1000)+`0]}`)
				return reported(t, b, "earlier.json")
			},
			want: notLoaded, says: []string{"read result earlier.json: histograms of more than 64 MiB"},
		},
		{
			group: "files", name: "a result of 2 GB for report",
			inject: func(t *testing.T, b *bed) ending {
				enormous(t, b.path("earlier.json"))
				return reported(t, b, "earlier.json")
			},
			want: notLoaded, says: []string{"earlier.json: larger than 128 MiB"},
		},
		{
			group: "files", name: "a result that never ends (/dev/zero)",
			inject: func(t *testing.T, b *bed) ending { return reported(t, b, "/dev/zero") },
			want:   notLoaded, says: []string{"/dev/zero: not a regular file"},
		},
		{
			group: "files", name: "a pipe to which nobody writes, in the place of a result",
			inject: func(t *testing.T, b *bed) ending {
				fifo(t, b.path("earlier.json"))
				return reported(t, b, "earlier.json")
			},
			want: notLoaded, says: []string{"read result earlier.json: truncated, or not JSON"},
		},
		{
			group: "files", name: "the SLO file is changed while its run goes on",
			inject: func(t *testing.T, b *bed) ending {
				var once sync.Once
				s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
					once.Do(func() { put(t, b.path("slo.yaml"), "version: 2") })
				}))
				t.Cleanup(s.Close)
				return b.run(t, written(short(s.URL, "p95 <= 30s")))
			},
			want: judged, says: []string{"p95 <= 30s"},
		},
		{
			group: "files", name: "the SLO file is a pipe to which nobody writes",
			inject: withSLO(fifo),
			want:   notLoaded, says: []string{"SLO0"},
		},
		{
			group: "files", name: "the SLO file is a folder",
			inject: withSLO(func(t *testing.T, path string) {
				if err := os.Mkdir(path, 0o755); err != nil {
					t.Fatal(err)
				}
			}),
			want: notLoaded, says: []string{"read SLO file: open slo.yaml: is a directory"},
		},
		{
			group: "files", name: "the SLO file never ends (/dev/zero)",
			inject: withSLO(func(t *testing.T, path string) {
				if err := os.Symlink("/dev/zero", path); err != nil {
					t.Fatal(err)
				}
			}),
			want: notLoaded, says: []string{"read SLO file: open slo.yaml: not a regular file"},
		},
		{
			group: "files", name: "the SLO file may not be read",
			inject: func(t *testing.T, b *bed) ending {
				b.write(t, "slo.yaml", short("http://127.0.0.1:9", "p95 <= 30s"))
				if err := os.Chmod(b.path("slo.yaml"), 0); err != nil {
					t.Fatal(err)
				}
				// Root may read everything, but for this capability.
				without := []string{"setpriv", "--bounding-set=-dac_override,-dac_read_search"}
				return b.start(t, call{via: without, args: []string{"run", "--out", "out", "slo.yaml"}}).wait(t)
			},
			want: notLoaded, says: []string{"read SLO file: open slo.yaml: permission denied"},
		},
		{
			group: "files", name: "the SLO file is in UTF-16",
			inject: withSLO(func(t *testing.T, path string) { put(t, path, "\xff\xfev\x00e\x00r\x00s\x00") }),
			want:   notLoaded, says: []string{"SLO003", "not UTF-8"},
		},
		{
			group: "files", name: "the SLO file has 10 MB",
			inject: withSLO(func(t *testing.T, path string) { put(t, path, strings.Repeat("# nothing\n", 1<<20)) }),
			want:   notLoaded, says: []string{"the file has more than 1048576 bytes"},
		},
		{
			group: "files", name: "a data file is cut short while its rows are used",
			inject: shrinkingData,
			want:   outcome{3, "inconclusive", allFiles}, says: []string{"local"},
		},
		{
			group: "files", name: "two runs in one workspace at once, and both keep their result",
			inject: twoRuns,
			want:   judged, says: []string{"kept for later runs: artifact slogate-result_iris_gate"},
		},
	}
}
