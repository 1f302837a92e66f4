package draft

import (
	"fmt"
	"strings"
)

// Place names the files of a draft as the SLO file names them. Of a name that
// the source gives, place says how the SLO file reads it, or that it cannot:
// then the file is left out, with a note, so that what is left is valid.
func (d *Draft) Place(place func(name string) (string, bool)) {
	find := func(name string) (string, bool) {
		if values.MatchString(strings.ReplaceAll(name, "$${", "")) {
			return "", false // where it leads is known only in a run
		}
		found, ok := place(unplain(name))
		if !ok {
			return "", false
		}
		return plain(found), true
	}
	for i := range d.Scenarios {
		for j := range d.Scenarios[i].Steps {
			d.placeBody(&d.Scenarios[i].Steps[j], find)
		}
	}
	t := &d.HTTP.TLS
	for _, file := range []*string{&t.CA, &t.Cert, &t.Key} {
		if *file == "" {
			continue
		}
		found, ok := find(*file)
		if !ok {
			d.note("", "the file %s is left out: %s", Visible(*file), notHere)
		}
		*file = found
	}
	if t.Cert == "" || t.Key == "" {
		t.Cert, t.Key = "", "" // one is nothing without the other
	}
}

const notHere = "it is not there, or outside of the folder that slogate runs in"

func (d *Draft) placeBody(step *Step, find func(string) (string, bool)) {
	missing := func(what string) {
		d.note(step.Method+" "+step.Path, "%s is left out: %s", Visible(what), notHere)
		step.Comments = append(step.Comments, "to be added: "+what)
	}
	if step.Body.File != "" {
		found, ok := find(step.Body.File)
		if !ok {
			missing("body_file: " + step.Body.File)
		}
		step.Body.File = found
	}
	var kept []Part
	for _, p := range step.Body.Multipart {
		if p.File != "" {
			found, ok := find(p.File)
			if !ok {
				missing(fmt.Sprintf("multipart: {%s: {file: %s}}", p.Name, p.File))
				continue
			}
			p.File = found
		}
		kept = append(kept, p)
	}
	step.Body.Multipart = kept
}
