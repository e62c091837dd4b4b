package locksim

import "bytes"

// The bytes of the links.
const (
	stx = 0x02
	etx = 0x03
	enq = 0x05
	ack = 0x06
	nak = 0x15
	sep = 0xB3 // parts the fields of the Industry Standard link
	// anyLRC as a check byte of that link means "do not verify".
	anyLRC = 0x0D
)

// maxBody bounds what is collected of one frame; real ones stay below 600 bytes.
const maxBody = 8 << 10

// lrc is the XOR of everything after STX up to and including ETX.
func lrc(body []byte) byte {
	c := byte(etx)
	for _, b := range body {
		c ^= b
	}
	return c
}

// shape says how a result is put into bytes.
type shape struct {
	noTrailingSep, wildcard, badLRC bool
}

// render makes a frame of the Industry Standard link.
func render(fields []string, sh shape) []byte {
	body := []byte{sep}
	for i, f := range fields {
		if i > 0 {
			body = append(body, sep)
		}
		body = append(body, f...)
	}
	if !sh.noTrailingSep {
		body = append(body, sep)
	}
	c := lrc(body)
	switch {
	case sh.wildcard:
		c = anyLRC
	case sh.badLRC:
		// Neither the right value nor the wildcard.
		c ^= 0xFF
		if c == anyLRC {
			c ^= 0x01
		}
	}
	out := append([]byte{stx}, body...)
	return append(out, etx, c)
}

// open takes the fields out of the body of an Industry Standard frame; ok is
// false when the separators at its ends are missing.
func open(body []byte) (fields []string, ok bool) {
	if len(body) < 2 || body[0] != sep || body[len(body)-1] != sep {
		return nil, false
	}
	for f := range bytes.SplitSeq(body[1:len(body)-1], []byte{sep}) {
		fields = append(fields, string(f))
	}
	return fields, true
}

type tokenKind int

const (
	tokENQ tokenKind = iota
	tokACK
	tokNAK
	tokFrame
)

type token struct {
	kind  tokenKind
	body  []byte // of a frame, without STX, ETX and check
	check []byte
}

// scanner cuts the byte stream of the other end into tokens. Inside a frame
// only STX (begin again) and ETX mean anything; so many bytes after ETX are
// the check, whatever their values.
type scanner struct {
	checks int  // bytes of the check, 1 or 2
	in     bool // inside a frame
	last   bool // ETX seen, the check is due
	body   []byte
	check  []byte
	stray  int // bytes outside frames that mean nothing
}

func (sc *scanner) reset() { sc.in, sc.last, sc.body, sc.check = false, false, nil, nil }

// push takes one byte and returns the token that it completes.
func (sc *scanner) push(b byte) (token, bool) {
	switch {
	case sc.last:
		sc.check = append(sc.check, b)
		if len(sc.check) < sc.checks {
			break
		}
		t := token{kind: tokFrame, body: sc.body, check: sc.check}
		sc.reset()
		return t, true
	case b == stx:
		sc.in, sc.body = true, nil
	case sc.in && b == etx:
		sc.last = true
	case sc.in:
		if len(sc.body) == maxBody {
			sc.reset()
			sc.stray++
			break
		}
		sc.body = append(sc.body, b)
	case b == enq:
		return token{kind: tokENQ}, true
	case b == ack:
		return token{kind: tokACK}, true
	case b == nak:
		return token{kind: tokNAK}, true
	default:
		sc.stray++
	}
	return token{}, false
}
