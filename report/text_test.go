package report

import (
	"strings"
	"testing"
)

func TestVisible(t *testing.T) {
	for in, want := range map[string]string{
		"GET /health":        "GET /health",
		"Zürich 東京 ✅":        "Zürich 東京 ✅",
		"a\nb\tc\r":          `a\nb\tc\r`,
		"\x1b[31mred":        `\x1b[31mred`,
		"\u202eevil\u200b":   `\u202eevil\u200b`,
		"\xff":               "\uFFFD",
		"::error::x":         `\x3a:error::x`,
		"a ::set-env x":      `a \x3a:set-env x`,
		"a\n::error::x":      `a\n\x3a:error::x`,
		"##[error]x":         `##\x5berror]x`,
		"[::1]:8000 std::io": "[::1]:8000 std::io",
		"\U000e0001":         `\U000e0001`,
	} {
		if got := visible(in); got != want {
			t.Errorf("visible(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestMarkdownText(t *testing.T) {
	for in, want := range map[string]string{
		"success_rate":           "success_rate",
		"_a_ *b* ~c~":            `\_a\_ \*b\* \~c\~`,
		"<b>&amp;":               "&lt;b&gt;&amp;amp;",
		"a|b":                    `a\|b`,
		`a\|b`:                   `a\\\|b`,
		"`x`":                    "\\`x\\`",
		"ask @octocat, see #12":  "ask @&#8203;octocat, see #&#8203;12",
		"GH-7":                   "GH-&#8203;7",
		"https://x.example":      "https:&#8203;//x.example",
		"www.example.com":        "www&#8203;.example.com",
		"[x](y) ![z](w)":         `\[x\](y) !\[z\](w)`,
		"- item":                 `\- item`,
		"12. item":               `12\. item`,
		"# head":                 `\#&#8203; head`,
		"    code":               "code",
		"$x$":                    "&#36;x&#36;",
		"p95 450 ms; 1.5 of 2.5": `p95 450 ms; 1.5 of 2.5`,
	} {
		if got := markdown(in); got != want {
			t.Errorf("markdown(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestCodeSpan(t *testing.T) {
	for in, want := range map[string]string{
		"p95 <= 450ms": "`p95 <= 450ms`",
		"a|b":          "`a\\|b`",
		`a\|b`:         "`a\\\\\\|b`",
		"a`b":          "``a`b``",
		"`a``":         "``` `a`` ```",
		"":             "",
		" ":            "",
	} {
		if got := codeSpan(in); got != want {
			t.Errorf("codeSpan(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestFence(t *testing.T) {
	for in, want := range map[string]string{
		"x":            "```text\nx\n```",
		"a\n```\nb":    "````text\na\n```\nb\n````",
		"a\n::error::": "```text\na\n\\x3a:error::\n```",
	} {
		if got := (Text{raw: in}).Fence(); got != want {
			t.Errorf("Fence of %q = %q, want %q", in, got, want)
		}
	}
}

func TestShorten(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{
		{"abc", 3, "abc"},
		{"abcd", 3, "abc…"},
		{"aäb", 2, "a…"},
		{"\xbf\xbf\xbf", 2, "…"},
	} {
		if got := shorten(c.in, c.limit); got != c.want {
			t.Errorf("shorten(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestMermaidLabel(t *testing.T) {
	for in, want := range map[string]string{
		"stairs/50":              `"stairs/50"`,
		`a"] bar [1`:             `"a__ bar _1"`,
		"%%{init}%%":             `"___init___"`,
		"#quot;`x`":              `"_quot__x_"`,
		"":                       `"_"`,
		strings.Repeat(" ", 3):   `"_"`,
		"a\nb<script>":           `"a_b_script_"`,
		"größer 1.5 + 2 - drei_": `"größer 1.5 + 2 - drei_"`,
	} {
		if got := mermaidLabel(in); got != want {
			t.Errorf("mermaidLabel(%q) = %q, want %q", in, got, want)
		}
	}
}
