package gate

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/slogate/slogate/slo"
)

// digits is how many significant ones a value is written with; the measurement
// itself has three.
const digits = 3

// distinct writes a value and a bound with as many digits as it takes to tell
// them apart, so that no sentence says "450 ms, over 450 ms".
func distinct(unit slo.Unit, value, bound float64) (string, string) {
	v, b := format(unit, value, digits), format(unit, bound, digits)
	for n := digits + 1; n <= 15 && v == b && value != bound; n++ {
		v, b = format(unit, value, n), format(unit, bound, n)
	}
	return v, b
}

// format writes a value of a unit with n significant digits.
func format(unit slo.Unit, v float64, n int) string {
	switch unit {
	case slo.UnitDuration:
		return scaled(v, n, durations)
	case slo.UnitShare, slo.UnitUsage:
		return significant(v*100, n) + " %"
	case slo.UnitRate:
		return significant(v, n) + "/s"
	case slo.UnitCount:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case slo.UnitBytes:
		return scaled(v, n, sizes)
	case slo.UnitSlope:
		return scaled(v, n, durations) + "/min"
	case slo.UnitCores:
		return significant(v, n) + " cores"
	}
	return significant(v, n)
}

func lasting(d time.Duration) string { return format(slo.UnitDuration, micros(d), digits) }

func share(v float64) string { return format(slo.UnitShare, v, digits) }

// scale is a named multiple of a unit.
type scale struct {
	factor float64
	name   string
}

var (
	durations = []scale{{1, "µs"}, {1e3, "ms"}, {1e6, "s"}, {60e6, "min"}}
	sizes     = []scale{{1, "B"}, {1e3, "KB"}, {1e6, "MB"}, {1e9, "GB"}, {1e12, "TB"}}
)

func scaled(v float64, n int, scales []scale) string {
	at := scales[0]
	for _, s := range scales {
		if math.Abs(v) >= s.factor {
			at = s
		}
	}
	return significant(v/at.factor, n) + " " + at.name
}

// significant writes a number with n significant digits, without an exponent
// and without zeros at the end.
func significant(v float64, n int) string {
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	decimals := max(0, n-1-int(math.Floor(math.Log10(math.Abs(v)))))
	s := strconv.FormatFloat(v, 'f', decimals, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
