package loader

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slogate/slogate/result"
)

func TestMeasures(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		var n atomic.Int64
		url := serve(t, func(w http.ResponseWriter, r *http.Request) {
			i := n.Add(1)
			switch i % 10 {
			case 0: // of the second step
				fmt.Fprint(w, `{"items": []}`)
				return
			case 5: // of the first
				fmt.Fprint(w, `{"price": -1, "items": []}`)
				return
			}
			fmt.Fprintf(w, `{"price": %d.5, "items": [%s]}`, i%10, strings.Repeat("1,", int(i%10)-1)+"1")
		})
		l := newLoader(t, parse(t, url, `
  - name: a
    steps:
      - {name: list, request: GET /, on_fail: continue, measure: {price: $.price, items: $.items.length}}
      - {name: other, request: GET /, on_fail: continue, measure: {items: $.items}}`), Options{Engine: engine})
		s := l.Run(t.Context(), counted(100, 1))
		coherent(t, s)
		if want := (result.Counters{Success: 90, FailedCheck: 10}); s.Counters != want {
			t.Fatalf("%+v %+v", s.Counters, s.Failures)
		}
		if got, want := s.Failures[0].Detail, "measure price: $.price found -1, which is not between 0 and 3600000"; got != want {
			t.Errorf("detail is %q, want %q", got, want)
		}
		price, items := s.Measures["price"], s.Measures["items"]
		if price.Total() != 40 || items.Total() != 90 || s.Steps[1].Measures["items"].Total() != 50 {
			t.Errorf("%d prices, %d numbers of items, %d of the other step", price.Total(), items.Total(), s.Steps[1].Measures["items"].Total())
		}
		if highest, _ := price.Max(); highest != result.Equivalent(9500*time.Microsecond) {
			t.Errorf("the highest price is %v", highest)
		}
		if lowest, _ := items.Min(); lowest != 0 {
			t.Errorf("the lowest number of items is %v", lowest)
		}
	})
}
