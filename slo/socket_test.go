package slo

import (
	"net"
	"os"
	"path/filepath"
	"testing"
)

// A file reaches the sockets of its workspace, a flag any.
func TestSocketsStayInWorkspace(t *testing.T) {
	outside, workspace := t.TempDir(), t.TempDir()
	t.Chdir(workspace)
	if l, err := net.Listen("unix", "app.sock"); err == nil {
		defer l.Close()
	}
	if err := os.WriteFile(filepath.Join(outside, "docker.sock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(outside, "docker.sock"), "out.sock"); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	for target, want := range map[string]string{
		"unix:app.sock": "unix:app.sock", "unix://app.sock": "unix:app.sock", "unix:later/app.sock": "unix:later/app.sock",
		"unix:/var/run/docker.sock": "", "unix:///var/run/docker.sock": "", "unix:../docker.sock": "", "unix:out.sock": "", "unix:": "",
	} {
		file, err := Parse([]byte("version: 1\ntarget: '"+target+"'\n"+oneGet+oneStage), Options{Path: "slo.yaml"})
		if list, refused := err.(ErrorList); want == "" && (!refused || !hasCode(list, CodeTarget)) {
			t.Errorf("%s: error is %v", target, err)
		} else if want != "" && (err != nil || file.Target != want) {
			t.Errorf("%s: %v", target, err)
		}
	}
	file, err := Parse([]byte(head+oneGet+oneStage), Options{Path: "slo.yaml", Target: "unix:///run/app.sock"})
	if err != nil || file.Target != "unix:/run/app.sock" {
		t.Errorf("the option: %v", err)
	}
	// Limits on hosts hold for a socket, too: it is none of them.
	limited := "limits: {hosts: [localhost]}\n"
	if _, err := Parse([]byte("version: 1\ntarget: unix:app.sock\n"+limited+oneGet+oneStage), Options{Path: "slo.yaml"}); err == nil {
		t.Error("a socket is taken where the limits name hosts")
	}
}
