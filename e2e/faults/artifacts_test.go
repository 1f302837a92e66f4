//go:build linux

package faults

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/baseline/artifacttest"
	"github.com/slogate/slogate/github/githubtest"
)

// kept is the artifact of the SLO files here.
const kept = "slogate-result_iris_gate"

// packed is a zip archive of one file.
func packed(t *testing.T, name string, content io.Reader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create(name)
	if err == nil {
		_, err = io.Copy(w, content)
	}
	if err == nil {
		err = z.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zeros is a file that packs well.
func zeros(size int64) io.Reader { return io.LimitReader(zero{}, size) }

type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// compared runs the job of a pull request whose base branch has kept an archive.
func compared(archive func(t *testing.T) []byte, breaks func(*artifacttest.Server, *artifacttest.Artifact)) func(t *testing.T, b *bed) ending {
	return func(t *testing.T, b *bed) ending {
		j, f := newHistory(t, b)
		a := f.Keep(f.Push(5, time.Now().Add(-time.Hour)), kept, archive(t))
		if breaks != nil {
			breaks(f, a)
		}
		j.change(t)
		e := j.act(t)
		small(t, j)
		return e
	}
}

func garbage(*testing.T) []byte { return []byte("PK\x03\x04 but no archive") }

// keeps runs the job of a push to the default branch, which keeps its result.
func keeps(answer func(w http.ResponseWriter, r *http.Request)) func(t *testing.T, b *bed) ending {
	return func(t *testing.T, b *bed) ending {
		j, f := newHistory(t, b)
		f.Fail = func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, "/twirp/") {
				return false
			}
			answer(w, r)
			return true
		}
		j.push(t, f)
		return j.act(t)
	}
}

func artifactFaults() []fault {
	const out = "the earlier result of run 5000 was left out: "
	return []fault{
		{
			group: "forge", name: "an earlier result of 2 GB, as the list says",
			inject: compared(garbage, func(f *artifacttest.Server, a *artifacttest.Artifact) {
				a.Size = 2 << 30
				f.FailFile = func(http.ResponseWriter) bool { panic("the archive is downloaded") }
			}),
			want: judged, says: []string{out + "answer is too large: 2147483648 bytes"},
		},
		{
			group: "forge", name: "an earlier result of which more comes than the list says, without end",
			inject: compared(garbage, func(f *artifacttest.Server, _ *artifacttest.Artifact) {
				f.FailFile = func(w http.ResponseWriter) bool { flood(w, strings.Repeat("x", 1<<20)); return true }
			}),
			want: judged, says: []string{out + "download from", "answer is too large"},
		},
		{
			group: "forge", name: "an earlier result that unpacks to 300 MiB",
			inject: compared(func(t *testing.T) []byte { return packed(t, "slogate-result.json", zeros(300<<20)) }, nil),
			want:   judged, says: []string{out + "slogate-result.json is larger than 64 MiB"},
		},
		{
			group: "forge", name: "an archive whose names lead out of the workspace",
			inject: func(t *testing.T, b *bed) ending {
				e := compared(func(t *testing.T) []byte { return packed(t, "../evil/slogate.txt", strings.NewReader("x")) }, nil)(t, b)
				if _, err := os.Stat(filepath.Join(b.dir, "..", "evil")); err == nil {
					t.Error("a file was written outside of the workspace")
				}
				return e
			},
			want: judged, says: []string{out + "no slogate-result.json in the archive"},
		},
		{
			group: "forge", name: "an archive that is none",
			inject: compared(garbage, nil),
			want:   judged, says: []string{out + "not a zip archive"},
		},
		{
			group: "forge", name: "an archive with another digest than the list says",
			inject: compared(garbage, func(_ *artifacttest.Server, a *artifacttest.Artifact) { a.Digest = "sha256:" + strings.Repeat("0", 64) }),
			want:   judged, says: []string{out + "the archive has another digest than the API says"},
		},
		{
			group: "forge", name: "an artifact that has expired meanwhile (410)",
			inject: compared(garbage, func(f *artifacttest.Server, _ *artifacttest.Artifact) {
				f.Fail = func(w http.ResponseWriter, r *http.Request) bool {
					if strings.HasSuffix(r.URL.Path, "/zip") {
						githubtest.Refuse(w, http.StatusGone, "Artifact has expired")
						return true
					}
					return false
				}
			}),
			want: judged, says: []string{out, "status 410: Artifact has expired"},
		},
		{
			group: "forge", name: "the storage of artifacts never answers",
			inject: func(t *testing.T, b *bed) ending {
				stop := make(chan struct{})
				defer close(stop)
				return compared(garbage, func(f *artifacttest.Server, _ *artifacttest.Artifact) {
					f.FailFile = func(http.ResponseWriter) bool { <-stop; return true }
				})(t, b)
			},
			want: judged, says: []string{out, "no answer in time"},
		},
		{
			group: "forge", name: "only comparisons, and the one earlier result is broken",
			inject: func(t *testing.T, b *bed) ending {
				j, f := newHistory(t, b)
				j.objectives(t, "p95 <= baseline + 900% or + 5s")
				f.Keep(f.Push(5, time.Now().Add(-time.Hour)), kept, garbage(t))
				j.change(t)
				return j.act(t)
			},
			want: outcome{3, "inconclusive", allFiles}, says: []string{out + "not a zip archive"},
		},
		{
			group: "forge", name: "the artifact service is down when the result is kept",
			inject: keeps(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }),
			want:   judged, says: []string{"the result was not kept: CreateArtifact: status 503", "uses: actions/upload-artifact"},
		},
		{
			group: "forge", name: "the artifact service answers with a page",
			inject: keeps(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>::error::x") }),
			want:   judged, says: []string{"the result was not kept: CreateArtifact: ", "uses: actions/upload-artifact"},
		},
		{
			group: "forge", name: "the artifact service never answers",
			inject: keeps(silence),
			want:   judged, says: []string{"the result was not kept: CreateArtifact: no answer in time"},
		},
	}
}

// seedOf is the seed of the result in an archive.
func seedOf(t *testing.T, archive []byte) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("slogate-result.json")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r struct{ Seed json.Number }
	if err := json.NewDecoder(f).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r.Seed.String()
}
