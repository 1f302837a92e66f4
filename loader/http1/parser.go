package http1

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
)

// Limits of one answer. Beyond them it is more likely endless than meant.
const (
	MaxHeader = 1 << 20  // bytes of status lines, headers and trailers, 1xx answers included
	MaxBody   = 64 << 20 // bytes of the body
	maxFrame  = 4 << 10  // bytes of a chunk's size with its extensions
)

var (
	errHeaderTooLarge = fmt.Errorf("the headers are larger than %d MiB", MaxHeader>>20)
	errBodyTooLarge   = fmt.Errorf("the body is larger than %d MiB", MaxBody>>20)
)

type state uint8

const (
	inStatus state = iota
	inHeader
	inBody     // of known length: left bytes are to come
	untilClose // a body that ends with the connection
	inChunkSize
	inChunk    // left bytes are to come
	inChunkEnd // the line break after a chunk
	inTrailer
	complete
)

// Parser reads the answers of one connection, one after the other, from pieces
// of any size. It is ready after Begin.
type Parser struct {
	state    state
	head     bool // the request was HEAD
	keepHead bool
	started  bool
	reusable bool
	keep     int
	each     func(piece []byte) // nil: nobody waits for the body's pieces

	status  int
	minor   byte  // of HTTP/1.x
	length  int64 // Content-Length; -1: none
	chunked bool
	close   bool
	alive   bool // Connection: keep-alive
	folds   bool // the line before may be continued
	left    int64
	size    int64
	headLen int // bytes of head so far

	line   []byte // the beginning of a line that is split between pieces
	body   []byte // kept; aliases a piece where owned is false
	buffer []byte // of a body that came in several pieces
	fields []byte // kept header lines
}

// keptBuffer is the most that a parser at rest holds on to.
const keptBuffer = 64 << 10

// Begin prepares for the answer to the next request. head says that it was a
// HEAD request, keep how many of the body's first bytes Body returns, headers
// whether Header returns the fields.
func (p *Parser) Begin(head bool, keep int, headers bool) {
	*p = Parser{
		head: head, keep: keep, keepHead: headers, length: -1,
		line: reuse(p.line), buffer: reuse(p.buffer), fields: reuse(p.fields),
	}
}

func reuse(b []byte) []byte {
	if cap(b) > keptBuffer {
		return nil
	}
	return b[:0]
}

// Each has f called with every piece of the next answer's body as it comes.
func (p *Parser) Each(f func(piece []byte)) { p.each = f }

// Started reports whether a byte of the answer, or of a 1xx before it, has
// come.
func (p *Parser) Started() bool { return p.started }

// HeaderDone reports whether status line and headers have been read.
func (p *Parser) HeaderDone() bool { return p.state > inHeader }

// Status is the status code, 0 until it has been read.
func (p *Parser) Status() int { return p.status }

// Reusable reports, of a complete answer, whether the connection may carry
// another request.
func (p *Parser) Reusable() bool { return p.reusable }

// Size is the number of the body's bytes so far, without chunks' framing.
func (p *Parser) Size() int64 { return p.size }

// Body is the kept beginning of the body. It is valid until the next call of
// Begin or Feed, and until the piece that was fed last changes.
func (p *Parser) Body() []byte { return p.body }

// Feed reads on in the next bytes of the connection. It returns how many of
// them belong to the answer, and whether it is complete. What follows a
// complete answer was not asked for. After done or an error only Begin may be
// called.
func (p *Parser) Feed(data []byte) (n int, done bool, err error) {
	p.started = p.started || len(data) > 0
	for n < len(data) && p.state != complete {
		var used int
		switch p.state {
		case inBody, inChunk, untilClose:
			used, err = p.takeBody(data[n:])
		default:
			used, err = p.takeLine(data[n:])
		}
		n += used
		if err != nil {
			return n, false, err
		}
	}
	if p.state != complete && len(p.body) > 0 {
		p.own()
	}
	return n, p.state == complete, nil
}

// own copies the body out of a piece that is going to change.
func (p *Parser) own() {
	if len(p.buffer) < len(p.body) {
		p.buffer = append(p.buffer[:0], p.body...)
		p.body = p.buffer
	}
}

// End tells that the other side closed the connection. The error is nil where
// that completes the answer, [io.EOF] before its first byte, and
// [io.ErrUnexpectedEOF] within it.
func (p *Parser) End() error {
	switch {
	case p.state == untilClose:
		p.state = complete
		return nil
	case !p.started:
		return io.EOF
	}
	return io.ErrUnexpectedEOF
}

// takeBody takes the part of a body that lies in data.
func (p *Parser) takeBody(data []byte) (int, error) {
	n := int64(len(data))
	if p.state != untilClose {
		n = min(n, p.left)
		p.left -= n
	}
	if p.size += n; p.size > MaxBody {
		return int(n), errBodyTooLarge
	}
	if p.each != nil {
		p.each(data[:n])
	}
	if room := p.keep - len(p.body); room > 0 {
		part := data[:min(n, int64(room))]
		if len(p.body) == 0 {
			p.body = part // without a copy: most answers come in one piece
		} else {
			p.own()
			p.buffer = append(p.buffer, part...)
			p.body = p.buffer
		}
	}
	if p.left == 0 {
		switch p.state {
		case inBody:
			p.state = complete
		case inChunk:
			p.state = inChunkEnd
		}
	}
	return int(n), nil
}

// takeLine takes the rest of a line, if its end lies in data.
func (p *Parser) takeLine(data []byte) (int, error) {
	i := bytes.IndexByte(data, '\n')
	n := i + 1
	if i < 0 {
		n = len(data)
	}
	if err := p.bound(n); err != nil {
		return n, err
	}
	if i < 0 {
		p.line = append(p.line, data...)
		return n, nil
	}
	line := data[:i]
	if len(p.line) > 0 {
		p.line = append(p.line, line...)
		line = p.line
		p.line = p.line[:0]
	}
	if last := len(line) - 1; last >= 0 && line[last] == '\r' {
		line = line[:last]
	}
	return n, p.takeWhole(line)
}

// bound bounds the bytes of the head and of the trailers together, and each
// line of a chunk's frame.
func (p *Parser) bound(n int) error {
	if p.state == inChunkSize || p.state == inChunkEnd {
		if len(p.line)+n > maxFrame {
			return errors.New("malformed chunked encoding: a line is too long")
		}
		return nil
	}
	if p.headLen += n; p.headLen > MaxHeader {
		return errHeaderTooLarge
	}
	return nil
}

// takeWhole takes a line without its end.
func (p *Parser) takeWhole(line []byte) error {
	switch p.state {
	case inStatus:
		return p.statusLine(line)
	case inHeader:
		if len(line) == 0 {
			return p.endHead()
		}
		return p.field(line)
	case inChunkSize:
		return p.chunkSize(line)
	case inChunkEnd:
		if len(line) > 0 {
			return errors.New("malformed chunked encoding: a chunk is longer than its size says")
		}
		p.state = inChunkSize
	case inTrailer:
		if len(line) == 0 {
			p.state = complete
		}
	}
	return nil
}

func (p *Parser) statusLine(line []byte) error {
	const version = "HTTP/1."
	// HTTP/1.1 200 OK
	if len(line) < 12 || string(line[:7]) != version || line[7] != '0' && line[7] != '1' || line[8] != ' ' || len(line) > 12 && line[12] != ' ' {
		return fmt.Errorf("malformed HTTP status line %s", quote(line))
	}
	status := 0
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return fmt.Errorf("malformed HTTP status line %s", quote(line))
		}
		status = status*10 + int(c-'0')
	}
	if status < 100 {
		return fmt.Errorf("malformed HTTP status line %s", quote(line))
	}
	p.status, p.minor, p.state = status, line[7]-'0', inHeader
	return nil
}

// field takes a header line.
func (p *Parser) field(line []byte) error {
	i := bytes.IndexByte(line, ':')
	if line[0] == ' ' || line[0] == '\t' {
		return p.continued(line)
	}
	if i <= 0 || !isToken(line[:i]) {
		return fmt.Errorf("malformed HTTP header line %s", quote(line))
	}
	if p.keepHead {
		p.fields = append(append(p.fields, line...), '\n')
	}
	p.folds = true
	name, value := line[:i], line[i+1:]
	switch i { // the fields that matter differ in their length
	case len("Connection"):
		if equalFold(name, "connection") {
			p.folds = false
			p.connection(value)
		}
	case len("Content-Length"):
		if equalFold(name, "content-length") {
			p.folds = false
			return p.contentLength(value)
		}
	case len("Transfer-Encoding"):
		if equalFold(name, "transfer-encoding") {
			p.folds = false
			return p.transferEncoding(value)
		}
	}
	return nil
}

// continued takes a line that continues the value before, as was allowed until
// RFC 7230. Values that say where the answer ends must stand in one line.
func (p *Parser) continued(line []byte) error {
	if !p.folds {
		return fmt.Errorf("malformed HTTP header line %s: it continues nothing", quote(line))
	}
	if p.keepHead {
		p.fields = append(p.fields[:len(p.fields)-1], ' ')
		p.fields = append(append(p.fields, trim(line)...), '\n')
	}
	return nil
}

func (p *Parser) connection(value []byte) {
	for option := range bytes.SplitSeq(value, []byte{','}) {
		option = trim(option)
		p.close = p.close || equalFold(option, "close")
		p.alive = p.alive || equalFold(option, "keep-alive")
	}
}

func (p *Parser) contentLength(value []byte) error {
	value = trim(value)
	var n int64
	for _, c := range value {
		if c < '0' || c > '9' || n > MaxBody<<20 {
			return fmt.Errorf("bad Content-Length %s", quote(value))
		}
		n = n*10 + int64(c-'0')
	}
	if len(value) == 0 || p.length >= 0 && p.length != n {
		return fmt.Errorf("bad Content-Length %s", quote(value))
	}
	p.length = n
	return nil
}

func (p *Parser) transferEncoding(value []byte) error {
	value = trim(value)
	if p.chunked || !equalFold(value, "chunked") {
		return fmt.Errorf("unsupported Transfer-Encoding %s", quote(value))
	}
	p.chunked = true
	return nil
}

// endHead decides how the body ends (RFC 9112, section 6.3).
func (p *Parser) endHead() error {
	if p.status < 200 && p.status != 101 {
		// An interim answer: the next one counts.
		p.status, p.state, p.length, p.chunked = 0, inStatus, -1, false
		p.close, p.alive, p.folds = false, false, false
		p.fields = p.fields[:0]
		return nil
	}
	p.reusable = p.status != 101 && !p.close && (p.minor == 1 || p.alive)
	chunked := p.chunked && p.minor == 1
	switch {
	case p.head, p.status < 200, p.status == 204, p.status == 304:
		p.state = complete
	case chunked:
		p.state = inChunkSize
	case p.length == 0:
		p.state = complete
	case p.length > 0:
		p.state, p.left = inBody, p.length
	default:
		p.state, p.reusable = untilClose, false
	}
	return nil
}

func (p *Parser) chunkSize(line []byte) error {
	if i := bytes.IndexByte(line, ';'); i >= 0 {
		line = line[:i] // extensions mean nothing to us
	}
	line = trim(line)
	var n int64
	for _, c := range line {
		d := unhex(c)
		if d < 0 || n > MaxBody<<20 {
			return fmt.Errorf("malformed chunked encoding: chunk size %s", quote(line))
		}
		n = n<<4 | int64(d)
	}
	if len(line) == 0 {
		return errors.New("malformed chunked encoding: a chunk without a size")
	}
	if p.left = n; n == 0 {
		p.state = inTrailer
	} else {
		p.state = inChunk
	}
	return nil
}

// Header returns the kept fields in their order: names as they were sent,
// values without the blanks around them.
func (p *Parser) Header() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		for line := range strings.Lines(string(p.fields)) {
			name, value, _ := strings.Cut(line, ":")
			if !yield(name, strings.Trim(value, " \t\r\n")) {
				return
			}
		}
	}
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

func trim(b []byte) []byte { return bytes.Trim(b, " \t") }

// equalFold compares with a word in lower case, as ASCII.
func equalFold(b []byte, word string) bool {
	if len(b) != len(word) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != word[i] {
			return false
		}
	}
	return true
}

// isToken reports whether a field's name has only the characters that RFC
// 9110, section 5.6.2, allows.
func isToken(name []byte) bool {
	for _, c := range name {
		if !tokens[c] {
			return false
		}
	}
	return true
}

var tokens = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()

// quote shows the beginning of what the other side sent. Who prints it takes
// secrets out and cuts it then, much earlier than here, or the beginning of one
// would stay.
func quote(b []byte) string {
	const most = 16 << 10
	if len(b) > most {
		return fmt.Sprintf("%q…", b[:most])
	}
	return fmt.Sprintf("%q", b)
}
