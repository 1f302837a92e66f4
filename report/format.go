package report

import (
	"math"
	"strconv"
	"strings"
	"time"
)

// narrow is the no-break space that groups digits: 12 345.
const narrow = '\u202f'

// none stands where nothing was measured.
const none = "–"

// number writes v with three significant digits, without trailing zeros and
// never with an exponent; from 1000 on it is a whole number, grouped.
func number(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return none
	case math.Abs(v) >= 999.5:
		return group(strconv.FormatFloat(v, 'f', 0, 64))
	case math.Abs(v) < 0.0005:
		return "0"
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 3, 64), 64)
	return strconv.FormatFloat(rounded, 'f', -1, 64)
}

// count writes a whole number with its digits grouped: 12 345.
func count(n int64) string { return group(strconv.FormatInt(n, 10)) }

func group(digits string) string {
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "-", digits[1:]
	}
	var b strings.Builder
	for i, d := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteRune(narrow)
		}
		b.WriteRune(d)
	}
	return sign + b.String()
}

// duration writes d in the unit that fits: 38 µs, 450 ms, 1.2 s, 2 min 5 s.
func duration(d time.Duration) string {
	us := float64(d) / float64(time.Microsecond)
	switch magnitude := math.Abs(us); {
	case magnitude < 0.0005:
		return "0 ms"
	case magnitude < 999.5:
		return number(us) + " µs"
	case magnitude < 999.5e3:
		return number(us/1e3) + " ms"
	case magnitude < 59.95e6:
		return number(us/1e6) + " s"
	}
	return longDuration(d.Round(time.Second))
}

// longDuration writes the two largest units of a whole number of seconds.
func longDuration(d time.Duration) string {
	if d < 0 {
		return "-" + longDuration(-d)
	}
	if d >= time.Hour {
		d = d.Round(time.Minute)
		return parts(int64(d/time.Hour), "h", int64(d%time.Hour/time.Minute), "min")
	}
	return parts(int64(d/time.Minute), "min", int64(d%time.Minute/time.Second), "s")
}

func parts(large int64, unit string, small int64, smallUnit string) string {
	text := count(large) + " " + unit
	if small > 0 {
		text += " " + count(small) + " " + smallUnit
	}
	return text
}

// since writes a moment as the time since some start, to a tenth of a second.
func since(d time.Duration) string {
	d = d.Round(100 * time.Millisecond)
	if d == 0 {
		return "0 s"
	}
	return duration(d)
}

// share writes a fraction of one in percent. It rounds to 100 % or 0 % only
// what is exactly that: one failure in a million stays visible.
func share(v float64) string {
	percent := v * 100
	if math.IsNaN(percent) || math.IsInf(percent, 0) {
		return none
	}
	for digits := 1; digits <= 6; digits++ {
		text := strconv.FormatFloat(percent, 'f', digits, 64)
		rounded, _ := strconv.ParseFloat(text, 64)
		if (rounded == 100) == (percent == 100) && (rounded == 0) == (percent == 0) {
			return trimZeros(text) + " %"
		}
	}
	if percent < 50 {
		return "< 0.000001 %"
	}
	return "> 99.999999 %"
}

func trimZeros(text string) string {
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// rate writes a number a second: 38/s.
func rate(v float64) string { return number(v) + "/s" }

// bytes writes a size in decimal units: 1.2 MB.
func bytes(v float64) string {
	for _, unit := range []string{"B", "kB", "MB", "GB"} {
		if math.Abs(v) < 999.5 {
			return number(v) + " " + unit
		}
		v /= 1000
	}
	return number(v) + " TB"
}

// quantity writes a value of an indicator in its unit; see
// [result.JudgedObjective] for the units' scales.
func quantity(unit string, v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return none
	case unit == "duration":
		return duration(time.Duration(min(max(v, -1e15), 1e15) * float64(time.Microsecond)))
	case unit == "share" || unit == "usage":
		return share(v)
	case unit == "rate":
		return rate(v)
	case unit == "bytes":
		return bytes(v)
	case unit == "slope":
		return duration(time.Duration(min(max(v, -1e15), 1e15)*float64(time.Microsecond))) + "/min"
	case unit == "cores":
		return number(v) + " cores"
	}
	return number(v)
}

// change writes how far b lies from a, in percent of a.
func change(a, b float64) string {
	if a == 0 || math.IsNaN(a) || math.IsNaN(b) {
		return none
	}
	return signed((b-a)/a*100) + " %"
}

// points writes the difference of two shares in percentage points.
func points(a, b float64) string {
	return signed((b-a)*100) + " points"
}

// signed writes a number of percents or points with its sign.
func signed(v float64) string {
	v = math.Round(v*10) / 10
	if math.Abs(v) >= 10 {
		v = math.Round(v)
	}
	if v > 0 {
		return "+" + number(v)
	}
	if v < 0 {
		return "−" + number(-v)
	}
	return "±0"
}

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
