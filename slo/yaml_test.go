package slo

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What a map says itself wins over what it merges, and the first of several
// merged maps over the others; the order is that of the file.
func TestMerge(t *testing.T) {
	file := parseText(t, head+oneStage+`
x-a: &a {timeout: 1s, headers: {x-from: a}}
x-b: &b {timeout: 2s, accept: [200]}
x-body: &body {one: 1, two: 2}
scenarios:
  - name: merged
    steps:
      - {request: GET /own, timeout: 3s, <<: *a}
      - {<<: [*a, *b], request: GET /several}
      - &all {request: POST /body, json: {zero: 0, <<: *body, two: 3}}
      - *all
`)
	type seen struct {
		Timeout time.Duration
		Headers int
		Accept  int
		Body    string
	}
	var got []seen
	for _, s := range file.Scenarios[0].Steps {
		body, _ := s.Request.Body.Static()
		got = append(got, seen{s.Request.Timeout, len(s.Request.Headers), s.Request.Accept[0].To, body})
	}
	body := seen{10 * time.Second, 1, 399, `{"zero":0,"one":1,"two":3}`}
	want := []seen{{3 * time.Second, 1, 399, ""}, {time.Second, 1, 200, ""}, body, body}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
