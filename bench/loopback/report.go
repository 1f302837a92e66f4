//go:build linux

package loopback

import (
	"fmt"
	"os"
	"runtime"
	"strings"

	"gonum.org/v1/gonum/stat/distuv"
)

// Limits are the 95 % interval of a share (Clopper and Pearson 1934).
func Limits(k, n int) (lower, upper float64) {
	upper = 1
	if k > 0 {
		lower = distuv.Beta{Alpha: float64(k), Beta: float64(n - k + 1)}.Quantile(0.025)
	}
	if k < n {
		upper = distuv.Beta{Alpha: float64(k + 1), Beta: float64(n - k)}.Quantile(0.975)
	}
	return lower, upper
}

// Share writes a number of runs as a part with its interval.
func Share(k, n int) string {
	if n == 0 {
		return "–"
	}
	lower, upper := Limits(k, n)
	return fmt.Sprintf("%.1f %% (%d of %d; %.1f to %.1f)", 100*float64(k)/float64(n), k, n, 100*lower, 100*upper)
}

// CPUModel is the machine's name of its processor.
func CPUModel() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	for line := range strings.Lines(string(text)) {
		if name, model, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return runtime.GOARCH
}
