package demo

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func flowers(t *testing.T) []labelled {
	t.Helper()
	list, err := readFlowers(irisCSV)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// The summary that R prints of its iris: the data are Fisher's.
func TestFlowers(t *testing.T) {
	list := flowers(t)
	var count [len(species)]int
	var mean measures
	for _, f := range list {
		count[f.class]++
		for i, v := range f.measures {
			mean[i] += v / float64(len(list))
		}
	}
	if count != [...]int{50, 50, 50} {
		t.Errorf("flowers by species: %v, want 50 each", count)
	}
	for i, want := range []float64{5.843333, 3.057333, 3.758, 1.199333} {
		if math.Abs(mean[i]-want) > 1e-6 {
			t.Errorf("mean of length %d = %v, want %v", i, mean[i], want)
		}
	}
	// Where UCI's copy differs.
	if list[34].measures != (measures{4.9, 3.1, 1.5, 0.2}) || list[37].measures != (measures{4.9, 3.6, 1.4, 0.1}) {
		t.Errorf("flowers 35 and 38 are not Fisher's: %v %v", list[34], list[37])
	}
}

// The linear discriminant is known to get 147 of the 150 right, also when each
// flower is judged by a model that has not seen it.
func TestAccuracy(t *testing.T) {
	list := flowers(t)
	all, err := fit(list)
	if err != nil {
		t.Fatal(err)
	}
	seen, unseen := 0, 0
	for i, f := range list {
		others, err := fit(slices.Concat(list[:i], list[i+1:]))
		if err != nil {
			t.Fatal(err)
		}
		if all.predict(f.measures).best() == f.class {
			seen++
		}
		if others.predict(f.measures).best() == f.class {
			unseen++
		}
	}
	if seen != 147 || unseen != 147 {
		t.Errorf("right: %d of 150 fitted, %d of 150 left out; want 147 and 147", seen, unseen)
	}
}

// Probabilities stay probabilities for flowers that do not exist.
func TestPredictExtremes(t *testing.T) {
	m, err := fit(flowers(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []measures{{}, {5e-324, 5e-324, 5e-324, 5e-324}, {100, 100, 100, 100}, {100, 0.1, 100, 0.1}} {
		sum := 0.0
		for _, p := range m.predict(x) {
			if !(p >= 0 && p <= 1) {
				t.Errorf("%v: probability %v", x, p)
			}
			sum += p
		}
		if math.Abs(sum-1) > 1e-12 {
			t.Errorf("%v: probabilities add up to %v", x, sum)
		}
	}
}

func TestFitRefuses(t *testing.T) {
	list := flowers(t)
	for name, c := range map[string]struct {
		flowers []labelled
		want    string
	}{
		"nothing":          {nil, "fewer than two flowers of setosa"},
		"a species missed": {list[:100], "fewer than two flowers of virginica"},
		"no spread":        {slices.Repeat([]labelled{list[0], list[60], list[120]}, 5), "not independent"},
	} {
		if _, err := fit(c.flowers); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
		}
	}
}

func TestReadFlowersRefuses(t *testing.T) {
	const header = "sepal_length,sepal_width,petal_length,petal_width,species\n"
	for text, want := range map[string]string{
		header + "5.1,3.5,1.4,0.2,rosa\n":    `flower 1: unknown species "rosa"`,
		header + "5.1,3.5,1.4,wide,setosa\n": "flower 1: strconv.ParseFloat",
		header + "5.1,3.5\n":                 "wrong number of fields",
		"":                                   "no header",
		"a,b\n1,2\n":                         "2 columns instead of 5",
	} {
		if _, err := readFlowers(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
