//go:build !linux || !(amd64 || arm64)

package loader

// Engines are the engines of this system that Options can name.
func Engines() []string { return []string{PortableEngine} }

func newEngine(_ string, c *client, _ string, _ Options) (engine, error) {
	return &portable{client: c}, nil
}
