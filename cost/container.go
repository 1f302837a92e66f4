package cost

import (
	"context"
	"fmt"
	"time"
)

// Container is a container of which an engine tells what it has used.
type Container struct {
	Name string // of the container
	From string // the engine
	Used func(context.Context) (Reading, error)

	last   time.Duration // as the engine gave it
	before time.Duration // what was used before the container was started anew
}

// Read asks the engine. The moment is the middle of the request.
func (c *Container) Read(ctx context.Context) (Reading, error) {
	start := time.Now()
	r, err := c.Used(ctx)
	if err != nil {
		return Reading{}, fmt.Errorf("%s: container %s: %w", c.From, c.Name, err)
	}
	if r.CPU < c.last {
		c.before += c.last
	}
	c.last = r.CPU
	r.At, r.CPU = start.Add(time.Since(start)/2), r.CPU+c.before
	return r, nil
}

func (c *Container) String() string { return fmt.Sprintf("container %s, from %s", c.Name, c.From) }

// Resolution is that of control groups.
func (c *Container) Resolution() time.Duration { return time.Microsecond }

// shares reports whether another source reads the same container.
func (c *Container) shares(other Source) bool {
	o, isContainer := other.(*Container)
	return isContainer && o.Name == c.Name && o.From == c.From
}
