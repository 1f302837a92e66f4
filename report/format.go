package report

import (
	"math"
	"strings"
	"time"

	"github.com/slogate/slogate/quantity"
)

// none stands where nothing was measured.
const none = quantity.None

// since writes a moment as the time since some start, to a tenth of a second.
func since(d time.Duration) string {
	return quantity.Duration(d.Round(100 * time.Millisecond))
}

// change writes how far b lies from a, of a.
func change(a, b float64) string {
	if a == 0 {
		return none
	}
	return quantity.Change((b-a)/a, false)
}

// points writes the difference of two shares.
func points(a, b float64) string { return quantity.Change(b-a, true) }

// moment writes a time in UTC to the second.
func moment(t time.Time) string {
	if t.IsZero() {
		return none
	}
	return t.UTC().Format("2006-01-02 15:04:05") + " UTC"
}

// bar draws v as a share of full in eighths of a character, cells wide.
func bar(v, full float64, cells int) string {
	if !(full > 0) || !(v > 0) {
		return ""
	}
	eighths := int(math.Round(min(v/full, 1) * float64(cells) * 8))
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	if text == "" {
		return "▏" // something is not nothing
	}
	return text
}

// sparkline draws values from 0 to their maximum; a NaN leaves a gap.
func sparkline(values []float64) string {
	top := 0.0
	for _, v := range values {
		top = max(top, orZero(v))
	}
	var b strings.Builder
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 || top == 0 {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune([]rune("▁▂▃▄▅▆▇█")[int(math.Round(v/top*7))])
	}
	return b.String()
}

// orZero is v, or zero where v is no finite number.
func orZero(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	return v
}
