package action

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// step is an action in a temporary workspace, with what it wrote.
type step struct {
	*Action
	dir string
	log bytes.Buffer
}

// newStep starts in GitHub Actions with the command files set; env overrides.
func newStep(t testing.TB, env map[string]string) *step {
	t.Helper()
	s := &step{dir: t.TempDir()}
	all := map[string]string{
		"GITHUB_ACTIONS":      "true",
		"GITHUB_WORKSPACE":    s.dir,
		"GITHUB_OUTPUT":       filepath.Join(s.dir, "output"),
		"GITHUB_STEP_SUMMARY": filepath.Join(s.dir, "summary"),
	}
	maps.Copy(all, env)
	s.Action = New(func(name string) string { return all[name] }, &s.log)
	return s
}

func (s *step) file(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// seen is a command as the runner understands it.
type seen struct {
	Name, Properties, Message string
}

// commands reads a log as the runner does, in both of its forms: it ends lines
// at \r and \n, trims their beginning, and finds what invisible characters hide.
// https://github.com/actions/runner/blob/v2.329.0/src/Runner.Common/ActionCommand.cs
func commands(log string) []seen {
	unescape := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%3A", ":", "%2C", ",", "%25", "%")
	var all []seen
	for _, line := range strings.FieldsFunc(log, func(r rune) bool { return r == '\n' || r == '\r' }) {
		visible := strings.Map(func(r rune) rune {
			if unicode.IsSpace(r) || unicode.IsPrint(r) && !unicode.Is(unicode.M, r) && !unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) {
				return r
			}
			return -1
		}, line)
		if rest, ok := strings.CutPrefix(strings.TrimSpace(visible), "::"); ok {
			if head, message, ok := strings.Cut(rest, "::"); ok {
				name, properties, _ := strings.Cut(head, " ")
				all = append(all, seen{name, unescape.Replace(properties), unescape.Replace(message)})
				continue
			}
		}
		if _, rest, ok := strings.Cut(visible, "##["); ok && strings.Contains(rest, "]") {
			all = append(all, seen{Name: rest})
		}
	}
	return all
}

func TestOutsideOfActionsNothingIsWritten(t *testing.T) {
	s := newStep(t, map[string]string{"GITHUB_ACTIONS": ""})
	if Detect(s.getenv) {
		t.Error("detected GitHub Actions without GITHUB_ACTIONS")
	}
	errs := []error{
		s.Mask("hunter2"),
		s.Error(errors.New("no")),
		s.Annotate("slo.yaml", judgement(), against),
		s.SetOutputs(run(), Files{}),
		s.WriteSummary([]byte("# no")),
	}
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if s.log.Len() > 0 {
		t.Errorf("wrote %q", s.log.String())
	}
	if left, _ := os.ReadDir(s.dir); len(left) > 0 {
		t.Errorf("wrote %v", left)
	}
	if got := s.Source(); got.Commit != "" || got.Branch != "" || got.RunURL != "" {
		t.Errorf("source = %+v, want none", got)
	}
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestBrokenLogIsAnError(t *testing.T) {
	a := New(func(name string) string { return map[string]string{"GITHUB_ACTIONS": "true"}[name] }, broken{})
	for what, err := range map[string]error{
		"mask":     a.Mask("hunter2"),
		"annotate": a.Annotate("slo.yaml", judgement(), against),
		"error":    a.Error(errors.New("x")),
	} {
		if err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%s: error = %v, want that of the log", what, err)
		}
	}
	if _, err := a.LogWriter(broken{}).Write([]byte("x\n")); err == nil {
		t.Error("a log writer hides the error of what it writes to")
	}
}

func TestMask(t *testing.T) {
	s := newStep(t, nil)
	if err := s.Mask("pa ss\"w%rd", "", " \n", "first line\nsecond line\r\n", "pa ss\"w%rd"); err != nil {
		t.Fatal(err)
	}
	want := []seen{
		{Name: "add-mask", Message: `pa ss"w%rd`},
		{Name: "add-mask", Message: `pa+ss%22w%25rd`},
		{Name: "add-mask", Message: `pa%20ss%22w%25rd`},
		{Name: "add-mask", Message: `pa ss\"w%rd`},
		{Name: "add-mask", Message: `cGEgc3MidyVyZA==`},
		{Name: "add-mask", Message: `cGEgc3MidyVyZA`},
		{Name: "add-mask", Message: `first line`},
		{Name: "add-mask", Message: `second line`},
		{Name: "add-mask", Message: `first+line%0Asecond+line%0D%0A`},
		{Name: "add-mask", Message: `first%20line%0Asecond%20line%0D%0A`},
		{Name: "add-mask", Message: `first line\nsecond line\r\n`},
		{Name: "add-mask", Message: `Zmlyc3QgbGluZQpzZWNvbmQgbGluZQ0K`},
	}
	if diff := cmp.Diff(want, commands(s.log.String())); diff != "" {
		t.Errorf("masks (-want +got):\n%s", diff)
	}
}
