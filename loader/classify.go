package loader

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"syscall"

	"github.com/coder/websocket"

	"github.com/slogate/slogate/result"
)

// handshakeError marks an error between the TCP connect and the first request.
type handshakeError struct{ err error }

func (e *handshakeError) Error() string { return e.err.Error() }
func (e *handshakeError) Unwrap() error { return e.err }

// exhausted are the errors of the generator's own machine that has no more to
// give.
var exhausted = []error{syscall.EMFILE, syscall.ENFILE, syscall.EADDRINUSE, syscall.ENOBUFS, syscall.ENOMEM}

// unreachable are the errors of an address that the generator's machine has no
// way to, or does not permit. Whose fault that is depends on who named it.
var unreachable = []error{syscall.EADDRNOTAVAIL, syscall.ENETUNREACH, syscall.ENETDOWN, syscall.EACCES, syscall.EPERM}

// ledError marks an error of a service to which the loaded one has led by a
// redirect.
type ledError struct{ err error }

func (e *ledError) Error() string { return e.err.Error() }
func (e *ledError) Unwrap() error { return e.err }

// closed are the errors of a connection that the other side gave up.
var closed = []error{
	syscall.ECONNRESET, syscall.EPIPE, syscall.ECONNABORTED, io.EOF, io.ErrUnexpectedEOF, net.ErrClosed,
}

// netError names what failed with which address.
func netError(what string, address net.Addr, err error) error {
	return &net.OpError{Op: what, Net: "tcp", Addr: address, Err: err}
}

// classify finds the class of an exchange that ended with an error.
func classify(err error) result.Class {
	var dns *net.DNSError
	var timeout net.Error
	var barred *AddressError
	var led *ledError
	noWay := isAny(err, unreachable) || errors.As(err, &barred)
	switch {
	case errors.Is(err, context.Canceled):
		return result.CancelledBy
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return result.Timeout
	case noWay && errors.As(err, &led):
		return result.Refused // the service has named the address
	case noWay, isAny(err, exhausted):
		return result.Local
	case errors.As(err, &dns), isRefusal(err):
		return result.DNS
	case isClosedSocket(err): // before the next one: EAGAIN says that it is a timeout
		return result.Refused
	case errors.As(err, &timeout) && timeout.Timeout():
		return result.Timeout
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EHOSTUNREACH):
		return result.Refused
	case isTLS(err):
		return result.TLS
	case isAny(err, closed), isResetStream(err), websocket.CloseStatus(err) >= 0:
		return result.Reset
	}
	var handshake *handshakeError
	if errors.As(err, &handshake) {
		return result.TLS
	}
	return result.Protocol
}

// isClosedSocket recognises a unix socket that takes no connection: its queue is
// full, which is EAGAIN, or it is gone.
func isClosedSocket(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "dial" && op.Net == "unix" && (errors.Is(op, syscall.EAGAIN) || errors.Is(op, syscall.ENOENT))
}

func isAny(err error, kinds []error) bool {
	for _, k := range kinds {
		if errors.Is(err, k) {
			return true
		}
	}
	return false
}

// isTLS recognises what the other side's TLS layer said or sent. A connection
// cut during the handshake is a reset.
func isTLS(err error) bool {
	var (
		record    tls.RecordHeaderError
		alert     tls.AlertError
		verify    *tls.CertificateVerificationError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
		hostname  x509.HostnameError
	)
	return errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &verify) ||
		errors.As(err, &authority) || errors.As(err, &invalid) || errors.As(err, &hostname) || isAlert(err)
}

// isAlert recognises an alert of the other side, which TLS 1.3 may send after
// the handshake, such as where it wants a certificate.
func isAlert(err error) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		if op, ok := err.(*net.OpError); ok && op.Op == "remote error" {
			return true
		}
	}
	return false
}
