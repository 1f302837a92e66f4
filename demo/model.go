package demo

import (
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// irisCSV holds the 150 flowers that Edgar Anderson measured and R. A. Fisher
// published in "The use of multiple measurements in taxonomic problems",
// Annals of Eugenics 7 (1936). It is Fisher's table, which R ships too; the
// copy of the UCI repository differs from it in the 35th and the 38th flower.
//
//go:embed iris.csv
var irisCSV string

// species are the classes, in the order of the table.
var species = [...]string{"setosa", "versicolor", "virginica"}

// features is how many lengths describe a flower.
const features = 4

// measures are the lengths of one flower in centimetres: sepal length and
// width, petal length and width.
type measures [features]float64

// labelled is a flower whose species is known.
type labelled struct {
	measures
	class int // index into species
}

// probabilities holds one probability for each species; they add up to one.
type probabilities [len(species)]float64

// best is the index of the most probable species.
func (p probabilities) best() int {
	best := 0
	for k := range p {
		if p[k] > p[best] {
			best = k
		}
	}
	return best
}

// readFlowers reads the table in its CSV form, header first.
func readFlowers(text string) ([]labelled, error) {
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil {
		return nil, err
	}
	if len(rows) == 0 {
		return nil, errors.New("no header")
	}
	var flowers []labelled
	for n, row := range rows[1:] {
		f, err := readFlower(row)
		if err != nil {
			return nil, fmt.Errorf("flower %d: %w", n+1, err)
		}
		flowers = append(flowers, f)
	}
	return flowers, nil
}

func readFlower(row []string) (labelled, error) {
	if len(row) != features+1 {
		return labelled{}, fmt.Errorf("%d columns instead of %d", len(row), features+1)
	}
	f := labelled{class: -1}
	for i := range f.measures {
		v, err := strconv.ParseFloat(row[i], 64)
		if err != nil {
			return labelled{}, err
		}
		f.measures[i] = v
	}
	for k, name := range species {
		if row[features] == name {
			f.class = k
		}
	}
	if f.class < 0 {
		return labelled{}, fmt.Errorf("unknown species %q", row[features])
	}
	return f, nil
}

// model is Fisher's linear discriminant in its probabilistic form: each
// species is a normal distribution around its own mean, all with the same
// covariance. The log-probability of a species is then linear in the lengths,
// score = weight·x + bias, up to a term that all species share (Hastie,
// Tibshirani, Friedman, The Elements of Statistical Learning, section 4.3).
type model struct {
	weight [len(species)]measures
	bias   [len(species)]float64
}

// fit estimates means, the pooled covariance and the shares of the species.
// It fails when a species is missing or the lengths depend on each other.
func fit(flowers []labelled) (*model, error) {
	var count [len(species)]float64
	var mean [len(species)]measures
	for _, f := range flowers {
		count[f.class]++
		for i, v := range f.measures {
			mean[f.class][i] += v
		}
	}
	for k := range mean {
		if count[k] < 2 {
			return nil, fmt.Errorf("fit: fewer than two flowers of %s", species[k])
		}
		for i := range mean[k] {
			mean[k][i] /= count[k]
		}
	}
	covariance := pooled(flowers, mean)
	m := new(model)
	for k := range species {
		w, err := solve(covariance, mean[k])
		if err != nil {
			return nil, fmt.Errorf("fit: %w", err)
		}
		m.weight[k] = w
		m.bias[k] = math.Log(count[k]/float64(len(flowers))) - dot(w, mean[k])/2
	}
	return m, nil
}

// pooled returns the covariance within the species, unbiased.
func pooled(flowers []labelled, mean [len(species)]measures) [features]measures {
	var c [features]measures
	for _, f := range flowers {
		for i := range features {
			for j := range features {
				c[i][j] += (f.measures[i] - mean[f.class][i]) * (f.measures[j] - mean[f.class][j])
			}
		}
	}
	for i := range c {
		for j := range c[i] {
			c[i][j] /= float64(len(flowers) - len(species))
		}
	}
	return c
}

// solve returns x with a·x = b for a symmetric positive definite a, by
// elimination: such a matrix needs no pivoting.
func solve(a [features]measures, b measures) (measures, error) {
	for i := range a {
		if a[i][i] < 1e-9 {
			return measures{}, errors.New("the lengths are not independent")
		}
		for row := i + 1; row < features; row++ {
			factor := a[row][i] / a[i][i]
			for j := i; j < features; j++ {
				a[row][j] -= factor * a[i][j]
			}
			b[row] -= factor * b[i]
		}
	}
	var x measures
	for i := features - 1; i >= 0; i-- {
		x[i] = (b[i] - dot(a[i], x)) / a[i][i]
	}
	return x, nil
}

func dot(a, b measures) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// predict returns how probable each species is for a flower.
func (m *model) predict(x measures) probabilities {
	var p probabilities
	top := math.Inf(-1)
	for k := range p {
		p[k] = dot(m.weight[k], x) + m.bias[k]
		top = max(top, p[k])
	}
	// Relative to the highest score, so that no exponential overflows.
	sum := 0.0
	for k := range p {
		p[k] = math.Exp(p[k] - top)
		sum += p[k]
	}
	for k := range p {
		p[k] /= sum
	}
	return p
}
