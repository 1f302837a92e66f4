package route

import (
	"encoding/json"
	"errors"
	"maps"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// label is the name of a service in a workflow, and its name in the network
// of the job.
var label = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,99}$`)

// published reads the context job.services and returns the services whose
// published port on the runner is the given one: an SLO file with
// localhost:49153 means the service that the workflow publishes there. The
// way to its label and container port is the shorter one, without Docker's
// address translation. Without any service the context is null or empty.
func published(services, port string) ([]Candidate, error) {
	if strings.TrimSpace(services) == "" {
		return nil, nil
	}
	var all map[string]struct {
		Ports map[string]string // container port: port on the runner
	}
	if err := json.Unmarshal([]byte(services), &all); err != nil {
		return nil, errors.New("not the JSON of the context job.services")
	}
	var found []Candidate
	for _, name := range slices.Sorted(maps.Keys(all)) {
		ports := all[name].Ports
		for _, inside := range slices.Sorted(maps.Keys(ports)) {
			number, _, _ := strings.Cut(inside, "/")
			if ports[inside] != port || !isPort(number) || !label.MatchString(name) {
				continue
			}
			address := net.JoinHostPort(name, number)
			found = append(found, Candidate{Service, address, "service " + address})
		}
	}
	return found, nil
}

// Labels are the names of the job's services, by which its containers know them.
// Services is the context job.services as JSON; what is none has no names.
func Labels(services string) []string {
	var all map[string]any
	if json.Unmarshal([]byte(services), &all) != nil {
		return nil
	}
	var names []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if label.MatchString(name) {
			names = append(names, strings.ToLower(name))
		}
	}
	return names
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}
