package gate

import (
	"cmp"
	"math"
	"time"

	"github.com/slogate/slogate/result"
	"github.com/slogate/slogate/slo"
)

// met reports whether a value meets the objective's bound.
func met(o slo.Objective, value float64) bool {
	return meets(o.Cmp, orderOf(o.Indicator, value, o.Bound))
}

// meets reports whether a comparison holds for a value's order to its bound.
func meets(c slo.Cmp, at int) bool {
	switch c {
	case slo.LE:
		return at <= 0
	case slo.LT:
		return at < 0
	case slo.GE:
		return at >= 0
	case slo.GT:
		return at > 0
	case slo.EQ:
		return at == 0
	}
	return false
}

// orderOf compares a value of an indicator with a bound. A cost is a time, and a
// metric a number, that lies in no histogram.
func orderOf(ind slo.Indicator, value, bound float64) int {
	if isCost(ind) || ind.Kind == slo.Metric {
		return orderExactly(value, bound)
	}
	return order(ind.Unit(), value, bound)
}

// order compares a value with a bound. Times and measured numbers that share an HDR bucket are
// equal, because a histogram cannot tell them apart. Other values are equal
// within what the division by 100 or by a duration may have rounded off, which
// is far less than one request in any run.
func order(unit slo.Unit, value, bound float64) int {
	switch unit {
	case slo.UnitDuration:
		return cmp.Compare(bucket(value), bucket(bound))
	case slo.UnitNumber:
		return cmp.Compare(bucket(value*measuredScale), bucket(bound*measuredScale))
	}
	return orderExactly(value, bound)
}

func orderExactly(value, bound float64) int {
	const rounding = 1e-12
	if math.Abs(value-bound) <= rounding*max(math.Abs(value), math.Abs(bound)) {
		return 0
	}
	return cmp.Compare(value, bound)
}

// bucket is the highest time that shares a bucket with so many microseconds.
func bucket(us float64) time.Duration {
	return result.Equivalent(timeOf(us))
}

// timeOf turns microseconds into a time, at most the highest that is recorded.
func timeOf(us float64) time.Duration {
	us = min(us, micros(result.HighestValue))
	return time.Duration(math.Round(us * float64(time.Microsecond)))
}

// upward reports whether the objective is missed by values that are too high.
func upward(c slo.Cmp) bool { return c == slo.LE || c == slo.LT }

// surelyMissed reports whether the whole interval misses the bound.
func (iv interval) surelyMissed(o slo.Objective) bool {
	switch {
	case o.Cmp == slo.EQ:
		return !iv.near(o)
	case upward(o.Cmp):
		return !met(o, iv.lower)
	default:
		return !iv.open && !met(o, iv.upper)
	}
}

// surelyMet reports whether the whole interval meets the objective.
func (iv interval) surelyMet(o slo.Objective) bool {
	return !iv.open && met(o, iv.lower) && met(o, iv.upper) ||
		iv.open && !upward(o.Cmp) && met(o, iv.lower)
}

// near reports whether the bound lies within the interval.
func (iv interval) near(o slo.Objective) bool {
	return orderOf(o.Indicator, iv.lower, o.Bound) <= 0 && (iv.open || orderOf(o.Indicator, iv.upper, o.Bound) >= 0)
}
