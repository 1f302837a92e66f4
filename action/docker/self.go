package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Container is a container as the engine describes it: what its twin needs.
type Container struct {
	ID     string `json:"Id"`
	Image  string // the digest of the image, not a name that may have moved
	Path   string // of the program that was started as the container's first process
	Args   []string
	Config struct {
		User       string
		Env        []string
		Cmd        []string
		Entrypoint []string
		WorkingDir string
		Labels     map[string]string
	}
	// HostConfig is passed on unread but for the network: binds, mounts, limits
	// of memory and processors, capabilities.
	HostConfig map[string]json.RawMessage
	State      struct{ Running bool }
}

// hostNetwork is the network mode of a container without a network of its own.
const hostNetwork = "host"

// InHostNetwork reports whether the container uses the network of its host.
func (c *Container) InHostNetwork() bool {
	var mode string
	return json.Unmarshal(c.HostConfig["NetworkMode"], &mode) == nil && mode == hostNetwork
}

// ErrNoContainer says that this process runs in no container of the engine.
var ErrNoContainer = errors.New("this process runs in no container that the engine knows")

// Self returns the container that this process runs in. Files is the file
// system from its root. What the system says of the container's id is believed
// only when the engine has a running container of that name which started the
// program that runs here: a container in the network of another one sees the
// other's /etc/hostname and name.
func (e *Engine) Self(ctx context.Context, files fs.FS) (*Container, error) {
	for _, id := range ids(files) {
		var c Container
		err := e.call(ctx, http.MethodGet, "/containers/"+id+"/json", nil, &c)
		if refused, ok := errors.AsType[*Refusal](err); ok && refused.Status == http.StatusNotFound {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("inspect this container: %w", err)
		}
		if c.State.Running && strings.HasPrefix(c.ID, id) && c.started(files) {
			return &c, nil
		}
	}
	return nil, ErrNoContainer
}

// started reports whether the first process here is the container's.
func (c *Container) started(files fs.FS) bool {
	line, err := fs.ReadFile(files, "proc/1/cmdline")
	args := strings.Split(strings.TrimSuffix(string(line), "\x00"), "\x00")
	return err == nil && args[0] == c.Path && slices.Equal(args[1:], c.Args)
}

var (
	// The engine mounts /etc/hostname and its like from a folder that is named
	// after the container.
	inMountinfo = regexp.MustCompile(`containers/([0-9a-f]{64})/\S* /etc/`)
	// Version 1 control groups are named "docker/ID", "docker-ID.scope" and more.
	inCgroup = regexp.MustCompile(`(?m)[/-]([0-9a-f]{64})(?:\.scope)?$`)
	shortID  = regexp.MustCompile(`^[0-9a-f]{12}$`)
)

// ids lists what may be the id of this container, the surest first.
func ids(files fs.FS) []string {
	mounts, _ := fs.ReadFile(files, "proc/self/mountinfo")
	groups, _ := fs.ReadFile(files, "proc/self/cgroup")
	var all []string
	for _, found := range [][][]string{
		inMountinfo.FindAllStringSubmatch(string(mounts), maxIDs),
		inCgroup.FindAllStringSubmatch(string(groups), maxIDs),
	} {
		for _, match := range found {
			if !slices.Contains(all, match[1]) {
				all = append(all, match[1])
			}
		}
	}
	hostname, _ := fs.ReadFile(files, "proc/sys/kernel/hostname")
	if name := strings.TrimSpace(string(hostname)); shortID.MatchString(name) {
		all = append(all, name)
	}
	return all
}

// maxIDs bounds the questions to the engine: an action that itself mounts
// folders of containers names more than its own.
const maxIDs = 16
