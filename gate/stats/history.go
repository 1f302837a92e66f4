package stats

import "math"

const (
	// priorWeight is how many degrees of freedom the prior spread counts for:
	// few, so that seven runs of the service's own outweigh it.
	priorWeight = 4
	// falseAlarm is the chance that an unchanged run lies beyond the limit.
	falseAlarm = 0.01
)

// Prediction is where a new run is expected, from the values of earlier ones.
type Prediction struct {
	Centre float64 // median of the history
	Spread float64 // standard deviation between runs, shrunk towards the prior
	Scale  float64 // of a new run's distance from the centre: Spread·√(1+1/k)
	DF     float64 // degrees of freedom of Scale
	Limit  float64 // a distance that one unchanged run in 100 exceeds on one side
}

// Predict expects the next value of a history of k ≥ 1 values, whose standard
// deviation between runs is thought to be prior:
//
//	s² = (4·prior² + (k−1)·sd²)/(k+3),  limit = t⁻¹(0.99, k+3)·s·√(1+1/k)
func Predict(history []float64, prior float64) Prediction {
	k := float64(len(history))
	sd := Deviation(history)
	df := priorWeight + k - 1
	s := math.Sqrt((priorWeight*prior*prior + (k-1)*sd*sd) / df)
	scale := s * math.Sqrt(1+1/k)
	return Prediction{
		Centre: Median(history),
		Spread: s,
		Scale:  scale,
		DF:     df,
		Limit:  StudentQuantile(1-falseAlarm, df) * scale,
	}
}

// FalseAlarm is how often a new unchanged run lies further than distance above
// the centre: the error rate of judging by a tolerance alone.
func (p Prediction) FalseAlarm(distance float64) float64 {
	if p.Scale == 0 {
		return 0
	}
	return studentAbove(distance/p.Scale, p.DF)
}

// Detectable is the distance above the centre that four of five runs notice:
// they must lie beyond the tolerance and beyond the limit.
func (p Prediction) Detectable(tolerance float64) float64 {
	return max(tolerance, p.Limit) + StudentQuantile(power, p.DF)*p.Scale
}
