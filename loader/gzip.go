package loader

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"github.com/slogate/slogate/loader/http1"
)

// compressor is what it takes to compress a body.
type compressor struct {
	writer *gzip.Writer
	out    bytes.Buffer
}

// compressors are shared: one holds about a megabyte, and a user needs it for a
// moment.
var compressors = sync.Pool{New: func() any { return &compressor{writer: gzip.NewWriter(nil)} }}

// compress puts the compressed text in the place of the text that follows the
// first from bytes.
func compress(all []byte, from int) []byte {
	c := compressors.Get().(*compressor)
	defer compressors.Put(c)
	c.out.Reset()
	c.writer.Reset(&c.out)
	// Neither fails on a buffer.
	_, _ = c.writer.Write(all[from:])
	_ = c.writer.Close()
	return append(all[:from], c.out.Bytes()...)
}

var errDecodedTooLarge = fmt.Errorf("the decoded body is larger than %d MiB", http1.MaxBody>>20)

// decompress decodes the beginning of a gzip stream: most bytes of it, or what
// there is where the stream is cut.
func decompress(data []byte, most int) (text []byte, err error) {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	text, err = io.ReadAll(io.LimitReader(r, int64(most)+1))
	if err == nil && len(text) > most {
		return text[:most], errDecodedTooLarge
	}
	return text, err
}

// decode puts the decoded body in the place of a compressed one. Where only
// its beginning was kept, the beginning of it is decoded, for a sample.
func (r *reply) decode(whole bool) error {
	if len(r.body) == 0 || !isGzip(r.encoding) {
		return nil
	}
	text, err := decompress(r.body, http1.MaxBody)
	isCut := !whole && int64(len(r.body)) < r.size && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errDecodedTooLarge))
	if err != nil && !isCut {
		return fmt.Errorf("decode the body: %v", err) // its end is not that of the connection
	}
	r.body = text
	if !isCut {
		r.size = int64(len(text))
	}
	return nil
}

func isGzip(encoding string) bool {
	return strings.EqualFold(encoding, "gzip") || strings.EqualFold(encoding, "x-gzip")
}
