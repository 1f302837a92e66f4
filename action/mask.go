package action

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
)

// Mask asks the runner to replace each value with *** in the log and the job
// summary from now on: the value as a whole, each of its lines, and the forms
// in which it could appear in a URL, in JSON and in a header.
func (a *Action) Mask(values ...string) error {
	done := map[string]bool{}
	for _, value := range values {
		for _, form := range secretForms(value) {
			if done[form] {
				continue
			}
			done[form] = true
			if err := a.command("add-mask", nil, form); err != nil {
				return err
			}
		}
	}
	return nil
}

// secretForms lists every text that gives the value away. A runner compares
// line by line, so that a value of several lines is masked as its lines.
//
// They are fewer than package secret knows, which masks all that slogate writes
// itself: each is a line in the log, and a piece of base64 would take its like out
// of the logs of every later step.
func secretForms(value string) []string {
	var forms []string
	add := func(form string) {
		if form = strings.TrimSpace(form); form != "" {
			forms = append(forms, form)
		}
	}
	for _, line := range strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' }) {
		add(line)
	}
	if len(forms) == 0 {
		return nil
	}
	add(url.QueryEscape(value))
	add(url.PathEscape(value))
	add(inJSON(value))
	add(base64.StdEncoding.EncodeToString([]byte(value)))
	add(base64.RawURLEncoding.EncodeToString([]byte(value)))
	return forms
}

// inJSON is the value as it stands inside of a JSON string.
func inJSON(value string) string {
	text, err := json.Marshal(value)
	if err != nil {
		return ""
	}
	return string(text[1 : len(text)-1])
}
