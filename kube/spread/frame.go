package spread

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	// maxLog is what a kubelet keeps of a log.
	maxLog = 10 << 20
	// maxFrame leaves room for what else a worker has printed.
	maxFrame = maxLog - maxLog/8
	// maxPayload is above what can be unpacked of any result.
	maxPayload = 256 << 20
	lineLength = 4096
)

// The lines around what a worker prints. The first one is followed by a word,
// the length and the SHA-256 of what was packed.
const (
	frameBegin = "slogate-worker"
	frameEnd   = "slogate-worker-end"
)

// What a frame holds.
const (
	kindResult = "result"
	kindError  = "error"
)

// Print writes a worker's result, as the last thing that it prints: packed, in
// lines of base64 between one with its length and checksum and an end. It
// refuses what a log does not hold.
func Print(w io.Writer, payload []byte) error { return frame(w, kindResult, payload) }

// PrintError writes why a worker has no result.
func PrintError(w io.Writer, why string) error { return frame(w, kindError, []byte(why)) }

func frame(w io.Writer, kind string, payload []byte) error {
	var packed bytes.Buffer
	z, _ := gzip.NewWriterLevel(&packed, gzip.BestCompression) // the level is one
	if _, err := z.Write(payload); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	text := base64.StdEncoding.EncodeToString(packed.Bytes())
	if len(text) > maxFrame {
		return fmt.Errorf("the result has %d bytes in the log, which keeps %d", len(text), maxFrame)
	}
	sum := sha256.Sum256(packed.Bytes())
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "\n%s %s %d %x\n", frameBegin, kind, packed.Len(), sum)
	for len(text) > 0 {
		n := min(lineLength, len(text))
		fmt.Fprintln(out, text[:n])
		text = text[n:]
	}
	fmt.Fprintln(out, frameEnd)
	return out.Flush()
}

// read finds the last frame of a log.
func read(log []byte) (kind string, payload []byte, err error) {
	at := bytes.LastIndex(log, []byte("\n"+frameBegin+" "))
	if at < 0 {
		return "", nil, errors.New("it printed no result")
	}
	head, body, _ := strings.Cut(string(log[at+1:]), "\n")
	fields := strings.Fields(head)
	body, _, ended := strings.Cut(body, frameEnd)
	if len(fields) != 4 || !ended {
		return "", nil, errors.New("what it printed has no end")
	}
	packed, err := base64.StdEncoding.DecodeString(strings.TrimSpace(body)) // which skips line ends
	if err != nil {
		return "", nil, errors.New("what it printed is damaged")
	}
	sum := sha256.Sum256(packed)
	if fields[2] != strconv.Itoa(len(packed)) || fields[3] != hex.EncodeToString(sum[:]) {
		return "", nil, errors.New("what it printed is incomplete")
	}
	payload, err = unpack(packed)
	return fields[1], payload, err
}

func unpack(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	payload, err := io.ReadAll(io.LimitReader(z, maxPayload+1))
	if err == nil && len(payload) > maxPayload {
		err = fmt.Errorf("it has more than %d bytes", maxPayload)
	}
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return payload, nil
}
