package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/slogate/slogate/result"
)

// CSV writes the slices of the run as a table for a spreadsheet: a line for
// each second of each stage, with plain numbers. A cell is empty where nothing
// was measured. In a comparison the column side tells base from head, whose
// offsets count the time in which their own side was loaded. Metrics of a
// Prometheus server have a column each at the end, but in a comparison.
func CSV(w io.Writer, r *result.Run) error {
	c := csv.NewWriter(w)
	head := []string{"stage", "side", "start", "seconds", "width_s", "due", "finished", "success"}
	for _, k := range classes {
		head = append(head, strings.ReplaceAll(strings.ToLower(k.name), " ", "_"))
	}
	head = append(head, "per_second", "mean_ms", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms")
	var names []string
	if !tookTurns(r) { // else slices are no seconds of the stage's time
		names = metricNames(r)
	}
	for _, name := range names {
		head = append(head, csvText("metric."+name))
	}
	c.Write(head)
	for _, s := range sides(r) {
		for _, slice := range s.Slices {
			row := csvRow(r, s, slice)
			for _, name := range names {
				row = append(row, csvMetric(during(s.Metric(name), slice)))
			}
			c.Write(row)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func tookTurns(r *result.Run) bool {
	return r.Base != nil || slices.ContainsFunc(r.Stages, func(s result.Stage) bool { return s.InTurns })
}

func csvRow(r *result.Run, s sided, slice result.Slice) []string {
	at, counters := s.Start.Add(slice.Offset), slice.Counters
	row := []string{
		csvText(s.Name),
		s.side,
		at.UTC().Format("2006-01-02T15:04:05.000Z"),
		csvNumber(seconds(at.Sub(r.Start))),
		csvNumber(seconds(slice.Width)),
		csvCount(counters.Due()),
		csvCount(counters.Finished()),
		csvCount(counters.Success),
	}
	for _, k := range classes {
		row = append(row, csvCount(*counters.Of(k.class)))
	}
	perSecond := math.NaN()
	if slice.Width > 0 {
		perSecond = float64(counters.Finished()) / seconds(slice.Width)
	}
	row = append(row, csvNumber(perSecond), csvNumber(meanMillis(slice.Response)))
	for _, percent := range []int64{50, 90, 95, 99, 100} {
		row = append(row, csvNumber(millis(slice.Response, percent, 100)))
	}
	return row
}

// csvText writes a text from outside as a cell. Spreadsheets compute what
// begins with one of these signs, quoted or not, and the wide forms as well; an
// apostrophe before it makes it a text.
func csvText(s string) string {
	s = visible(shorten(s, nameLimit))
	if first := strings.TrimSpace(s); first != "" && strings.ContainsRune("=+-@|%＝＋－＠", []rune(first)[0]) {
		return "'" + s
	}
	return s
}

// csvMetric writes a number of any size with six significant digits.
func csvMetric(v float64) string {
	if math.IsNaN(v) {
		return ""
	}
	return strconv.FormatFloat(v, 'g', 6, 64)
}

func csvCount(n int64) string { return strconv.FormatInt(n, 10) }

// csvNumber writes v to a thousandth, a microsecond of what is in
// milliseconds.
func csvNumber(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return ""
	}
	return strconv.FormatFloat(math.Round(v*1000)/1000, 'f', -1, 64)
}
