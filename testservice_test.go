package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// testService is a service as a repository holds one, under the name
// testservice: the file behaviour in its folder says what this revision does.
//
//	delay 20ms      every answer takes that long
//	die 3           it ends at once, with that exit status
//	die-after 50    it ends with its 50th request
//	login           it answers those alone who have logged in since it started
//	compute 3       every answer takes so many million steps of a computation
//	compute-more 3  and as many of another one
//
// It serves CPU profiles at /debug/pprof/profile.
//
// It notes that it was started in the folder $STARTED.
func testService() {
	note := func(what string) {
		if dir := os.Getenv("STARTED"); dir != "" {
			os.WriteFile(filepath.Join(dir, fmt.Sprintf("%s-%d", what, os.Getpid())), nil, 0o644)
		}
	}
	note("started")
	behaviour, err := os.ReadFile("behaviour")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	what, value, _ := strings.Cut(strings.TrimSpace(string(behaviour)), " ")
	number, _ := strconv.Atoi(value)
	delay, _ := time.ParseDuration(value)
	if what == "die" {
		fmt.Println("no database ::error::x")
		os.Exit(number)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("listening, token", os.Getenv("TOKEN"))
	var asked atomic.Int64
	var computed atomic.Uint64
	http.Serve(listener, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/ready" {
			note("ready")
			return
		}
		if r.URL.Path == "/debug/pprof/profile" {
			pprof.Profile(w, r)
			return
		}
		switch what {
		case "compute":
			computed.Add(compute(number * 1_000_000))
		case "compute-more":
			computed.Add(compute(number*1_000_000) + computeMore(number*1_000_000))
		}
		if what == "login" && !loggedIn(w, r) {
			return
		}
		if what == "die-after" && asked.Add(1) == int64(number) {
			fmt.Println("out of memory")
			os.Exit(5)
		}
		time.Sleep(delay)
	}))
}

// loggedIn gives a token to whoever asks for one, and reports whether a request
// has it, twice.
func loggedIn(w http.ResponseWriter, r *http.Request) bool {
	token := strconv.Itoa(os.Getpid())
	if r.URL.Path == "/login" {
		fmt.Fprintf(w, `{"token": %q}`, token)
		return false
	}
	if r.Header.Get("Authorization") != "Bearer "+token || r.Header.Get("X-User") != token {
		w.WriteHeader(http.StatusUnauthorized)
		return false
	}
	return true
}

// compute keeps a core busy for so many steps.
//
//go:noinline
func compute(steps int) uint64 {
	x := uint64(steps) | 1
	for range steps {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
	}
	return x
}

// computeMore is the hot function that a change has added.
//
//go:noinline
func computeMore(steps int) uint64 {
	x := uint64(steps) | 1
	for range steps {
		x ^= x >> 12
		x ^= x << 25
		x ^= x >> 27
	}
	return x * 0x2545f4914f6cdd1d
}
