package diagnose

import (
	"math"
	"strconv"

	"github.com/slogate/slogate/quantity"
)

// change is how b differs from a, in percent with its sign.
func change(a, b float64) string {
	if a == 0 {
		return "from 0"
	}
	return quantity.Change(b/a-1, false)
}

func factor(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) + " times" }

func milli(v float64) string { return strconv.FormatFloat(math.Round(v), 'f', 0, 64) + "m" }

func plural(n float64, noun string) string {
	text := quantity.Number(n) + " " + noun
	if n != 1 {
		text += "s"
	}
	return text
}
