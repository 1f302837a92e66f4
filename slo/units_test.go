package slo

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"450ms": 450 * time.Millisecond, "1us": time.Microsecond, "1µs": time.Microsecond, "1.5s": 1500 * time.Millisecond,
		"2m": 2 * time.Minute, "1h30m": 90 * time.Minute, "1d": 24 * time.Hour, "1m0.5s": 60500 * time.Millisecond,
		" 5 s ": 5 * time.Second, "0": 0, "0s": 0, "0.000001s": time.Microsecond,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("parseDuration(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", " ", "5", "s", "-5s", "+5s", "5S", "5sec", "5 ms s", "1s1m", "1s1s", "1e3s", "1_0s", "5.s", ".5s", "1..2s", "9999999999999d", "5ms,", "0x5s", "∞s", "5s 0"} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("parseDuration(%q) = %v, want an error", text, got)
		}
	}
}

func TestParseRate(t *testing.T) {
	for text, want := range map[string]float64{"200/s": 200, "600/m": 10, "3600/h": 1, "0.5/s": 0.5, "200 / s": 200, "0/s": 0} {
		if got, err := parseRate(text); err != nil || got != want {
			t.Errorf("parseRate(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "200", "/s", "200/", "200/d", "200/ms", "-1/s", "1e3/s", "200rps", "1/s/s", "NaN/s", "Inf/s"} {
		if got, err := parseRate(text); err == nil {
			t.Errorf("parseRate(%q) = %v, want an error", text, got)
		}
	}
}

func TestParseValue(t *testing.T) {
	for _, c := range []struct {
		unit Unit
		text string
		want float64
	}{
		{UnitDuration, "450ms", 450_000},
		{UnitDuration, "1us", 1},
		{UnitShare, "98%", 0.98},
		{UnitShare, "100 %", 1},
		{UnitShare, "0", 0},
		{UnitRate, "600/m", 10},
		{UnitCount, "100", 100},
		{UnitBytes, "1.5KB", 1500},
		{UnitBytes, "1GiB", 1 << 30},
		{UnitBytes, "10B", 10},
		{UnitScore, "0.9", 0.9},
		{UnitScore, "1", 1},
	} {
		if got, err := parseValue(c.unit, c.text); err != nil || got != c.want {
			t.Errorf("parseValue(%s, %q) = %v, %v, want %v", c.unit, c.text, got, err, c.want)
		}
	}
	for _, c := range []struct {
		unit Unit
		text string
	}{
		{UnitDuration, "450"},
		{UnitDuration, "5%"},
		{UnitShare, "0.98"},
		{UnitShare, "101%"},
		{UnitShare, "5s"},
		{UnitShare, "-1%"},
		{UnitRate, "30"},
		{UnitCount, "1.5"},
		{UnitCount, "5%"},
		{UnitCount, ""},
		{UnitBytes, "10"},
		{UnitBytes, "10kb"},
		{UnitScore, "1.1"},
		{UnitScore, "90%"},
	} {
		if got, err := parseValue(c.unit, c.text); err == nil {
			t.Errorf("parseValue(%s, %q) = %v, want an error", c.unit, c.text, got)
		}
	}
}

func TestWriteDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0us", 1500: "1.5us", 450 * time.Millisecond: "450ms", 1500 * time.Millisecond: "1500ms", 90 * time.Second: "90s", 2 * time.Hour: "2h", 48 * time.Hour: "2d",
	} {
		if got := writeDuration(d); got != want {
			t.Errorf("writeDuration(%d) = %q, want %q", d, got, want)
		}
	}
}

func FuzzUnits(f *testing.F) {
	for _, seed := range []string{"450ms", "1h30m", "200/s", "98%", "10KiB", "0..50", "50/s..500/s", "100ms..5s", "5xx", "200..204", "0.9"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := parseDuration(text); err == nil {
			if again, err := parseDuration(writeDuration(d)); err != nil || again != d {
				t.Errorf("%q is %d, written %q, read as %d, %v", text, d, writeDuration(d), again, err)
			}
		}
		for _, unit := range []Unit{UnitDuration, UnitShare, UnitRate, UnitCount, UnitBytes, UnitScore} {
			if v, err := parseValue(unit, text); err == nil && !(v >= 0) {
				t.Errorf("parseValue(%s, %q) = %v", unit, text, v)
			}
		}
		if r, err := parseStatus(text); err == nil && (r.From < 100 || r.From > r.To || r.To > 599) {
			t.Errorf("parseStatus(%q) = %v", text, r)
		}
		if p, err := parsePause(text); err == nil && (p.Min < 0 || p.Min > p.Max) {
			t.Errorf("parsePause(%q) = %v", text, p)
		}
		for _, scale := range []loadScale{rates, workerCounts} {
			if l, err := scale.ramp(text); err == nil && !(min(l.from, l.to) >= 0 && max(l.from, l.to) > 0 && max(l.from, l.to) <= scale.most) {
				t.Errorf("ramp %q of %s = %+v", text, scale.what, l)
			}
		}
	})
}

// What is written is read back.
func TestWriteValue(t *testing.T) {
	for text, value := range map[string]float64{
		"450ms": 450_000, "1.5s": 1_500_000, "2m": 120e6, "4.3us": 4.3, "99.9%": 0.999, "0.07%": 0.0007, "30/s": 30, "0.25/s": 0.25,
		"1200B": 1200, "100": 100, "0.85": 0.85,
	} {
		unit := map[byte]Unit{'s': UnitDuration, 'm': UnitDuration, '%': UnitShare, 'B': UnitBytes, '0': UnitCount, '5': UnitScore}[text[len(text)-1]]
		if strings.HasSuffix(text, "/s") {
			unit = UnitRate
		}
		written := WriteValue(unit, value)
		got, err := parseValue(unit, written)
		if err != nil || math.Abs(got-value) > 1e-9*value {
			t.Errorf("%v is written as %s and read as %v, %v", value, written, got, err)
		}
		if written != text && text != "1.5s" {
			t.Errorf("%v is written as %s, want %s", value, written, text)
		}
	}
}

func TestWriteTolerances(t *testing.T) {
	for _, text := range []string{"p95 <= baseline + 10% or + 5ms", "throughput >= baseline - 2.5%", "success_rate >= baseline - 0.5%", "p95 <= baseline + 20ms"} {
		o, err := ParseObjective(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := "baseline " + WriteTolerances(o.Indicator.Unit(), o.Relative); !strings.HasSuffix(text, got) {
			t.Errorf("%s is written as %s", text, got)
		}
	}
}
