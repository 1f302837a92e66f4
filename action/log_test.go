package action

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestLogWriter(t *testing.T) {
	for name, tt := range map[string]struct{ in, want string }{
		"plain":               {"p95 450 ms\n", "p95 450 ms\n"},
		"two colons inside":   {"std::vector is fine\n", "std::vector is fine\n"},
		"command":             {"::error::boo\n", ": :error::boo\n"},
		"indented command":    {"  \t::error::boo\n", "  \t: :error::boo\n"},
		"no-break space":      {"\u00a0::error::boo\n", "\u00a0: :error::boo\n"},
		"old form":            {"x ##[set-env name=A;]b ##[group]\n", "x ## [set-env name=A;]b ## [group]\n"},
		"both forms":          {":: ##[group]\n", ": : ## [group]\n"},
		"three colons":        {":::error::\n", ": ::error::\n"},
		"carriage return":     {"ok\r::error::boo\n", "ok\n: :error::boo\n"},
		"windows line ends":   {"a\r\nb\r\n", "a\nb\n"},
		"escape code":         {"\x1b[31m::error::boo\x1b[0m\n", "[31m::error::boo[0m\n"},
		"hidden by a mark":    {"\u0301::error::boo\n", ": :error::boo\n"},
		"soft hyphen":         {"\u00ad:\u00ad:error::boo\n", ": :error::boo\n"},
		"zero-width joiner":   {"#\u200d#\ufeff[group]x\n", "## [group]x\n"},
		"grapheme joiner":     {"#\u034f#[group]x\n", "## [group]x\n"},
		"broken UTF-8":        {"a\xff\xfeb\n", "a\ufffdb\n"},
		"no end of line":      {"last", "last\n"},
		"empty line":          {"a\n\nb\n", "a\n\nb\n"},
		"nothing":             {"", ""},
		"combining character": {"cafe\u0301\n", "cafe\u0301\n"},
		"beyond the limit":    {strings.Repeat("x", longestLine) + "::error::boo\n", strings.Repeat("x", longestLine) + "\n: :error::boo\n"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, throughLog(t, tt.in, len(tt.in)+1)); diff != "" {
				t.Errorf("in one write (-want +got):\n%s", diff)
			}
			if name == "windows line ends" || name == "beyond the limit" {
				return // a cut between \r and \n leaves an empty line; the other only takes long
			}
			if diff := cmp.Diff(tt.want, throughLog(t, tt.in, 1)); diff != "" {
				t.Errorf("byte by byte (-want +got):\n%s", diff)
			}
		})
	}
}

// throughLog writes text in parts of at most n bytes.
func throughLog(t testing.TB, text string, n int) string {
	t.Helper()
	var out bytes.Buffer
	l := New(func(string) string { return "" }, nil).LogWriter(&out)
	for len(text) > 0 {
		part := text[:min(n, len(text))]
		text = text[len(part):]
		if got, err := l.Write([]byte(part)); got != len(part) || err != nil {
			t.Fatalf("write = %d, %v; want %d", got, err, len(part))
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLogWriterKeepsLinesOfGoroutinesWhole(t *testing.T) {
	var out bytes.Buffer
	l := New(func(string) string { return "" }, nil).LogWriter(&out)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				l.Write([]byte("one whole line\n"))
			}
		})
	}
	wg.Wait()
	if want := strings.Repeat("one whole line\n", 400); out.String() != want {
		t.Error("lines were mixed")
	}
}

// FuzzCommandEscape puts any text into everything that reaches a log: it
// remains one command with that text, or none.
func FuzzCommandEscape(f *testing.F) {
	for _, seed := range []string{
		"plain", "a,b:c%d", "x\n::set-output name=a::b", "x\r::error::", "::error file=a::b", "%0A::add-mask::x",
		"##[group]", "\u00ad::stop", "\x1b[2J", "\xff", strings.Repeat("ä", 5000), ",line=7,title=x::y", "%250A",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got := commands(throughLog(t, text, 7)); len(got) > 0 {
			t.Fatalf("log output made the commands %q", got)
		}
		var out bytes.Buffer
		a := New(func(name string) string { return map[string]string{"GITHUB_ACTIONS": "true"}[name] }, &out)
		note := annotation{level: "error", file: "slo.yaml", line: 3, title: text, message: text}
		if err := a.annotate([]annotation{note}); err != nil {
			t.Fatal(err)
		}
		log := out.String()
		if strings.Count(log, "\n") != 1 || strings.Contains(log, "\r") || !utf8.ValidString(log) {
			t.Fatalf("annotation is not one line of text: %q", log)
		}
		properties, message, ok := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(log, "::error "), "\n"), "::")
		if !ok || strings.Count(properties, ",") != 2 || strings.Count(properties, "=") < 3 {
			t.Fatalf("properties of %q", log)
		}
		unescaped := strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(message)
		if want := cut(clean(text), longestMessage); unescaped != want || len(unescaped) > longestMessage {
			t.Fatalf("message = %q, want %q", unescaped, want)
		}
		if got := commands(unescaped); len(got) > 0 {
			t.Fatalf("a viewer that unfolds the message sees the commands %q", got)
		}
	})
}

// FuzzOutputs puts any text into an output: the runner reads that one and no
// other, as it was.
func FuzzOutputs(f *testing.F) {
	for _, s := range []string{"", "a", "x\nother=y", "x\nslogate_A\nother<<E\ny\nE\n", "<<", "\r\n", "\x00\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		want := map[string]string{"summary": value, "passed": "true"}
		got := readOutputs(t, block("summary", value)+block("passed", "true"))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", value, diff)
		}
	})
}

// FuzzMaskedForms masks any value: each command is one line that the runner
// takes for a mask, and every line of the value is one of them.
func FuzzMaskedForms(f *testing.F) {
	for _, s := range []string{"s3cret", "a\nb\r\n c ", "%0A::error::x", "::stop-commands::x", " ", "\xff\x00", "ä\"<"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		var out bytes.Buffer
		a := New(func(name string) string { return map[string]string{"GITHUB_ACTIONS": "true"}[name] }, &out)
		if err := a.Mask(value); err != nil {
			t.Fatal(err)
		}
		masks := map[string]bool{}
		for line := range strings.Lines(out.String()) {
			text, isMask := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "::add-mask::")
			if !isMask || strings.ContainsAny(text, "\r\n") {
				t.Fatalf("%q makes the command %q", value, line)
			}
			text = strings.NewReplacer("%0D", "\r", "%0A", "\n", "%25", "%").Replace(text)
			if strings.TrimSpace(text) == "" {
				t.Fatalf("%q masks %q", value, text)
			}
			masks[text] = true
		}
		for line := range strings.SplitSeq(strings.ReplaceAll(value, "\r", "\n"), "\n") {
			if line = strings.TrimSpace(line); line != "" && !masks[line] {
				t.Errorf("%q of %q is not masked", line, value)
			}
		}
	})
}

// FuzzInputs gives any text to every input: what is refused is told in lines
// that cannot be commands, without the token.
func FuzzInputs(f *testing.F) {
	for _, s := range []string{"", "slo.yaml", "\x1b[31m", "a,b\nc", "1/3", "true", "::error::x", "99999999999999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, value string) {
		const secret = "ghs_0123456789"
		a := New(func(name string) string {
			if name == "INPUT_GITHUB-TOKEN" {
				return secret
			}
			return value
		}, io.Discard)
		in, err := a.Inputs()
		if err == nil {
			return
		}
		text := err.Error()
		if got := commands(text); len(got) > 0 || strings.Contains(text, secret) || strings.ContainsFunc(text, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) || len(text) > 200*len(inputs) {
			t.Errorf("%q: %q", value, text)
		}
		if in.Token != secret {
			t.Errorf("the token is %q", in.Token)
		}
	})
}
