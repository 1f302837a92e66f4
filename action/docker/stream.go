package docker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The streams that a container's output is made of.
const (
	streamStdout = 1
	streamStderr = 2
)

// demultiplex copies the two streams of a container without a terminal, which
// the engine sends as one: frames of a header (the stream's number, three
// zeros, the length in four bytes) and text. It returns nil when the engine
// ends between two frames. See "Stream format" of the API's attach.
func demultiplex(from io.Reader, stdout, stderr io.Writer) error {
	var header [8]byte
	for {
		if _, err := io.ReadFull(from, header[:]); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read output: %w", err)
		}
		to := io.Discard
		switch header[0] {
		case streamStdout:
			to = stdout
		case streamStderr:
			to = stderr
		}
		if header[0] > streamStderr || header[1] != 0 || header[2] != 0 || header[3] != 0 {
			return fmt.Errorf("read output: % x is no header of a frame", header)
		}
		if _, err := io.CopyN(to, from, int64(binary.BigEndian.Uint32(header[4:]))); err != nil {
			return fmt.Errorf("read output: %w", noEOF(err))
		}
	}
}

// noEOF says that an end in the middle of a frame is none.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
