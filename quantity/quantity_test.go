package quantity

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// plain has spaces where digits are grouped, so that a table can be read.
func plain(text string) string { return strings.ReplaceAll(text, string(Narrow), " ") }

func TestDuration(t *testing.T) {
	for _, c := range []struct {
		d    time.Duration
		want string
	}{
		{0, "0 s"},
		{1, "0.001 µs"},
		{38 * time.Microsecond, "38 µs"},
		{999 * time.Microsecond, "999 µs"},
		{999_400 * time.Nanosecond, "999 µs"},
		{999_900 * time.Nanosecond, "1 ms"},
		{1234 * time.Microsecond, "1.23 ms"},
		{45_670 * time.Microsecond, "45.7 ms"},
		{450 * time.Millisecond, "450 ms"},
		{999_400 * time.Microsecond, "999 ms"},
		{999_999_500 * time.Nanosecond, "1 s"},
		{1200 * time.Millisecond, "1.2 s"},
		{59_940 * time.Millisecond, "59.9 s"},
		{59_960 * time.Millisecond, "1 min"},
		{90 * time.Second, "1 min 30 s"},
		{125 * time.Second, "2 min 5 s"},
		{59*time.Minute + 59_400*time.Millisecond, "59 min 59 s"},
		{59*time.Minute + 59_900*time.Millisecond, "1 h"},
		{time.Hour + 20*time.Second, "1 h"},
		{125 * time.Minute, "2 h 5 min"},
		{119*time.Minute + 40*time.Second, "2 h"},
		{1200 * time.Hour, "1 200 h"},
		{-450 * time.Millisecond, "−450 ms"},
		{-90 * time.Second, "−1 min 30 s"},
		{math.MaxInt64, "2 500 000 h"},
		{math.MinInt64, "−2 500 000 h"},
	} {
		if got := plain(Duration(c.d)); got != c.want {
			t.Errorf("Duration(%d) = %q, want %q", c.d, got, c.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		v    float64
		want string
	}{
		{0, "0"},
		{math.Copysign(0, -1), "0"},
		{0.0005, "0.0005"},
		{0.000451, "0.000451"},
		{-0.00001, "−0.00001"},
		{1.0 / 3600, "0.000278"},
		{1.23456e-9, "0.00000000123"},
		{-1e-13, "0"},
		{0.012345, "0.0123"},
		{9.996, "10"},
		{99.96, "100"},
		{999.4, "999"},
		{999.9, "1 000"},
		{-1234.5, "−1 234"},
		{1e21, "1 000 000 000 000 000 000 000"},
		{math.NaN(), None},
		{math.Inf(-1), None},
	} {
		if got := plain(Number(c.v)); got != c.want {
			t.Errorf("Number(%v) = %q, want %q", c.v, got, c.want)
		}
	}
}

func TestCount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0", 999: "999", 1000: "1 000", 1234567: "1 234 567", -123456: "−123 456",
		math.MinInt64: "−9 223 372 036 854 775 808",
	} {
		if got := plain(Count(n)); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
}

func TestOf(t *testing.T) {
	for _, c := range []struct {
		unit string
		v    float64
		want string
	}{
		{"duration", 0, "0 s"},
		{"duration", 0.0004, "0 s"},
		{"duration", 38, "38 µs"},
		{"duration", 450_000, "450 ms"},
		{"duration", 999_999, "1 s"},
		{"duration", 90e6, "1 min 30 s"},
		{"duration", 1e300, "2 500 000 h"},
		{"duration", math.Inf(1), None},
		{"slope", 12_340, "12.3 ms/min"},
		{"slope", -12_340, "−12.3 ms/min"},
		{"slope", -0.0001, "0 s/min"},
		{"slope", math.NaN(), None},
		{"share", 0.982, "98.2 %"},
		{"share", 1, "100 %"},
		{"share", 0, "0 %"},
		{"share", 0.9996, "99.96 %"},
		{"share", 0.0004, "0.04 %"},
		{"share", 0.999999, "99.9999 %"},
		{"share", 0.000001, "0.0001 %"},
		{"share", 1 - 1e-12, "> 99.999999 %"},
		{"share", 1e-12, "< 0.000001 %"},
		{"share", 1e308, None},
		{"usage", 1.2345, "123.4 %"},
		{"usage", 12.3456, "1 234.6 %"},
		{"usage", -0.5, "−50 %"},
		{"rate", 38, "38/s"},
		{"rate", 0.25, "0.25/s"},
		{"rate", 1.0 / 3600, "0.000278/s"},
		{"rate", 12345, "12 345/s"},
		{"rate", math.Inf(1), None},
		{"count", 1234567, "1 234 567"},
		{"count", 3, "3"},
		{"bytes", 0, "0 B"},
		{"bytes", 999, "999 B"},
		{"bytes", 999.7, "1 kB"},
		{"bytes", 12_345, "12.3 kB"},
		{"bytes", 999_600, "1 MB"},
		{"bytes", 5e15, "5 000 TB"},
		{"bytes", -1500, "−1.5 kB"},
		{"cores", 1, "1 core"},
		{"cores", 2.5, "2.5 cores"},
		{"score", 0.945, "0.945"},
		{"score", math.NaN(), None},
		{"", 0.0001, "0.0001"},
	} {
		if got := plain(Of(c.unit, c.v)); got != c.want {
			t.Errorf("Of(%q, %v) = %q, want %q", c.unit, c.v, got, c.want)
		}
	}
}

func TestDistinct(t *testing.T) {
	for _, c := range []struct {
		unit         string
		a, b         float64
		wantA, wantB string
	}{
		{"duration", 460e3, 450e3, "460 ms", "450 ms"},
		{"duration", 450e3, 450e3, "450 ms", "450 ms"},
		{"duration", 450_200, 450_000, "450.2 ms", "450 ms"},
		{"duration", 450_000.001, 450_000, "450.000001 ms", "450 ms"},
		{"duration", 999_960, 1e6, "999.96 ms", "1 s"},
		{"duration", 59.96e6, 60e6, "59.96 s", "1 min"},
		{"duration", 90.4e6, 90e6, "1 min 30.4 s", "1 min 30 s"},
		{"duration", 90.04e6, 90e6, "1 min 30.04 s", "1 min 30 s"},
		{"duration", 3620e6, 3600e6, "1 h 20 s", "1 h"},
		{"duration", 3600.3e6, 3600e6, "1 h 0.3 s", "1 h"},
		{"duration", 0.0001, 0, "0.0001 µs", "0 s"},
		{"slope", 12_341, 12_340, "12.341 ms/min", "12.34 ms/min"},
		{"share", 0.9804, 0.98, "98.04 %", "98 %"},
		{"share", 0.98000001, 0.98, "98.000001 %", "98 %"},
		{"rate", 12345.2, 12345, "12 345.2/s", "12 345/s"},
		{"count", 3, 2, "3", "2"},
		{"bytes", 1_000_001, 1e6, "1.000001 MB", "1 MB"},
		{"bytes", 999_999, 1e6, "999.999 kB", "1 MB"},
		{"cores", 1.0001, 1, "1.0001 cores", "1 core"},
		{"score", 0.0001, 0, "0.0001", "0"},
		{"score", math.NaN(), 0, None, "0"},
	} {
		a, b := Distinct(c.unit, c.a, c.b)
		if plain(a) != c.wantA || plain(b) != c.wantB {
			t.Errorf("Distinct(%q, %v, %v) = %q, %q, want %q, %q", c.unit, c.a, c.b, a, b, c.wantA, c.wantB)
		}
	}
}

func TestChange(t *testing.T) {
	for _, c := range []struct {
		v      float64
		points bool
		want   string
	}{
		{0, false, "±0 %"},
		{0.12, false, "+12 %"},
		{0.1142, false, "+11.4 %"},
		{-0.0449, false, "−4.5 %"},
		{0.0999, false, "+10 %"},
		{1.294, false, "+129 %"},
		{1.2946, false, "+129 %"},
		{0.01449, true, "+1.4 points"},
		{123.4, false, "+12 340 %"},
		{0.0001, false, "+0.01 %"},
		{-1e-12, false, "±0 %"},
		{1.0 / 300_000, false, "+0.0003 %"},
		{-1e-9, false, "−0.0000001 %"},
		{0.00000499, true, "+0.0005 points"},
		{1.0 / 300_000, true, "+0.0003 points"},
		{math.NaN(), false, None},
		{math.Inf(1), true, None},
		{-0.014, true, "−1.4 points"},
		{0.00041, true, "+0.04 points"},
		{0, true, "±0 points"},
	} {
		if got := plain(Change(c.v, c.points)); got != c.want {
			t.Errorf("Change(%v, %t) = %q, want %q", c.v, c.points, got, c.want)
		}
	}
}

func TestPoints(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0 points", 0.014: "1.4 points", 0.109: "10.9 points", 0.0001: "0.01 points", -0.02: "−2 points", 1.0 / 300_000: "0.0003 points",
		-1.0 / 300_000: "−0.0003 points", 1e-17: "0 points", math.Inf(1): None,
	} {
		if got := Points(v); got != want {
			t.Errorf("Points(%v) = %q, want %q", v, got, want)
		}
	}
}

// A value that is rounded up is written in the next unit: nothing reads 1000 ms,
// 60 s or 60 min.
func TestRoundedIntoTheNextUnit(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, unit := range []string{"duration", "slope", "bytes"} {
		for range 5_000 {
			v := math.Pow(10, 12*random.Float64())
			if random.IntN(2) == 0 { // close to a border
				v = []float64{1e3, 1e6, 60e6, 3600e6, 1e9}[random.IntN(5)] * (1 - math.Pow(10, -8*random.Float64()))
			}
			near, _ := Distinct(unit, v, v*(1+1e-7))
			for _, text := range []string{Of(unit, v), near} {
				for _, wrong := range []string{"1 000 µ", "1 000 m", "1 000 k", "1 000 M", "1 000 s", "60 s", "60 min"} {
					if strings.HasPrefix(plain(text), wrong) || strings.Contains(plain(text), " "+wrong) {
						t.Fatalf("%q, %v: %q", unit, v, text)
					}
				}
			}
		}
	}
}
