//go:build linux

package faults

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
)

func targetFaults() []fault {
	return []fault{
		{
			group: "target", name: "answers 503 after a while",
			inject: func(t *testing.T, b *bed) ending {
				var seen atomic.Int64
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if seen.Add(1) > 100 {
						w.WriteHeader(http.StatusServiceUnavailable)
					}
				}))
				defer s.Close()
				return b.run(t, steady(s.URL, "100/s", "3s"))
			},
			want: outcome{1, "fail", allFiles},
			says: []string{"503"},
		},
	}
}

// steady is an SLO file of one stage at a constant rate.
func steady(target, rate, duration string) string {
	return fmt.Sprintf(`version: 1
target: %s
http: {timeout: 1s}
scenarios:
  - request: GET /
stages:
  - {name: steady, rate: %s, duration: %s}
objectives:
  - success_rate >= 99%%
`, target, rate, duration)
}
