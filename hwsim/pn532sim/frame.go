package pn532sim

import "bytes"

// The bytes of the host protocol (UM0701-02, 6.2.1).
const (
	tfiHost = 0xD4 // host to chip
	tfiChip = 0xD5 // chip to host
)

// maxData bounds TFI and data of a frame: 1 + 264 (UM0701-02, 6.2.1.2).
const maxData = 265

// frameAround is what a usual frame has beside TFI and data: preamble, start code,
// length and its check byte, check byte, postamble.
const frameAround = 7

// The frames without data.
func ackFrame() []byte   { return []byte{0x00, 0x00, 0xFF, 0x00, 0xFF, 0x00} }
func errorFrame() []byte { return []byte{0x00, 0x00, 0xFF, 0x01, 0xFF, 0x7F, 0x81, 0x00} }

// shape says how a response is put into bytes.
type shape struct {
	badLCS, badDCS bool
	extended       bool // even where the normal form would do
	bare           bool // without preamble and postamble (SetParameters, bit 6)
	preamble       int  // extra zeros in front
	tfi            byte // 0 for D5
}

// render puts data, from the response code on, into a frame.
func render(data []byte, sh shape) []byte {
	tfi := sh.tfi
	if tfi == 0 {
		tfi = tfiChip
	}
	body := append([]byte{tfi}, data...)
	out := make([]byte, sh.preamble, sh.preamble+len(body)+12)
	if !sh.bare {
		out = append(out, 0x00)
	}
	out = append(out, 0x00, 0xFF)
	n := len(body)
	var lcs byte
	if n > 255 || sh.extended {
		hi, lo := byte(n>>8), byte(n)
		lcs = -(hi + lo)
		out = append(out, 0xFF, 0xFF, hi, lo)
	} else {
		lcs = -byte(n)
		out = append(out, byte(n))
	}
	if sh.badLCS {
		lcs ^= 0x55
	}
	dcs := -sum(body)
	if sh.badDCS {
		dcs ^= 0x55
	}
	out = append(out, lcs)
	out = append(out, body...)
	out = append(out, dcs)
	if !sh.bare {
		out = append(out, 0x00)
	}
	return out
}

func sum(b []byte) (s byte) {
	for _, c := range b {
		s += c
	}
	return s
}

type tokenKind int

const (
	tokFrame  tokenKind = iota
	tokACK              // the host aborts, or confirms a response
	tokNACK             // the host wants the last response again
	tokBadLCS           // a length that does not fit its check byte
	tokBadDCS           // data that do not fit theirs
	tokLong             // longer than any frame may be
)

// token is one frame that the host has sent, good or bad.
type token struct {
	kind tokenKind
	data []byte // of tokFrame: TFI and what follows, without DCS
}

// scanner cuts the host's byte stream into frames. It looks for 00 FF, however
// long the preamble is, and goes on looking after whatever it could not read.
type scanner struct{ buf []byte }

func (sc *scanner) reset() { sc.buf = nil }

// push takes bytes and returns the frames that they complete.
func (sc *scanner) push(b []byte) []token {
	sc.buf = append(sc.buf, b...)
	var out []token
	for {
		t, used, ok := sc.next()
		if used > 0 {
			sc.buf = bytes.Clone(sc.buf[used:])
		}
		if !ok {
			return out
		}
		out = append(out, t)
	}
}

// next reads one frame at the start of the buffer. used says how much of the
// buffer is done with, also when no frame is complete.
func (sc *scanner) next() (t token, used int, ok bool) {
	start := bytes.Index(sc.buf, []byte{0x00, 0xFF})
	if start < 0 {
		// A zero at the end may begin the start code.
		keep := 0
		if n := len(sc.buf); n > 0 && sc.buf[n-1] == 0 {
			keep = 1
		}
		return token{}, len(sc.buf) - keep, false
	}
	head := sc.buf[start+2:]
	at := start + 2
	if len(head) < 2 {
		return token{}, start, false
	}
	length, size := int(head[0]), 2
	switch {
	case head[0] == 0x00 && head[1] == 0xFF:
		return token{kind: tokACK}, at + 2, true
	case head[0] == 0xFF && head[1] == 0x00:
		return token{kind: tokNACK}, at + 2, true
	case head[0] == 0xFF && head[1] == 0xFF:
		if len(head) < 5 {
			return token{}, start, false
		}
		length, size = int(head[2])<<8|int(head[3]), 5
		if sum(head[2:5]) != 0 {
			return token{kind: tokBadLCS}, at, true
		}
	case sum(head[:2]) != 0:
		return token{kind: tokBadLCS}, at, true
	}
	if length > maxData || length == 0 {
		return token{kind: tokLong}, at + size, true
	}
	if len(head) < size+length+1 {
		return token{}, start, false
	}
	data := head[size : size+length]
	if sum(data)+head[size+length] != 0 {
		return token{kind: tokBadDCS}, at, true
	}
	return token{kind: tokFrame, data: bytes.Clone(data)}, at + size + length + 1, true
}
