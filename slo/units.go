package slo

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// durationUnits are the units of durations, with the number of nanoseconds.
var durationUnits = map[string]float64{
	"us": float64(time.Microsecond), "µs": float64(time.Microsecond),
	"ms": float64(time.Millisecond), "s": float64(time.Second), "m": float64(time.Minute),
	"h": float64(time.Hour), "d": 24 * float64(time.Hour),
}

// sizeUnits are the units of sizes, with the number of bytes.
var sizeUnits = map[string]float64{
	"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30,
}

// rateUnits are what a rate counts in, with the number of seconds.
var rateUnits = map[string]float64{"/s": 1, "/m": 60, "/h": 3600}

// maxNumber bounds every number of a file, so that it is exact as a float64.
const maxNumber = 1 << 53

// fault says why a text is not what it should be, before its place in the
// file is known.
type fault struct {
	code          Code
	msg, hint     string
	offset, width int // the part of the text, in characters; width 0: the whole
}

func (f *fault) Error() string { return f.msg }

// asFault gives the fault that every error of a text is.
func asFault(err error) *fault {
	if f, ok := err.(*fault); ok {
		return f
	}
	return &fault{code: CodeKind, msg: err.Error()}
}

// number splits a text into the decimal number that it begins with and the
// rest. Numbers have no sign, exponent or separators.
func number(s string) (value float64, rest string, ok bool) {
	end, dots := 0, 0
	for end < len(s) && (isDigit(s[end]) || s[end] == '.' && dots == 0 && end > 0) {
		// Two dots are a range, not a fraction.
		if s[end] == '.' {
			if end+1 == len(s) || !isDigit(s[end+1]) {
				break
			}
			dots++
		}
		end++
	}
	value, err := strconv.ParseFloat(s[:end], 64)
	return value, s[end:], err == nil && value < maxNumber
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

// parseDuration reads a duration such as 450ms or 1m30s. Its units fall from
// left to right.
func parseDuration(s string) (time.Duration, error) {
	rest, sum, last := strings.TrimSpace(s), 0.0, math.Inf(1)
	for first := true; first || rest != ""; first = false {
		n, after, ok := number(rest)
		if !ok {
			return 0, notA(CodeDuration, "duration", s, "450ms, 30s, 2m or 1h30m")
		}
		after = strings.TrimLeft(after, " ")
		unit := unitAt(after)
		scale, known := durationUnits[unit]
		switch {
		case unit == "" && n == 0 && first && after == "":
			return 0, nil
		case unit == "" && after == "":
			return 0, &fault{code: CodeDuration, msg: quote(s) + " has no unit", hint: fmt.Sprintf("for example %sms or %[1]ss; the units are us ms s m h d", strings.TrimSpace(s))}
		case !known || scale >= last:
			return 0, notA(CodeDuration, "duration", s, "450ms, 30s, 2m or 1h30m; the units are us ms s m h d")
		}
		sum, last, rest = sum+n*scale, scale, after[len(unit):]
	}
	if sum >= maxNumber {
		return 0, &fault{code: CodeDuration, msg: quote(s) + " is too long"}
	}
	return time.Duration(math.Round(sum)), nil
}

// unitAt gives the letters that a text begins with.
func unitAt(s string) string {
	for i, r := range s {
		if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == 'µ') {
			return s[:i]
		}
	}
	return s
}

// parseRate reads a rate such as 200/s or 600/m, and gives it per second.
func parseRate(s string) (float64, error) {
	n, rest, ok := number(strings.TrimSpace(s))
	rest = strings.ReplaceAll(rest, " ", "")
	switch seconds, known := rateUnits[rest]; {
	case ok && known:
		return n / seconds, nil
	case ok && rest == "":
		return 0, &fault{code: CodeRate, msg: quote(s) + " has no unit", hint: fmt.Sprintf("for example %s/s; the units are /s /m /h", strings.TrimSpace(s))}
	}
	return 0, notA(CodeRate, "rate", s, "200/s, 600/m or 1000/h")
}

// parseCount reads a whole number.
func parseCount(s string) (int64, error) {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n >= maxNumber || n <= -maxNumber {
		return 0, notA(CodeNumber, "whole number", s, "100")
	}
	return n, nil
}

// parseValue reads a bound in the scale of the unit.
func parseValue(unit Unit, s string) (float64, error) {
	s = strings.TrimSpace(s)
	n, rest, ok := number(s)
	if rest = strings.TrimSpace(rest); ok && rest == "" && n == 0 {
		return 0, nil // nothing is nothing in every unit
	}
	switch unit {
	case UnitDuration:
		d, err := parseDuration(s)
		return float64(d) / float64(time.Microsecond), asBound(err)
	case UnitRate:
		r, err := parseRate(s)
		return r, asBound(err)
	case UnitShare:
		return parseShare(s, n, rest, ok)
	case UnitBytes:
		if scale, known := sizeUnits[rest]; ok && known {
			return n * scale, nil
		}
		return 0, notA(CodeBound, "size", s, "10KB or 1MiB; the units are B KB MB GB KiB MiB GiB")
	case UnitSlope:
		return parseSlopeBound(s)
	case UnitScore:
		if ok && rest == "" && n <= 1 {
			return n, nil
		}
		return 0, notA(CodeBound, "score", s, "0.9; it lies between 0 and 1")
	case UnitNumber:
		if ok && rest == "" {
			return n, nil
		}
		return 0, notA(CodeBound, "number", s, "12.5, without a unit")
	case UnitUsage:
		if ok && rest == "%" {
			return n / 100, nil
		}
		return 0, notA(CodeBound, "usage", s, "90% of what is requested; more than 100% is possible")
	case UnitCores:
		if ok && rest == "" {
			return n, nil
		}
		return 0, notA(CodeBound, "number of cores", s, "0.8, without a unit")
	}
	if ok && rest == "" && n == math.Trunc(n) {
		return n, nil
	}
	if strings.HasSuffix(s, "%") {
		return 0, notA(CodeBound, "count", s, "100, without a unit; a share has error_rate, success_rate or status(5xx)")
	}
	return 0, notA(CodeBound, "count", s, "100, without a unit")
}

// parseSlopeBound reads a change of a duration with time, in microseconds a
// minute.
func parseSlopeBound(s string) (float64, error) {
	wrong := notA(CodeBound, "slope", s, "5ms/m, a change a minute, or 100ms/h")
	change, per, found := strings.Cut(s, "/")
	minutes := map[string]float64{"m": 1, "h": 60}[strings.TrimSpace(per)]
	if !found || minutes == 0 {
		return 0, wrong
	}
	d, err := parseDuration(change)
	if err != nil {
		return 0, wrong
	}
	return float64(d) / float64(time.Microsecond) / minutes, nil
}

func parseShare(s string, n float64, rest string, ok bool) (float64, error) {
	switch {
	case ok && rest == "%" && n <= 100:
		return n / 100, nil
	case ok && rest == "%":
		return 0, &fault{code: CodeBound, msg: quote(s) + " is more than the whole", hint: "a share lies between 0% and 100%"}
	case ok && rest == "" && n <= 1:
		return 0, &fault{code: CodeBound, msg: quote(s) + " has no unit", hint: "a share is written in percent: " + strconv.FormatFloat(n*100, 'f', -1, 64) + "%"}
	}
	return 0, notA(CodeBound, "share", s, "98%")
}

// asBound gives an error of a value in an objective the code of bounds.
func asBound(err error) error {
	if err == nil {
		return nil
	}
	f := *asFault(err)
	f.code = CodeBound
	return &f
}

func notA(code Code, what, text, example string) error {
	msg := quote(text) + " is not a " + what
	if strings.TrimSpace(text) == "" {
		msg = "a " + what + " is missing"
	}
	return &fault{code: code, msg: msg, hint: "a " + what + " is written as " + example}
}

// width counts the characters of a text, for the mark below it.
func width(s string) int { return utf8.RuneCountInString(s) }

// WriteValue gives a bound in the scale of the unit as an objective has it, such
// as 450ms or 98.5%. [ParseObjective] reads it back.
func WriteValue(unit Unit, v float64) string {
	switch unit {
	case UnitDuration:
		return writeDuration(time.Duration(math.Round(v * float64(time.Microsecond))))
	case UnitShare, UnitUsage:
		return decimal(v*100) + "%"
	case UnitRate:
		return decimal(v) + "/s"
	case UnitBytes:
		return decimal(v) + "B"
	}
	return decimal(v)
}

// decimal writes a number without what binary fractions add to it.
func decimal(v float64) string {
	const digits = 1e9
	return strconv.FormatFloat(math.Round(v*digits)/digits, 'f', -1, 64)
}

// WriteTolerances gives the tolerances of a relative objective as it has them,
// such as + 10% or + 5ms.
func WriteTolerances(unit Unit, all []Tolerance) string {
	texts := make([]string, len(all))
	for i, t := range all {
		sign := "+ "
		if t.Value < 0 {
			sign = "- "
		}
		value := WriteValue(unit, math.Abs(t.Value))
		if t.Percent {
			value = WriteValue(UnitShare, math.Abs(t.Value))
		}
		texts[i] = sign + value
	}
	return strings.Join(texts, " or ")
}
