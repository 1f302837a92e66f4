// Package quantity writes values for people, each in one way wherever it
// stands: with three significant digits, in the unit that fits. Shares and changes
// are never written as zero where they are not. It knows nothing of where a value
// comes from.
package quantity

import (
	"math"
	"strconv"
	"strings"
	"time"
)

const (
	// None stands where nothing was measured.
	None = "–"

	// Narrow is the no-break space that groups digits: 12 345.
	Narrow = '\u202f'
)

// precision is how many significant digits a value is written with; the
// measurement itself has three.
const precision = 3

// finest is how many digits two values are told apart with; more of them tell
// only how a computer rounds.
const finest = 15

// dust is what rounding leaves of sums and differences that are zero: less is
// written as 0.
const dust = 1e-12

// Of writes a value of an indicator in its unit: "duration" and "slope" are in
// microseconds (a minute), "share" and "usage" fractions of one, "rate" a
// second, "bytes", "cores" and others the number itself.
func Of(unit string, v float64) string { return of(unit, v, precision) }

// Distinct writes two values of a unit with as many digits as it takes to tell
// them apart, so that no sentence says "450 ms, over 450 ms".
func Distinct(unit string, a, b float64) (string, string) {
	x, y := Of(unit, a), Of(unit, b)
	for digits := precision + 1; digits <= finest && x == y && a != b; digits++ {
		x, y = of(unit, a, digits), of(unit, b, digits)
	}
	return x, y
}

func of(unit string, v float64, digits int) string {
	if !finite(v) {
		return None
	}
	switch unit {
	case "duration":
		return duration(v, digits)
	case "slope":
		return duration(v, digits) + "/min"
	case "share", "usage":
		return share(v, digits)
	case "rate":
		return number(v, digits) + "/s"
	case "bytes":
		return scaled(v, digits, sizes)
	case "cores":
		return cores(number(v, digits))
	}
	return number(v, digits)
}

// Number writes v with three significant digits, without trailing zeros and
// never with an exponent; from 1000 on it is a whole number, grouped.
func Number(v float64) string { return number(v, precision) }

// Count writes a whole number with its digits grouped: 12 345.
func Count(n int64) string {
	text := strconv.FormatInt(n, 10)
	if n < 0 {
		return "−" + group(text[1:])
	}
	return group(text)
}

// Duration writes d in the unit that fits: 38 µs, 450 ms, 1.2 s, 2 min 5 s.
func Duration(d time.Duration) string {
	return duration(float64(d)/float64(time.Microsecond), precision)
}

// Micros writes a time in microseconds, as indicators have it.
func Micros(v float64) string { return duration(v, precision) }

// Share writes a fraction of one in percent. It rounds to 100 % or 0 % only
// what is exactly that: one failure in a million stays visible.
func Share(v float64) string { return share(v, precision) }

// Rate writes a number a second: 38/s.
func Rate(v float64) string { return Of("rate", v) }

// Bytes writes a size in decimal units: 1.2 MB.
func Bytes(v float64) string { return Of("bytes", v) }

// Change writes a change with its sign, of a fraction of what it was or, of
// shares, in percentage points: +11.4 %, −4.5 %, ±0 %, −1.4 points.
func Change(v float64, points bool) string {
	unit := " %"
	if points {
		unit = " points"
	}
	if v *= 100; !finite(v) {
		return None
	}
	switch magnitude := tenths(math.Abs(v)); {
	case magnitude == "0":
		return "±0" + unit
	case v > 0:
		return "+" + magnitude + unit
	default:
		return "−" + magnitude + unit
	}
}

// Points writes a distance between two shares in percentage points: 1.4 points.
func Points(v float64) string {
	if v *= 100; !finite(v) {
		return None
	}
	return signed(v, tenths(math.Abs(v))) + " points"
}

// tenths has three digits and at most one after the point, or the first that is
// not 0.
func tenths(v float64) string {
	const noise = 1e-9 // less is what rounding leaves: one request in a billion is more
	if v >= 100 {
		return number(v, precision)
	}
	if tenth, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 1, 64), 64); tenth > 0 || v < noise {
		return number(tenth, precision)
	}
	first, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 1, 64), 64)
	return strconv.FormatFloat(first, 'f', -1, 64)
}

func number(v float64, digits int) string {
	if !finite(v) {
		return None
	}
	return signed(v, group(strconv.FormatFloat(round(math.Abs(v), digits), 'f', -1, 64)))
}

// round keeps so many significant digits of v, which is not negative, and all
// before the point.
func round(v float64, digits int) float64 {
	switch {
	case v < dust:
		return 0
	case v >= math.Pow10(digits):
		return math.RoundToEven(v)
	}
	rounded, _ := strconv.ParseFloat(strconv.FormatFloat(v, 'g', digits, 64), 64)
	return rounded
}

// group separates thousands before the point.
func group(text string) string {
	whole, fraction, broken := strings.Cut(text, ".")
	var b strings.Builder
	for i, digit := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteRune(Narrow)
		}
		b.WriteRune(digit)
	}
	if broken {
		b.WriteString("." + fraction)
	}
	return b.String()
}

// signed is the text of a magnitude with the sign of its value.
func signed(v float64, magnitude string) string {
	if v < 0 && strings.Trim(magnitude, "0.") != "" {
		return "−" + magnitude
	}
	return magnitude
}

// scale is a named multiple of a unit.
type scale struct {
	factor float64
	name   string
}

var (
	seconds = []scale{{1, "µs"}, {1e3, "ms"}, {1e6, "s"}}
	sizes   = []scale{{1, "B"}, {1e3, "kB"}, {1e6, "MB"}, {1e9, "GB"}, {1e12, "TB"}}
)

// scaled writes v in the first of the scales in which it stays below a thousand
// when it is rounded.
func scaled(v float64, digits int, scales []scale) string {
	at := scales[len(scales)-1]
	for _, s := range scales {
		if round(math.Abs(v)/s.factor, digits) < 1000 {
			at = s
			break
		}
	}
	return number(v/at.factor, digits) + " " + at.name
}

// duration writes a number of microseconds. Below half a nanosecond, which no
// clock tells, it is 0 s.
func duration(us float64, digits int) string {
	size := math.Abs(us)
	switch {
	case size < math.Pow10(-digits)/2:
		return "0 s"
	case round(size/1e6, digits) < 60:
		return scaled(us, digits, seconds)
	}
	return signed(us, long(size, digits))
}

// long writes a minute and more as hours, minutes and seconds: the two largest,
// and finer ones with more digits.
func long(us float64, digits int) string {
	const most = 9e15 // what a time.Duration surely holds
	d := time.Duration(min(us, most) * float64(time.Microsecond)).Round(fine(digits - precision))
	switch {
	case d >= time.Hour && digits == precision:
		d = d.Round(time.Minute)
	case d >= time.Hour:
		d = d.Round(fine(digits - precision - 1))
	}
	var parts []string
	if h := int64(d / time.Hour); h > 0 {
		parts = append(parts, Count(h)+" h")
	}
	if m := int64(d % time.Hour / time.Minute); m > 0 {
		parts = append(parts, Count(m)+" min")
	}
	if s := d % time.Minute; s > 0 {
		parts = append(parts, strconv.FormatFloat(s.Seconds(), 'f', -1, 64)+" s")
	}
	return strings.Join(parts, " ")
}

// fine is a second, divided by ten so many times.
func fine(times int) time.Duration {
	return max(time.Duration(float64(time.Second)*math.Pow10(-times)), time.Nanosecond)
}

func share(v float64, digits int) string {
	const mostDecimals = 6
	percent := v * 100
	if !finite(percent) {
		return None
	}
	first := digits - 2
	for decimals := first; decimals <= max(first, mostDecimals); decimals++ {
		text := strconv.FormatFloat(math.Abs(percent), 'f', decimals, 64)
		rounded, _ := strconv.ParseFloat(text, 64)
		if (rounded == 100) == (math.Abs(percent) == 100) && (rounded == 0) == (percent == 0) {
			return signed(v, group(trimZeros(text))) + " %"
		}
	}
	if percent < 50 {
		return "< 0.000001 %"
	}
	return "> 99.999999 %"
}

func cores(n string) string {
	if n == "1" {
		return n + " core"
	}
	return n + " cores"
}

func trimZeros(text string) string {
	if strings.Contains(text, ".") {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
