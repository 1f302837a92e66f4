//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// script is what a user does, for the generators that have a scenario; the
// others load one address.
type script struct {
	scenarios string // of the SLO file
	k6        string // the body of k6's function; rows is the file below
	rows      string // rows.csv
	requests  int    // of an iteration
	answers   string // nginx's locations
}

// journey logs in, looks around, orders and reads the order: a row of a file,
// JSON and form bodies, values of answers in later paths, headers, bodies and
// checks.
var journey = &script{
	requests: 4,
	rows:     users(1000),
	scenarios: `
  - name: order
    data: {file: rows.csv, order: random}
    steps:
      - name: login
        request: POST /login
        form: {user: "${row.user}", password: "${row.password}"}
        checks: [status == 200]
        capture: {token: $.token}
      - name: browse
        request: GET /items?category=${row.category}
        headers: {authorization: "Bearer ${token}"}
        checks: ['json.items[0].price > 0']
        capture: {item: '$.items[0].id'}
      - name: order
        request: POST /orders
        headers: {authorization: "Bearer ${token}"}
        json: {item: "${item}", quantity: 2}
        checks: [status == 201]
        capture: {order: $.id}
      - name: read
        request: GET /orders/${order}
        headers: {authorization: "Bearer ${token}"}
        checks: [json.id == order]
`,
	k6: `
  const row = rows[Math.floor(Math.random() * rows.length)].split(",");
  let answer = http.post(target + "login", {user: row[0], password: row[1]});
  check(answer, {login: (r) => r.status === 200});
  const headers = {authorization: "Bearer " + answer.json("token")};
  answer = http.get(target + "items?category=" + row[2], {headers, tags: {name: "browse"}});
  const items = answer.json("items");
  check(answer, {browse: () => items[0].price > 0});
  answer = http.post(target + "orders", JSON.stringify({item: items[0].id, quantity: 2}),
    {headers: Object.assign({"content-type": "application/json"}, headers)});
  check(answer, {order: (r) => r.status === 201});
  const order = answer.json("id");
  answer = http.get(target + "orders/" + order, {headers, tags: {name: "read"}});
  check(answer, {read: (r) => r.json("id") === order});
`,
	answers: `
    location = /login { add_header Set-Cookie "session=$request_id"; return 200 '{"token":"$request_id","expires_in":3600}'; }
    location = /items { return 200 '{"items":[{"id":"$request_id","name":"iris","price":12.5},{"id":"8f14e45f","name":"rose","price":8}],"total":2}'; }
    location = /orders { return 201 '{"id":"$request_id","state":"new"}'; }
    location ~ ^/orders/([0-9a-f]+)$ { return 200 '{"id":"$1","state":"new","quantity":2}'; }
`,
}

// users are rows of a file.
func users(n int) string {
	var b strings.Builder
	b.WriteString("user,password,category\n")
	for i := range n {
		fmt.Fprintf(&b, "user%d,secret%d,%s\n", i, i, []string{"flowers", "trees", "grass"}[i%3])
	}
	return b.String()
}

// carried measures what the journey's requests cost a generator, or as many
// plain ones at the same rate.
func carried(ctx context.Context, b *bench, tool string) (sample, error) {
	l := load{url: b.url, rate: 2000, connections: 64, script: journey}
	name, plain := strings.CutSuffix(tool, ", plain")
	if plain {
		l.script = nil
	}
	s, err := cost(func(*bench) load { return l })(ctx, b, name)
	if err == nil && s["rate"] < 0.98*float64(l.rate) {
		err = errors.New("it did not keep the rate")
	}
	return s, err
}
