//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/slogate/slogate/bench/loopback"
)

// serve is the service whose every answer costs so many rounds of work.
func serve(_ context.Context, args []string) error {
	rounds, err := strconv.Atoi(args[0])
	if err != nil {
		return fmt.Errorf("rounds: %w", err)
	}
	return loopback.Serve(rounds)
}

// disturb is the neighbour, which is busy for 1 to 5 whole seconds at a time. The
// times follow from the seed.
func disturb(_ context.Context, args []string) error {
	random, err := seeded(args[0])
	if err != nil {
		return err
	}
	loopback.Disturb(random, func(random *rand.Rand) time.Duration {
		return time.Duration(1+5*random.Float64()) * time.Second
	})
	return nil
}

// seeded reads a seed from the command line.
func seeded(text string) (*rand.Rand, error) {
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("seed: %w", err)
	}
	return loopback.Seeded(seed), nil
}
