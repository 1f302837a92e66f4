package report

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/slogate/slogate/result"
)

// HLog writes the response times as a log of HdrHistogram, version 1.3: one
// line for each slice, tagged with its stage, in order of time. A stage that
// kept no slices is one line. In a comparison the tags are base/STAGE and
// head/STAGE.
//
// Values are microseconds; the column of the interval's maximum, by the custom
// of such logs, is a thousandth of that: milliseconds.
func HLog(w io.Writer, r *result.Run) error {
	b := bufio.NewWriter(w)
	b.WriteString("#[response times in microseconds, Interval_Max in milliseconds]\n")
	b.WriteString("#[Histogram log format version 1.3]\n")
	start := float64(r.Start.UnixMilli()) / 1000
	if r.Start.IsZero() {
		start = 0
	}
	fmt.Fprintf(b, "#[StartTime: %.3f (seconds since epoch), %s]\n", start, r.Start.UTC().Format(time.RFC3339))
	fmt.Fprintf(b, "#[BaseTime: %.3f (seconds since epoch)]\n", start)
	b.WriteString("\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_CompressedHistogram\"\n")
	for _, i := range intervals(r) {
		if err := i.write(b); err != nil {
			return fmt.Errorf("write histogram log: %w", err)
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write histogram log: %w", err)
	}
	return nil
}

// logInterval is one line of the log.
type logInterval struct {
	tag         string
	from, width time.Duration // since the run's start
	times       result.Histogram
}

// intervals are the parts of the run that measured something, by time.
func intervals(r *result.Run) []logInterval {
	var out []logInterval
	for _, s := range sides(r) {
		from, tag := s.Start.Sub(r.Start), logTag(s.Name)
		if s.side != "" {
			tag = s.side + "/" + tag
		}
		if len(s.Slices) == 0 {
			out = append(out, logInterval{tag, from, s.Duration, s.Response})
		}
		for _, slice := range s.Slices {
			out = append(out, logInterval{tag, from + slice.Offset, slice.Width, slice.Response})
		}
	}
	out = slices.DeleteFunc(out, func(i logInterval) bool { return i.times.Total() == 0 })
	slices.SortStableFunc(out, func(a, b logInterval) int { return cmp.Compare(a.from, b.from) })
	return out
}

func (i logInterval) write(w io.Writer) error {
	text, err := json.Marshal(i.times)
	if err != nil {
		return err
	}
	highest, _ := i.times.Max()
	_, err = fmt.Fprintf(w, "Tag=%s,%.3f,%.3f,%.3f,%s\n",
		i.tag, seconds(i.from), seconds(i.width), seconds(highest)*1000, strings.Trim(string(text), `"`))
	return err
}

// logTag writes a stage's name as a tag, which ends at a comma, a blank or the
// end of the line: letters, digits and a few signs stay, all else becomes an
// underscore.
func logTag(name string) string {
	tag := strings.Map(func(r rune) rune {
		if r != unicode.ReplacementChar && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("./_+-", r)) {
			return r
		}
		return '_'
	}, shorten(name, nameLimit))
	if tag == "" {
		return "_"
	}
	return tag
}
