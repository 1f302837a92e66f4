package result

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

// HdrHistogram's V2 compressed encoding is an outer header (cookie, length),
// then as a zlib stream an inner header and the counts. The library's own encoder
// works on a dense array and a new compressor for each histogram: 8 times the
// time and 800 KB of garbage, which in a run of 3,600 slices is what a cancelled
// one does not have. Tests hold both against each other.
const (
	outerCookie = 0x1c849304 | 0x10
	innerCookie = 0x1c849303 | 0x10

	// wirePrefix is how every encoded histogram begins: the base64 of the outer
	// cookie and of the first, always zero, bits of the length.
	wirePrefix = "HISTFAAA"

	// maxCount limits every count in a result: the integers that all readers of
	// JSON hold exactly. It is 285 years of a million requests a second.
	maxCount = 1 << 53

	// A count up to maxCount takes at most 8 bytes as a varint.
	maxVarint  = 8
	maxPayload = bucketCount * maxVarint

	// maxText bounds the base64 of one histogram, for compressors that make
	// things longer.
	maxText = 2 * maxPayload
)

type outerHeader struct{ Cookie, Length int32 }

type innerHeader struct {
	Cookie, Payload, Offset, Digits int32
	Lowest, Highest                 int64
	Ratio                           float64
}

// layout is the inner header of every histogram that this package writes, and
// the only one that it reads: counts of other ranges lie in other buckets.
func layout(payload int32) innerHeader {
	return innerHeader{
		Cookie:  innerCookie,
		Payload: payload,
		Digits:  3,
		Lowest:  1,
		Highest: int64(HighestValue / time.Microsecond),
		Ratio:   1,
	}
}

// coder holds what encoding and decoding one histogram needs. A compressor
// alone is most of a megabyte, so coders are used again.
type coder struct {
	payload []byte
	wire    bytes.Buffer
	deflate *zlib.Writer
	source  bytes.Reader
	inflate io.ReadCloser
	written countWriter
}

var coders = sync.Pool{New: func() any { return &coder{deflate: zlib.NewWriter(nil)} }}

// MarshalJSON encodes a histogram as a string: HdrHistogram V2 compressed in
// base64, empty for an empty histogram.
func (h Histogram) MarshalJSON() ([]byte, error) {
	if h.total == 0 {
		return []byte(`""`), nil
	}
	if h.total > maxCount {
		return nil, fmt.Errorf("histogram: %d values are more than a result can hold", h.total)
	}
	c := coders.Get().(*coder)
	defer coders.Put(c)
	wire, err := c.encode(h)
	if err != nil {
		return nil, fmt.Errorf("histogram: %w", err)
	}
	text := make([]byte, 0, base64.StdEncoding.EncodedLen(len(wire))+2)
	text = append(text, '"')
	text = base64.StdEncoding.AppendEncode(text, wire)
	return append(text, '"'), nil
}

// encode returns the V2 compressed form, valid until the coder's next use.
func (c *coder) encode(h Histogram) ([]byte, error) {
	c.wire.Reset()
	outer := outerHeader{Cookie: outerCookie}
	if err := binary.Write(&c.wire, binary.BigEndian, outer); err != nil {
		return nil, err
	}
	c.deflate.Reset(&c.wire)
	err := errors.Join(
		binary.Write(c.deflate, binary.BigEndian, layout(int32(len(h.counts)))),
		writeAll(c.deflate, h.counts),
		c.deflate.Close(),
	)
	wire := c.wire.Bytes()
	binary.BigEndian.PutUint32(wire[4:], uint32(len(wire)-binary.Size(outer)))
	return wire, err
}

func writeAll(w io.Writer, p []byte) error {
	_, err := w.Write(p)
	return err
}

// UnmarshalJSON decodes what MarshalJSON encodes. It reads at most as many
// counts as there are buckets, whatever the text says.
func (h *Histogram) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		return nil
	}
	if len(text) < 2 || text[0] != '"' {
		return errors.New("histogram: not a string")
	}
	text = text[1 : len(text)-1]
	if len(text) == 0 {
		*h = Histogram{}
		return nil
	}
	c := coders.Get().(*coder)
	defer coders.Put(c)
	got, err := c.decode(text)
	if err != nil {
		return fmt.Errorf("histogram: %w", err)
	}
	*h = got
	return nil
}

func (c *coder) decode(text []byte) (Histogram, error) {
	inner, err := c.open(text)
	if err != nil {
		return Histogram{}, err
	}
	if inner != layout(inner.Payload) {
		return Histogram{}, fmt.Errorf("found the layout %d to %d with %d digits, not slogate's", inner.Lowest, inner.Highest, inner.Digits)
	}
	if inner.Payload < 0 || inner.Payload > maxPayload {
		return Histogram{}, fmt.Errorf("%d bytes of counts, at most %d are possible", inner.Payload, maxPayload)
	}
	c.payload = slices.Grow(c.payload[:0], int(inner.Payload))[:inner.Payload]
	if _, err := io.ReadFull(c.inflate, c.payload); err != nil {
		return Histogram{}, fmt.Errorf("read counts: %w", err)
	}
	// The end of the stream holds its checksum.
	if n, err := io.ReadFull(c.inflate, make([]byte, 1)); n > 0 || err != io.EOF {
		return Histogram{}, errors.New("damaged after the counts")
	}
	return c.counts()
}

// open starts to inflate an encoded histogram and returns its inner header.
func (c *coder) open(text []byte) (innerHeader, error) {
	var inner innerHeader
	if len(text) > maxText {
		return inner, errors.New("too long")
	}
	if !bytes.HasPrefix(text, []byte(wirePrefix)) {
		return inner, errors.New("not HdrHistogram V2 compressed in base64")
	}
	c.wire.Reset()
	wire, err := base64.StdEncoding.AppendDecode(c.wire.AvailableBuffer(), text)
	if err != nil {
		return inner, err
	}
	c.wire.Write(wire)
	var outer outerHeader
	n, err := binary.Decode(wire, binary.BigEndian, &outer)
	if err != nil {
		return inner, errors.New("truncated")
	}
	if outer.Cookie != outerCookie || int(outer.Length) != len(wire)-n {
		return inner, errors.New("truncated, or not HdrHistogram V2 compressed")
	}
	if err := c.inflateFrom(wire[n:]); err != nil {
		return inner, err
	}
	if err := binary.Read(c.inflate, binary.BigEndian, &inner); err != nil {
		return inner, fmt.Errorf("read header: %w", err)
	}
	return inner, nil
}

func (c *coder) inflateFrom(compressed []byte) (err error) {
	c.source.Reset(compressed)
	if c.inflate == nil {
		c.inflate, err = zlib.NewReader(&c.source)
		return err
	}
	return c.inflate.(zlib.Resetter).Reset(&c.source, nil)
}

// counts reads the payload, which other programs may have written differently.
func (c *coder) counts() (Histogram, error) {
	c.written.counts, c.written.next = c.written.counts[:0], 0
	var total int64
	next := 0
	for p := c.payload; len(p) > 0; {
		v, n := binary.Varint(p)
		if n <= 0 || n > maxVarint {
			return Histogram{}, errors.New("a count is damaged")
		}
		p = p[n:]
		if v <= 0 {
			next += int(max(-v, 1))
		} else {
			total += v
			if next >= bucketCount || v > maxCount || total > maxCount {
				return Histogram{}, errors.New("counts beyond what a histogram can hold")
			}
			c.written.add(next, v)
			next++
		}
		if next > bucketCount {
			return Histogram{}, errors.New("counts beyond the last bucket")
		}
	}
	if total == 0 {
		return Histogram{}, nil
	}
	return Histogram{counts: bytes.Clone(c.written.counts), total: total}, nil
}
