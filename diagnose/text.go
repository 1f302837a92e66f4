package diagnose

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// number has three significant digits, and all digits before the point.
func number(v float64) string {
	decimals := 0
	if a := math.Abs(v); a > 0 && a < 100 && v != math.Trunc(v) {
		decimals = min(3, 2-int(math.Floor(math.Log10(a))))
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}

func rate(v float64) string { return number(v) + "/s" }

func span(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return number(d.Seconds()) + " s"
	case d >= time.Millisecond:
		return number(d.Seconds()*1e3) + " ms"
	}
	return number(d.Seconds()*1e6) + " µs"
}

// percent of a share: one decimal, none where it would be 0.
func percent(share float64) string {
	return tenths(100*share) + " %"
}

// tenths has one decimal, none where it would be 0. Halves go where the tables of
// the reports take them, so that both say the same.
func tenths(v float64) string { return strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0") }

// change is how b differs from a, in percent with its sign.
func change(a, b float64) string {
	if a == 0 {
		return "from 0"
	}
	return fmt.Sprintf("%+.0f %%", (b/a-1)*100)
}

// fell is how many percentage points lie between two shares.
func fell(from, to float64) string {
	return tenths(100*from-100*to) + " points"
}

func factor(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) + " times" }

func milli(v float64) string { return strconv.FormatFloat(math.Round(v), 'f', 0, 64) + "m" }

func plural(n float64, noun string) string {
	text := number(n) + " " + noun
	if n != 1 {
		text += "s"
	}
	return text
}
