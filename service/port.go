package service

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Ports for services lie below those that systems give to outgoing connections
// (from 32768 on Linux, 49152 elsewhere). Otherwise a connection of anything
// could have the port when a service is started again, and an attempt to
// connect to it before the service listens could connect to itself.
const (
	lowestPort  = 20000
	highestPort = 29999
	portTries   = 200
)

// FreePorts finds n ports of 127.0.0.1 that nobody listens at.
func FreePorts(n int) ([]int, error) {
	var ports []int
	for range portTries {
		port := lowestPort + rand.IntN(highestPort-lowestPort+1)
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			continue
		}
		defer l.Close() // until all are found, so that they differ
		if ports = append(ports, port); len(ports) == n {
			return ports, nil
		}
	}
	return nil, errors.New("no free port of 127.0.0.1 between 20000 and 29999")
}
