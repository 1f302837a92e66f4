package kube

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// quantity is a number as the API writes it: 250m, 1.5, 64Mi, 12e3. What is none
// counts as 0: not known.
type quantity float64

// suffixes are those of Kubernetes' quantities.
var suffixes = map[string]float64{
	"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "E": 1e18,
	"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40, "Pi": 1 << 50, "Ei": 1 << 60,
}

// UnmarshalJSON reads a text or a number.
func (q *quantity) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) != nil {
		s = string(text)
	}
	*q = parseQuantity(s)
	return nil
}

func parseQuantity(s string) quantity {
	digits := strings.TrimRight(s, "numkMGTPEi")
	scale, known := suffixes[s[len(digits):]]
	v, err := strconv.ParseFloat(digits, 64)
	if !known || err != nil || math.IsNaN(v) || v < 0 || v*scale > math.MaxInt64 {
		return 0
	}
	return quantity(v * scale)
}

// milli is a thousand times the number, to a nanocore.
func (q quantity) milli() float64 { return math.Round(1e9*float64(q)) / 1e6 }
