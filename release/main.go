// Command release builds a release and prepares its commit. The workflow
// release.yml runs it; docs/releasing.md says in which order.
//
//	go run ./release build                    a snapshot of this tree in dist/
//	go run ./release build --version v1.2.3   a release: a clean tree and the Go of .go-version
//	go run ./release reproduce                the same once more from another folder, compared with dist/
//	go run ./release pin --version v1.2.3 --image ghcr.io/slogate/slogate@sha256:…
//	                                          what the tagged commit has besides: digests in place of sources
//	go run ./release notes --version v1.2.3   the change log's part on a version
//
// The same commit gives the same bytes: nothing of the machine, its folders or
// the hour enters a binary or an archive.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/alecthomas/kong"
)

type commandLine struct {
	Build     buildCommand     `cmd:"" help:"Build binaries, archives, SBOMs and SHA256SUMS."`
	Reproduce reproduceCommand `cmd:"" help:"Build again from a copy of the tree, with nothing cached, and compare."`
	Pin       pinCommand       `cmd:"" help:"Let both actions name what was built by its digest."`
	Notes     notesCommand     `cmd:"" help:"Print the change log's part on a version."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var cl commandLine
	selected := kong.Parse(&cl, kong.Description("Build a release of slogate, in the root of its repository."))
	selected.BindTo(ctx, (*context.Context)(nil))
	selected.BindTo(os.Stdout, (*io.Writer)(nil))
	if err := selected.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}
