package report

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

// sampleEarlier is n results of main, one a day, the newest two days before
// the sample run.
func sampleEarlier(n int) []result.Earlier {
	var all []result.Earlier
	for i := range n {
		at := started.Add(-time.Duration(n-i+1) * 24 * time.Hour)
		all = append(all, result.Earlier{
			Source: result.Source{
				Commit: fmt.Sprintf("%07x%033x", 0xabc122e+i, 0), Branch: "main", RunURL: fmt.Sprintf("https://github.com/acme/iris/actions/runs/%d", 10+i),
			},
			Start: at,
			Stages: []result.EarlierStage{
				{Name: "normal", P95: time.Duration(200+10*i) * time.Millisecond, Success: 1, Throughput: 25},
				{Name: "high", P95: time.Duration(400-20*i) * time.Millisecond, Success: 0.99 + float64(i)/1000, Throughput: 60 + float64(i)},
			},
		})
	}
	return all
}

// withEarlier is a run that was compared with seven results.
func withEarlier() *result.Run {
	r := sampleRun(result.Pass)
	r.Judgement.Earlier = sampleEarlier(7)
	r.Judgement.Baseline = &result.BaselineUse{Runs: 7, Covered: 7, Relative: 9}
	return r
}

func TestBaselineGolden(t *testing.T) {
	text, err := section("baseline", markdownPage{View: newView(withEarlier(), markdown)})
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "baseline/section.md", text)
}

// Every form for people says what the run was compared with.
func TestBaselineIsNamed(t *testing.T) {
	r := withEarlier()
	forms := map[string]func(*strings.Builder) error{
		"summary":  func(b *strings.Builder) error { return Markdown(b, r) },
		"page":     func(b *strings.Builder) error { return HTML(b, r) },
		"terminal": func(b *strings.Builder) error { return Terminal(b, r, TermOptions{Width: 200}) },
		"comment": func(b *strings.Builder) error {
			text, err := Comment(r, CommentOptions{})
			b.WriteString(text)
			return err
		},
	}
	for name, write := range forms {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := write(&b); err != nil {
				t.Fatal(err)
			}
			for _, text := range []string{"7 results of ", "main", "abc1234", "2 days old", "7 of 9 comparisons", "▇▇▇▆▆▆▅█"} {
				if !strings.Contains(b.String(), text) {
					t.Errorf("the form lacks %q", text)
				}
			}
			if link := "https://github.com/acme/iris/actions/runs/16"; name != "terminal" && !strings.Contains(b.String(), link) {
				t.Errorf("the form lacks the link to the run")
			}
		})
	}
}

func TestBaselineWithoutAnOrigin(t *testing.T) {
	r := withEarlier()
	for i := range r.Judgement.Earlier {
		r.Judgement.Earlier[i].Source = result.Source{}
	}
	r.Judgement.Earlier[6].RunURL = "javascript:alert(1)"
	r.Judgement.Baseline = nil
	b := newView(r, markdown).Baseline
	if b.URL != "" || b.Sentence() != "beside it are 7 results, 2 days old" {
		t.Errorf("%q, link %q", b.Sentence(), b.URL)
	}
	r.Judgement.Earlier = r.Judgement.Earlier[6:]
	if got := newView(r, markdown).Baseline.Sentence(); got != "beside it is 1 result, 2 days old" {
		t.Errorf("%q", got)
	}
}

// A stage that no earlier result can be compared with has no course, and a
// course is not longer than a cell.
// What is no commit is not shown as one: it would be the words of a link.
func TestBaselineOfAStrangeCommit(t *testing.T) {
	r := withEarlier()
	for i := range r.Judgement.Earlier {
		r.Judgement.Earlier[i].Commit = "Session expired, sign in again"
	}
	text, err := Comment(r, CommentOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "sign in") || !strings.Contains(text, "newest [of an unknown commit](<https://github.com/acme/iris/actions/runs/16>)") {
		t.Errorf("the comment is\n%s", text)
	}
}

func TestTrends(t *testing.T) {
	r := withEarlier()
	r.Judgement.Earlier = sampleEarlier(40)
	b := newView(r, markdown).Baseline
	if len(b.Trends) != 2 || len(b.Rows) != 2*(trendResults+1) {
		t.Fatalf("%d trends, %d rows", len(b.Trends), len(b.Rows))
	}
	if got := len([]rune(b.Trends[0].P95.Line)); got != trendResults+1 {
		t.Errorf("a line of %d results", got)
	}
	if last := b.Rows[trendResults]; last.Result.Plain() != "this run" || last.P95 != b.Trends[0].P95.Now {
		t.Errorf("last row %+v", last)
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second:     "newer than this run",
		59 * time.Minute: "less than an hour old",
		time.Hour:        "1 hour old",
		47 * time.Hour:   "47 hours old",
		48 * time.Hour:   "2 days old",
		2400 * time.Hour: "100 days old",
	} {
		if got := age(d); got != want {
			t.Errorf("age(%s) = %q, want %q", d, got, want)
		}
	}
}
