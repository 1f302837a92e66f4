//go:build linux

package faults

import (
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
)

func processFaults() []fault {
	return []fault{
		{
			group: "process", name: "is asked to end (SIGTERM) in a stage",
			inject: func(t *testing.T, b *bed) ending {
				loaded := make(chan struct{}, 1)
				s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					select {
					case loaded <- struct{}{}:
					default:
					}
				}))
				defer s.Close()
				p := b.load(t, steady(s.URL, "100/s", "10m"))
				<-loaded
				p.signal(t, syscall.SIGTERM)
				return p.wait(t)
			},
			want: outcome{130, "inconclusive", allFiles},
			says: []string{"cancelled"},
		},
	}
}
