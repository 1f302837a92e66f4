package loader

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"math/rand/v2"
	"net/url"
	"sort"
	"strconv"
	"time"

	"github.com/slogate/slogate/slo"
)

// user is one virtual user. It belongs to one goroutine at a time, so nothing
// in it is locked.
type user struct {
	number    int
	iteration int64
	seed      uint64
	pcg       rand.PCG
	rand      *rand.Rand
	now       func() time.Time
	shard     *shard
	session   *session // nil: nothing is carried along
	rows      rowNumbers
	tokens    *tokens   // of the latest request that needs one
	signature string    // of the latest request that was signed
	measured  []float64 // of the latest answer, in the order of its step's measures
	lacks     string    // a value that the request being written needs and nobody made
}

func newUser(number int, seed uint64, sh *shard) *user {
	u := &user{number: number, seed: seed, now: time.Now, shard: sh}
	u.rand = rand.New(&u.pcg)
	return u
}

// begin starts an iteration and draws its scenario. Everything random in it
// follows from the seed and its number alone: the load is the same whichever
// user happens to be free.
func (u *user) begin(p *plan, iteration int64) *scenario {
	u.iteration = iteration
	u.pcg.Seed(u.seed, mix(uint64(iteration)))
	sc := &p.scenarios[p.choose(u.rand)]
	if u.session != nil {
		u.session.begin(sc)
		u.takeRow(sc, iteration)
	}
	return sc
}

// beginWith starts an iteration of a given scenario.
func (u *user) beginWith(sc *scenario) {
	u.pcg.Seed(u.seed, mix(0))
	if u.session != nil {
		u.session.begin(sc)
		u.takeRow(sc, 0)
	}
}

func (p *plan) choose(r *rand.Rand) int {
	if len(p.weights) == 1 {
		return 0
	}
	n := r.IntN(p.weights[len(p.weights)-1])
	return sort.SearchInts(p.weights, n+1)
}

// scenarioOf is the scenario that an iteration draws, for arrivals that no
// user came to.
func (p *plan) scenarioOf(seed uint64, iteration int64) *scenario {
	var pcg rand.PCG
	pcg.Seed(seed, mix(uint64(iteration)))
	return &p.scenarios[p.choose(rand.New(&pcg))]
}

// firstStep is the scenario's first request. New rejects scenarios without one.
func (s *scenario) firstStep() *step {
	for _, e := range s.steps {
		if e.step != nil {
			return e.step
		}
	}
	return nil
}

// mix spreads neighbouring numbers over all 64 bits: splitmix64, by Sebastiano
// Vigna. Generators seeded with neighbours would begin alike.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// pause draws a pause.
func (u *user) pause(p slo.Pause) time.Duration {
	mean, deviation := float64(p.Mean), float64(p.StdDev)
	var drawn float64
	switch {
	case p.Max <= p.Min:
		return p.Min
	case p.Distribution == slo.Exponential:
		drawn = mean * u.rand.ExpFloat64()
	case p.Distribution == slo.Normal:
		drawn = mean + deviation*u.rand.NormFloat64()
	case p.Distribution == slo.LogNormal:
		// With s² = ln(1 + σ²/μ²), exp(ln μ − s²/2 + s·z) has the mean μ and the
		// standard deviation σ for a standard normal z.
		square := math.Log1p(deviation * deviation / (mean * mean))
		drawn = mean * math.Exp(math.Sqrt(square)*u.rand.NormFloat64()-square/2)
	default:
		return p.Min + time.Duration(u.rand.Int64N(int64(p.Max-p.Min)+1))
	}
	return time.Duration(min(max(drawn, float64(p.Min)), float64(p.Max)))
}

// text puts this user's values into a template.
func (u *user) text(t slo.Template) string { return string(u.append(nil, t)) }

// append appends a template with this user's values to dst.
func (u *user) append(dst []byte, t slo.Template) []byte {
	for _, p := range t {
		if p.Value == slo.NoValue {
			dst = append(dst, p.Literal...)
		} else {
			dst = u.appendValue(dst, p)
		}
	}
	return dst
}

func (u *user) appendValue(dst []byte, p slo.Part) []byte {
	switch p.Value {
	case slo.UUID:
		return u.appendUUID(dst)
	case slo.Now:
		return append(dst, escape(p.Escape, u.now().UTC().Format("2006-01-02T15:04:05.000Z07:00"))...)
	case slo.Worker:
		return strconv.AppendInt(dst, int64(u.number), 10)
	case slo.Iteration:
		return strconv.AppendInt(dst, u.iteration, 10)
	case slo.RandomInt:
		return u.appendInt(dst, p.Args)
	case slo.RandomString:
		return u.appendString(dst, p.Args)
	case slo.RandomOf:
		if len(p.Args) > 0 {
			return append(dst, escape(p.Escape, p.Args[u.rand.IntN(len(p.Args))])...)
		}
	case slo.Token:
		return append(dst, u.tokens.get(p.Number)...)
	case slo.Base64:
		return base64.StdEncoding.AppendEncode(dst, u.append(nil, p.Of))
	case slo.Captured, slo.Row:
		return u.appendContent(dst, p)
	}
	return dst
}

func (u *user) appendUUID(dst []byte) []byte {
	const digits = "0123456789abcdef"
	hi, lo := u.rand.Uint64(), u.rand.Uint64()
	hi = hi&^0xf000 | 0x4000 // version 4
	lo = lo&^(3<<62) | 2<<62 // variant of RFC 9562
	for n := range 32 {
		if n == 8 || n == 12 || n == 16 || n == 20 {
			dst = append(dst, '-')
		}
		word := hi
		if n >= 16 {
			word = lo
		}
		dst = append(dst, digits[word>>(60-4*(n%16))&15])
	}
	return dst
}

func (u *user) appendInt(dst []byte, args []string) []byte {
	if len(args) != 2 {
		return dst
	}
	low, _ := strconv.ParseInt(args[0], 10, 64)
	high, _ := strconv.ParseInt(args[1], 10, 64)
	n := u.rand.Uint64()
	// The span of the whole int64 range does not fit into an uint64.
	if span := uint64(high-low) + 1; span != 0 && high >= low {
		n = u.rand.Uint64N(span)
	}
	return strconv.AppendInt(dst, low+int64(n), 10)
}

func (u *user) appendString(dst []byte, args []string) []byte {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	if len(args) != 1 {
		return dst
	}
	n, _ := strconv.Atoi(args[0])
	for range n {
		dst = append(dst, letters[u.rand.IntN(len(letters))])
	}
	return dst
}

// escape writes a value for its place. Numbers, letters and identifiers are
// the same everywhere.
func escape(e slo.Escape, s string) string {
	switch e {
	case slo.EscapeJSON:
		quoted, _ := json.Marshal(s)
		return string(quoted[1 : len(quoted)-1])
	case slo.EscapeForm:
		return url.QueryEscape(s)
	case slo.EscapePath:
		return url.PathEscape(s)
	}
	return s
}
