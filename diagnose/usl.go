package diagnose

import (
	"fmt"
	"math"

	"github.com/slogate/slogate/quantity"
)

const (
	// uslStages, uslSpan and uslResidual are from when on the Universal
	// Scalability Law may be fitted: fewer stages than five leave nothing to
	// check its three parameters with.
	uslStages   = 5
	uslSpan     = 8
	uslResidual = 0.10
)

// usl is the Universal Scalability Law (Gunther, Guerrilla Capacity Planning,
// 2007): X(N) = λN / (1 + σ(N−1) + κN(N−1)).
type usl struct {
	lambda   float64 // requests a second of one worker
	sigma    float64 // share of work that cannot be done beside other work
	kappa    float64 // what each pair of requests costs to agree
	residual float64 // root of the mean square of the relative differences
}

// usl fits the law to a series of closed stages: N/X = (1 + σ(N−1) + κN(N−1))/λ
// is linear in 1/λ, σ/λ and κ/λ. Each point weighs by its own X/N, so that the
// relative differences of the throughput are what is made small.
func (s series) usl() (usl, bool) {
	if len(s) < uslStages || s[0].open() || s[len(s)-1].load < uslSpan*s[0].load {
		return usl{}, false
	}
	one := s[0].throughput / s[0].load // makes the equations free of units
	var m [3][4]float64                // normal equations
	for _, l := range s {
		if l.throughput <= 0 {
			return usl{}, false
		}
		n, w := l.load, l.throughput/l.load/one
		x := [3]float64{w, w * (n - 1), w * n * (n - 1)}
		for i := range 3 {
			for j := range 3 {
				m[i][j] += x[i] * x[j]
			}
			m[i][3] += x[i] // times 1: N/X weighed by X/N
		}
	}
	b, ok := solve(m)
	u := usl{lambda: one / b[0], sigma: b[1] / b[0], kappa: b[2] / b[0]}
	if !ok || b[0] <= 0 || u.sigma < 0 || u.kappa < 0 {
		return usl{}, false
	}
	for _, l := range s {
		off := u.at(l.load)/l.throughput - 1
		u.residual += off * off / float64(len(s))
	}
	u.residual = math.Sqrt(u.residual)
	return u, u.residual <= uslResidual
}

// at is the throughput of so many workers.
func (u usl) at(n float64) float64 {
	return u.lambda * n / (1 + u.sigma*(n-1) + u.kappa*n*(n-1))
}

// text states the estimate.
func (u usl) text(stages int) string {
	text := fmt.Sprintf("an estimate by the Universal Scalability Law from %d stages (off by %s on average): σ = %s of the work waits for other work, κ = %.2g for each pair of requests",
		stages, quantity.Share(u.residual), quantity.Share(u.sigma), u.kappa)
	if u.kappa > 0 && u.sigma < 1 {
		peak := math.Sqrt((1 - u.sigma) / u.kappa)
		return text + fmt.Sprintf("; most throughput is about %s, at %s", quantity.Rate(u.at(peak)), plural(math.Max(1, math.Round(peak)), "worker"))
	}
	if u.sigma > 0 {
		return text + fmt.Sprintf("; no number of workers brings more than about %s", quantity.Rate(u.lambda/u.sigma))
	}
	return text
}

// solve solves three linear equations, by elimination with pivots. It reports
// false where they are not independent.
func solve(m [3][4]float64) (x [3]float64, ok bool) {
	for c := range 3 {
		best := c
		for r := c + 1; r < 3; r++ {
			if math.Abs(m[r][c]) > math.Abs(m[best][c]) {
				best = r
			}
		}
		m[c], m[best] = m[best], m[c]
		if math.Abs(m[c][c]) < 1e-12 {
			return x, false
		}
		for r := range 3 {
			if r == c {
				continue
			}
			f := m[r][c] / m[c][c]
			for k := c; k < 4; k++ {
				m[r][k] -= f * m[c][k]
			}
		}
	}
	for i := range 3 {
		x[i] = m[i][3] / m[i][i]
	}
	return x, true
}
