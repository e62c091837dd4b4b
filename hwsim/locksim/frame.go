package locksim

import "bytes"

// The bytes of the link.
const (
	stx = 0x02
	etx = 0x03
	enq = 0x05
	ack = 0x06
	nak = 0x15
	sep = 0xB3
	// anyLRC as a check byte means "do not verify".
	anyLRC = 0x0D
)

// maxBody bounds what is collected of one frame; real ones stay below 600 bytes.
const maxBody = 8 << 10

// check is the XOR of everything after STX up to and including ETX.
func check(body []byte) byte {
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
	c := check(body)
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

// open takes the fields out of a frame's body; ok is false when the
// separators at its ends are missing.
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
	kind tokenKind
	body []byte // of a frame, without STX, ETX and check byte
	lrc  byte
}

// scanner cuts the byte stream of the other end into tokens. Inside a frame
// only STX (begin again) and ETX mean anything; exactly one byte after ETX is
// the check byte, whatever its value.
type scanner struct {
	in    bool // inside a frame
	last  bool // ETX seen, the check byte is due
	body  []byte
	stray int // bytes outside frames that mean nothing
}

func (sc *scanner) reset() { sc.in, sc.last, sc.body = false, false, nil }

// push takes one byte and returns the token that it completes.
func (sc *scanner) push(b byte) (token, bool) {
	switch {
	case sc.last:
		t := token{kind: tokFrame, body: sc.body, lrc: b}
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
