package main

import (
	"context"
	"flag"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite expected output of the scripts")

// TestMain makes the real command line callable as "slogate" in the scripts,
// and a small service as "testservice". More scripts run at once than there are
// cores: they wait more than they compute.
func TestMain(m *testing.M) {
	flag.Set("test.parallel", "8")
	testscript.Main(m, map[string]func(){"slogate": main, "testservice": testService})
}

// TestScript runs testdata/script. Each script has a small service of its own:
// $TARGET answers every request with 200 and JSON, $TARGET/status/503 with that
// status, $TARGET/slow after a second; $SLOW is the same service with every
// answer 400 ms later; nothing listens on $DEAD. Both are far slower than a busy
// machine makes the others. "calm" is the exec for runs whose verdict matters.
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds:                map[string]func(*testscript.TestScript, bool, []string){"calm": calm},
		Setup: func(env *testscript.Env) error {
			target, err := serve(env, 0)
			if err != nil {
				return err
			}
			slow, err := serve(env, 400*time.Millisecond)
			if err != nil {
				return err
			}
			env.Setenv("TARGET", target)
			env.Setenv("SLOW", slow)
			env.Setenv("DEAD", "http://"+deadAddress)
			return nil
		},
	})
}

func serve(env *testscript.Env, takes time.Duration) (string, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(takes)
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"species":"setosa","path":"` + r.URL.Path + `"}`))
	})
	mux.HandleFunc("/status/503", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "busy", http.StatusServiceUnavailable) })
	mux.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(time.Second):
		case <-r.Context().Done():
		}
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	env.Defer(func() { server.Shutdown(context.Background()) })
	return "http://" + listener.Addr().String(), nil
}

// deadAddress is a loopback address that nothing listens on: of no port that the
// system gives to whoever asks for any, as other tests do.
const deadAddress = "127.0.0.1:1019"
