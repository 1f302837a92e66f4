package loader

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/slogate/slogate/slo"
)

// market is the service of testdata/shop. It takes orders with a token of the
// customer who ordered, of products that are in stock, in a run that is open.
type market struct {
	t         *testing.T
	passwords map[string]string
	open      atomic.Bool
	logins    atomic.Int64
	orders    atomic.Int64

	mu      sync.Mutex
	tokens  map[string]string // customer by token
	owners  map[string]string // customer by order
	amounts map[string]int    // ordered by customer
}

func newMarket(t *testing.T) (*market, string) {
	m := &market{
		t: t, tokens: map[string]string{}, owners: map[string]string{}, amounts: map[string]int{},
		passwords: map[string]string{"anna": "p&ss=1", "berta": "p,ss 2", "clara": `p"ss`, "dora": "pässword"},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /runs", func(w http.ResponseWriter, r *http.Request) { m.open.Store(true); fmt.Fprint(w, `{"id": "run 1/2"}`) })
	mux.HandleFunc("DELETE /runs/{id}", func(w http.ResponseWriter, r *http.Request) { m.open.Store(r.PathValue("id") != "run 1/2") })
	mux.HandleFunc("POST /login", m.login)
	mux.HandleFunc("GET /products", m.products)
	mux.HandleFunc("GET /products/{id}", m.product)
	mux.HandleFunc("POST /orders", m.order)
	mux.HandleFunc("GET /orders/{id}", m.confirm)
	return m, serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/runs" && r.Header.Get("X-Run") != "run 1/2" || r.Header.Get("Accept") != "application/json" {
			http.Error(w, "no run", http.StatusConflict)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

func (m *market) login(w http.ResponseWriter, r *http.Request) {
	user := r.FormValue("user")
	if m.passwords[user] == "" || r.FormValue("password") != m.passwords[user] {
		http.Error(w, "wrong password", http.StatusUnauthorized)
		return
	}
	token := fmt.Sprint("token-", m.logins.Add(1))
	m.mu.Lock()
	m.tokens[token] = user
	m.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: "token", Value: token, Path: "/", HttpOnly: true})
	fmt.Fprintf(w, `{"token": %q, "customer": {"name": %q}}`, token, user)
}

func (m *market) products(w http.ResponseWriter, r *http.Request) {
	first := len(r.FormValue("category")) * 100
	w.Header().Set("ETag", fmt.Sprintf(`"v%d"`, first))
	fmt.Fprintf(w, `{"items": [{"id": %d, "stock": 0}, {"id": %d, "stock": 5}, {"id": %d, "stock": 9}]}`, first, first+1, first+2)
}

func (m *market) product(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.Atoi(r.PathValue("id"))
	if err != nil || id%100 != 1 {
		http.Error(w, "not in stock", http.StatusNotFound)
		return
	}
	if r.Header.Get("If-None-Match") == fmt.Sprintf(`"v%d"`, id-1) {
		w.WriteHeader(http.StatusNotModified)
	}
}

// customer is who a request's token belongs to, and its cookie too.
func (m *market) customer(r *http.Request) string {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if c, err := r.Cookie("token"); err != nil || c.Value != token {
		return ""
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.tokens[token]
}

func (m *market) order(w http.ResponseWriter, r *http.Request) {
	var o struct {
		Product, Amount int
		Customer        struct{ Name string }
	}
	if err := json.NewDecoder(r.Body).Decode(&o); err != nil || m.customer(r) == "" || o.Customer.Name != m.customer(r) || o.Product%100 != 1 {
		m.t.Errorf("order %+v of %q: %v", o, m.customer(r), err)
		w.WriteHeader(http.StatusForbidden)
		return
	}
	id := fmt.Sprint("o/", m.orders.Add(1))
	m.mu.Lock()
	m.owners[id] = o.Customer.Name
	m.amounts[o.Customer.Name] += o.Amount
	m.mu.Unlock()
	w.WriteHeader(http.StatusCreated)
	fmt.Fprintf(w, `{"id": %q, "product": %d, "amount": %d, "customer": {"name": %q}}`, id, o.Product, o.Amount, o.Customer.Name)
}

func (m *market) confirm(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("id")
	m.mu.Lock()
	owner := m.owners[id]
	m.mu.Unlock()
	if owner == "" || owner != m.customer(r) {
		http.NotFound(w, r)
		return
	}
	fmt.Fprintf(w, `{"id": %q}`, id)
}

// The example of the documentation, from its first step to its last.
func TestLoginBrowseOrder(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine string) {
		m, url := newMarket(t)
		src, err := os.ReadFile("testdata/shop/slo.yaml")
		if err != nil {
			t.Fatal(err)
		}
		file, err := slo.Parse(src, slo.Options{Path: "testdata/shop/slo.yaml", Target: url})
		if err != nil {
			t.Fatal(err)
		}
		l := newLoader(t, file, Options{Engine: engine, Seed: 1})
		if err := l.Before(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, stage := range file.Stages {
			s := l.Run(t.Context(), stage)
			coherent(t, s)
			if c := s.Counters; c.Success+c.Unsent == 0 || c.Errors() > 0 { // a stalled machine leaves some unsent
				t.Errorf("%s: %+v %+v", stage.Name, c, s.Failures)
			}
		}
		if warnings := l.After(t.Context()); len(warnings) > 0 || m.open.Load() {
			t.Errorf("after: %q, open %v", warnings, m.open.Load())
		}
		if n := m.logins.Load(); n < 4 || n > 60 {
			t.Errorf("%d logins", n)
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		if m.orders.Load() < 50 || len(m.amounts) < 2 {
			t.Errorf("%d orders, amounts %v", m.orders.Load(), m.amounts)
		}
	})
}
