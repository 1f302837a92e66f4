package report

import (
	"strings"
	"testing"

	"github.com/slogate/slogate/result"
)

// Where an objective was compared with earlier results, every form shows the
// baseline, the change and what can be seen; elsewhere there are no such
// columns.
func TestFormsShowTheBaseline(t *testing.T) {
	value := 472_000.0
	o := result.JudgedObjective{
		Text: "p95 <= baseline + 10%", Indicator: "p95", Unit: "duration", Stage: "high", Severity: "fail",
		Verdict: result.Inconclusive, Measured: &value, Cmp: "<=", Bound: 462_000, Relative: true,
		Comparison: &result.Comparison{Baseline: 420_000, Runs: 7, Change: 0.124, Tolerance: 0.1, Limit: 0.25},
	}
	share := o
	share.Text, share.Unit = "success_rate >= baseline - 1%", "share"
	share.Comparison = &result.Comparison{Baseline: 1, Runs: 1, Points: true, Change: -0.005, Limit: -0.02}
	r := &result.Run{Judgement: &result.Judgement{Verdict: result.Warn, Objectives: []result.JudgedObjective{o, share}}}

	for name, text := range everyForm(t, r) {
		plain := strings.NewReplacer("&nbsp;", " ", "\u00a0", " ").Replace(text)
		for _, want := range []string{"420 ms (7 runs)", "12.4 %", "+25 %", "(1 run)", "−0.5 points"} {
			if !strings.Contains(plain, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, text)
			}
		}
	}
	r.Judgement.Objectives = []result.JudgedObjective{{Text: "p95 <= 1s", Unit: "duration", Severity: "fail", Verdict: result.Pass, Measured: &value, Cmp: "<=", Bound: 1e6}}
	for name, text := range everyForm(t, r) {
		if strings.Contains(strings.ToLower(text), ">baseline<") || strings.Contains(text, "| Baseline |") {
			t.Errorf("%s has a column without a baseline", name)
		}
	}
}

// A comparison shows both sides in every form, says what was compared, and
// what that cannot tell.
func TestFormsShowBothSides(t *testing.T) {
	r := sampleCompared()
	const sentence = "Compared with base at http:&#8203;//localhost:8001 in the same run; one start of each was compared."
	forms := everyForm(t, r)
	forms["comment"] = commentText(t, r, CommentOptions{})
	forms["junit"] = junitText(t, r)
	for name, text := range forms {
		text = strings.Join(strings.Fields(text), " ") // a terminal's lines are wrapped
		for _, want := range []string{strings.ReplaceAll(sentence, "&#8203;", ""), "http://localhost:8001"} {
			if !strings.Contains(strings.ReplaceAll(text, "&#8203;", ""), want) {
				t.Errorf("%s lacks %q", name, want)
			}
		}
	}
	for name, want := range map[string][]string{
		"terminal":    {"side", "base", "head", "+19.8 % (+15.8 to +23.8 %)", "sees: the smallest change"},
		"markdown":    {"| Side |", "| base |", "| head |", "p95 of base", "*Sees*: the smallest change"},
		"comment":     {"| Side |", "| base |", "| head |"},
		"page":        {`<span class="side base">base</span>`, "base and head", `"Side":"base"`},
		"junit":       {"change +19.8 % (+15.8 to +23.8 %), sees +13 %", `name="Base" value="http://localhost:8001"`},
		"csv":         {"steady,base,", "steady,head,", "ramp,head,"},
		"hlog":        {"Tag=base/steady,", "Tag=head/steady,", "Tag=head/ramp,"},
		"openmetrics": {`{stage="steady",side="base",quantile="0.95"}`, `{stage="steady",side="head",quantile="0.95"}`},
	} {
		text := forms[name]
		switch name {
		case "csv":
			text = csvTable(t, r)
		case "hlog":
			text = hlogText(t, r)
		case "openmetrics":
			text = metricsText(t, r)
		}
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s lacks %q:\n%s", name, w, text)
			}
		}
	}
}

// A comparison of too few windows has no change, and none that it would see.
func TestTooFewWindowsShowNoChange(t *testing.T) {
	r := sampleCompared()
	r.Judgement.Objectives = r.Judgement.Objectives[:1]
	*r.Judgement.Objectives[0].Comparison = result.Comparison{Baseline: 54.4e3}
	o := NewView(r).Objectives[0]
	if o.Change != none || o.Sees != "nothing" || o.Between != "" {
		t.Errorf("change %q, between %q, sees %q", o.Change, o.Between, o.Sees)
	}
}

func everyForm(t *testing.T, r *result.Run) map[string]string {
	t.Helper()
	var page, text, html strings.Builder
	if err := Markdown(&page, r); err != nil {
		t.Fatal(err)
	}
	if err := Terminal(&text, r, TermOptions{Width: 200}); err != nil {
		t.Fatal(err)
	}
	if err := HTML(&html, r); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"markdown": page.String(), "terminal": text.String(), "page": strings.ReplaceAll(html.String(), "&#43;", "+")}
}

// Of a comparison of revisions every form names both, and how to do it again.
func TestFormsShowRevisions(t *testing.T) {
	r := &result.Run{
		Seed: 7, SLO: result.SLO{Path: "my slo.yaml"}, Source: result.Source{Commit: "2222222222", Ref: "HEAD", Branch: "feature"},
		Base: &result.Base{Target: "http://127.0.0.1:20001", Starts: 3, Source: result.Source{Commit: "1111111111", Ref: "main"}},
	}
	forms := everyForm(t, r)
	delete(forms, "terminal") // has no facts
	for name, text := range forms {
		for _, want := range []string{"2222222222", "1111111111", "feature", "3 of each", "slogate compare --seed 7 --slo", "1111111111..2222222222"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %q:\n%s", name, want, text)
			}
		}
	}
}
