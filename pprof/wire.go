package pprof

import "encoding/binary"

// profile is what is read of the message Profile.
type profile struct {
	types     []valueType
	samples   []sample
	locations []location
	functions []function
	table     []string
}

type valueType struct{ kind, unit int64 } // both in the string table

type sample struct {
	locations []uint64 // the innermost first
	values    []int64
}

type location struct {
	id        uint64
	functions []uint64 // the innermost first
}

type function struct {
	id   uint64
	name int64 // in the string table
}

// field is one of a message: a number, or bytes.
type field struct {
	number int
	value  uint64
	bytes  []byte
	packed bool // it has bytes
}

// Kinds of fields on the wire:
// https://protobuf.dev/programming-guides/encoding/#structure.
const (
	varint  = 0
	fixed64 = 1
	text    = 2
	fixed32 = 5
)

// fields calls do for each field of a message, and reports false where it is
// none.
func fields(message []byte, do func(field) bool) bool {
	for len(message) > 0 {
		tag, n := binary.Uvarint(message)
		if n <= 0 || tag>>3 == 0 || tag>>3 > 1<<29 {
			return false
		}
		message = message[n:]
		f := field{number: int(tag >> 3)}
		switch tag & 7 {
		case varint:
			if f.value, n = binary.Uvarint(message); n <= 0 {
				return false
			}
		case fixed64:
			n = 8
		case fixed32:
			n = 4
		case text:
			size, m := binary.Uvarint(message)
			if m <= 0 || size > uint64(len(message)-m) {
				return false
			}
			f.bytes, f.packed = message[m:m+int(size)], true
			n = m + int(size)
		default:
			return false
		}
		if n > len(message) || !do(f) {
			return false
		}
		message = message[n:]
	}
	return true
}

// numbers appends the numbers of a repeated field, which are packed or alone.
func (f field) numbers(to []uint64) ([]uint64, bool) {
	if !f.packed {
		return append(to, f.value), true
	}
	for rest := f.bytes; len(rest) > 0; {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return nil, false
		}
		to, rest = append(to, v), rest[n:]
	}
	return to, true
}

// maxEntries bounds what is kept of each kind: an empty one takes two bytes on
// the wire and far more in memory.
const maxEntries = 500_000

// decode reads a whole profile.
func decode(message []byte) (*profile, error) {
	p := &profile{}
	ok := fields(message, func(f field) bool {
		if max(len(p.types), len(p.samples), len(p.locations), len(p.functions), len(p.table)) >= maxEntries {
			return false
		}
		switch f.number {
		case 1:
			var t valueType
			ok := fields(f.bytes, func(f field) bool {
				switch f.number {
				case 1:
					t.kind = int64(f.value)
				case 2:
					t.unit = int64(f.value)
				}
				return true
			})
			p.types = append(p.types, t)
			return ok
		case 2:
			return p.sample(f.bytes)
		case 4:
			return p.location(f.bytes)
		case 5:
			return p.function(f.bytes)
		case 6:
			p.table = append(p.table, string(f.bytes))
		}
		return true
	})
	if !ok || len(p.types) == 0 {
		return nil, errNoProfile
	}
	return p, nil
}

func (p *profile) sample(message []byte) bool {
	var s sample
	ok := fields(message, func(f field) (ok bool) {
		switch f.number {
		case 1:
			s.locations, ok = f.numbers(s.locations)
			return ok
		case 2:
			var values []uint64
			values, ok = f.numbers(nil)
			for _, v := range values {
				s.values = append(s.values, int64(v))
			}
			return ok
		}
		return true
	})
	p.samples = append(p.samples, s)
	return ok
}

func (p *profile) location(message []byte) bool {
	var l location
	ok := fields(message, func(f field) bool {
		switch f.number {
		case 1:
			l.id = f.value
		case 4: // a line
			return fields(f.bytes, func(f field) bool {
				if f.number == 1 {
					l.functions = append(l.functions, f.value)
				}
				return true
			})
		}
		return true
	})
	p.locations = append(p.locations, l)
	return ok
}

func (p *profile) function(message []byte) bool {
	var one function
	ok := fields(message, func(f field) bool {
		switch f.number {
		case 1:
			one.id = f.value
		case 2:
			one.name = int64(f.value)
		}
		return true
	})
	p.functions = append(p.functions, one)
	return ok
}
