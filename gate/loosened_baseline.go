package gate

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/slogate/slogate/slo"
)

// baseline compares what relative objectives compare with, and how strictly. A
// baseline that base has not is one that the change may have brought itself.
func (l *loosenings) baseline(b, h slo.Baseline) {
	if h.Off && !b.Off {
		l.add("", "baseline", "none")
		return
	}
	for _, s := range []struct {
		key, before, now string
		loosened         bool
	}{
		{"base_target", orNone(b.BaseTarget), orRemoved(h.BaseTarget), !b.Off && b.BaseTarget != h.BaseTarget},
		{"files", orNone(strings.Join(b.Files, ", ")), orRemoved(strings.Join(h.Files, ", ")), !b.Off && (lacks(h.Files, b.Files) || lacks(b.Files, h.Files))},
		{"artifact", orDefault(b.Artifact), orDefault(h.Artifact), b.Artifact != h.Artifact},
		{"branch", orDefault(b.Branch), orDefault(h.Branch), b.Branch != h.Branch},
		{"ref", b.Ref, orRemoved(h.Ref), b.Ref != "" && b.Ref != h.Ref},
		{"last", strconv.Itoa(b.Last), strconv.Itoa(h.Last), h.Last < b.Last},
		{"max_age", slo.DurationText(b.MaxAge), slo.DurationText(h.MaxAge), h.MaxAge < b.MaxAge},
		{"max", slo.DurationText(b.Max), slo.DurationText(h.Max), h.Max < b.Max},
		{"schedule", string(b.Schedule), string(h.Schedule), b.Schedule == slo.Alternate && h.Schedule == slo.Mixed},
		{"strict", "true", "false", b.Strict && !h.Strict},
		{"required", "true", "false", b.Required && !h.Required},
		{"allow_mismatch", "false", "true", h.AllowMismatch && !b.AllowMismatch},
	} {
		if s.loosened {
			l.add("", "baseline: "+s.key+": "+s.before, s.now)
		}
	}
}

// lacks reports whether a list does not have all of another.
func lacks(list, other []string) bool {
	return slices.ContainsFunc(other, func(f string) bool { return !slices.Contains(list, f) })
}

func orNone(text string) string { return cmp.Or(text, "none") }

func orRemoved(text string) string {
	if text == "" {
		return removed
	}
	return text
}

func orDefault(text string) string {
	if text == "" {
		return "the default one"
	}
	return text
}
