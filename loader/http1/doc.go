// Package http1 reads HTTP/1.1 answers as they come: in pieces of any size,
// without an allocation for each, and without a connection or a clock.
//
// It accepts and refuses what net/http does, but for these differences, which
// are on purpose: header lines that continue on the next one (obsolete since
// RFC 7230) are refused, and so are header values that net/http keeps only
// because nobody looks at them.
package http1
