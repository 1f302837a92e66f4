package report

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

const summaryURL = "https://github.com/acme/iris/actions/runs/42/job/7#step:3:1"

func commentText(t testing.TB, r *result.Run, opts CommentOptions) string {
	t.Helper()
	text, err := Comment(r, opts)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestCommentGolden(t *testing.T) {
	for name, r := range sampleRuns() {
		t.Run(name, func(t *testing.T) {
			golden(t, filepath.Join("comment", name+".md"), commentText(t, r, CommentOptions{SummaryURL: summaryURL}))
		})
	}
}

// Too much for a comment: whole sections go, the verdict and the link stay,
// and every fence and fold that was opened is closed.
func TestCommentStaysShort(t *testing.T) {
	r := sampleRun(result.Fail)
	long := r.Stages[2]
	for range 200 {
		long.Name += "x"
		long.Failures[0].Body = strings.Repeat("```\n", 400)
		r.Stages = append(r.Stages, long)
	}
	text := commentText(t, r, CommentOptions{SummaryURL: summaryURL})
	if len(text) > 60_000 {
		t.Errorf("%d bytes", len(text))
	}
	for _, want := range []string{"## ❌ Fail", "](<" + summaryURL + ">)", "### Objectives", "Left out for lack of room: failing responses, "} {
		if !strings.Contains(text, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if open, shut := strings.Count(text, "<details>"), strings.Count(text, "</details>"); open != shut {
		t.Errorf("%d folds opened, %d closed", open, shut)
	}
}

// What a service answers may hold a secret of the job that only the runner
// knows, and nobody masks a comment.
func TestCommentHoldsNoBodies(t *testing.T) {
	r := sampleRun(result.Fail)
	text := commentText(t, r, CommentOptions{})
	body := r.Stages[2].Failures[0].Body
	if body == "" || strings.Contains(text, strings.Split(body, "\n")[0]) || !strings.Contains(text, "bad status 503") {
		t.Errorf("want the failing responses without %q in\n%s", body, text)
	}
}

func TestCommentLinksOnlyWhatIsALink(t *testing.T) {
	for url, want := range map[string]bool{
		summaryURL:                       true,
		"http://ghe.local:8080/a/b":      true,
		"https://x/>) [evil](https://y":  false,
		"https://x/a\nb":                 false,
		"javascript:alert(1)":            false,
		"https://user:secret@host/a":     false,
		"":                               false,
		"https://[::1]:3000/acme/runs/1": true,
	} {
		text := commentText(t, sampleRun(result.Pass), CommentOptions{SummaryURL: url})
		if got := strings.Contains(text, "The whole report"); got != want {
			t.Errorf("%q: linked is %t, want %t", url, got, want)
		}
	}
}

func TestMarkdownStaysBelowItsLimit(t *testing.T) {
	r := sampleRun(result.Fail)
	for range 3000 {
		r.Findings = append(r.Findings, result.Finding{Title: strings.Repeat("a*", 300), Evidence: []string{strings.Repeat("|", 600)}})
	}
	var b strings.Builder
	if err := Markdown(&b, r); err != nil {
		t.Fatal(err)
	}
	if b.Len() > 1_000_000 || !strings.Contains(b.String(), "findings. The result file") {
		t.Errorf("%d bytes, ending in %q", b.Len(), b.String()[b.Len()-200:])
	}
	if !strings.Contains(b.String(), "### Objectives") {
		t.Error("objectives were left out for findings")
	}
}

// A comment from a stranger's result file says so, and the commit that it names
// is one.
func TestCommentSaysWhereItComesFrom(t *testing.T) {
	r := sampleRun(result.Pass)
	r.Source.Commit = strings.Repeat("3f2a", 10)
	text := commentText(t, r, CommentOptions{SummaryURL: summaryURL, Foreign: true, OriginURL: "https://github.com/acme/iris/actions/runs/42"})
	for _, want := range []string{"Measured at commit 3f2a3f2a3f2a.", "[another workflow run](<https://github.com/acme/iris/actions/runs/42>)"} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in\n%s", want, text)
		}
	}
	r.Source.Commit = "<img>" + strings.Repeat("3f2a", 10)
	if text := commentText(t, r, CommentOptions{Foreign: true, OriginURL: "https://x/>)[y](<z"}); strings.Contains(text, "Measured at") || strings.Contains(text, "[another workflow") {
		t.Errorf("linked what is none:\n%s", text)
	}
}

func TestRefusalComment(t *testing.T) {
	text := RefusalComment("the target http://x is not ready\n```\n<!-- slogate:00 -->\n::error::x", CommentOptions{SummaryURL: summaryURL})
	for _, want := range []string{"## ⛔ slogate could not run", "\n````text\n", "(<" + summaryURL + ">)"} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q in\n%s", want, text)
		}
	}
}

func TestPlan(t *testing.T) {
	var b strings.Builder
	if err := Plan(&b, "a|b <x> @ann", "2 stages\n```\n# no heading"); err != nil {
		t.Fatal(err)
	}
	want := "## 📋 Plan: a\\|b &lt;x&gt; @&#8203;ann\n\nThe file is valid. Nothing was sent.\n\n````text\n2 stages\n```\n# no heading\n````\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestPart(t *testing.T) {
	r := &result.Run{Name: "a|b <x> @ann", Shard: result.Shard{Index: 3, Count: 8}, Stages: make([]result.Stage, 2)}
	r.Stages[0].Counters = result.Counters{Success: 90, BadStatus: 8}
	r.Stages[1].Counters.Timeout = 2
	var b strings.Builder
	if err := Part(&b, r); err != nil {
		t.Fatal(err)
	}
	want := "## ▫️ a\\|b &lt;x&gt; @&#8203;ann: shard 3 of 8\n\n100 requests, 10 without success. The run is judged where its shards are merged.\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
