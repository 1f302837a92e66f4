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
			page := strings.Replace(b.String(), pageStyle, "", 1)
			page = strings.Replace(page, pageScript, "", 1)
			page = strings.Replace(page, strings.NewReplacer("'", "&#39;", "+", "&#43;").Replace(pagePolicy), "", 1)
			golden(t, filepath.Join("html", name+".html"), page)
		})
	}
}
