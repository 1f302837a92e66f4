// Package http1 reads HTTP/1.1 answers as they come: in pieces of any size,
// without an allocation for each, and without a connection or a clock.
//
// It reads what net/http reads in the same way, and refuses what net/http
// refuses, but for these differences, which are on purpose: control characters
// in header values and malformed trailers are nobody's business here and are
// let pass.
package http1
