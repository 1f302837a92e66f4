package report

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestHTMLGolden(t *testing.T) {
	for name, r := range sampleRuns() {
		t.Run(name, func(t *testing.T) {
			var b strings.Builder
			if err := HTML(&b, r); err != nil {
				t.Fatal(err)
			}
			// The style and the script are files of their own, next to this test.
			text := strings.Replace(b.String(), shell().style, "", 1)
			text = strings.Replace(text, shell().script, "", 1)
			text = strings.Replace(text, strings.NewReplacer("'", "&#39;", "+", "&#43;").Replace(shell().policy), "", 1)
			golden(t, filepath.Join("html", name+".html"), text)
		})
	}
}
