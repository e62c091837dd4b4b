package keycard

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The bytes of the Industry Standard link.
const (
	stx      = 0x02
	etx      = 0x03
	enq      = 0x05
	ack      = 0x06
	nak      = 0x15
	wildcard = 0x0D // as check byte: "do not verify"
	sep      = 0xB3 // one raw byte; its UTF-8 form breaks the link
)

// maxFrame bounds a frame in bytes between STX and ETX. Normal ones stay under 600.
const maxFrame = 8 << 10

// appendFrame appends STX SEP field SEP … SEP ETX LRC to dst. Fields must be
// printable ASCII: what stands above 0x7F is read differently by every lock system.
func appendFrame(dst []byte, fields ...string) ([]byte, error) {
	if len(fields) == 0 {
		return dst, errors.New("a frame needs at least one field")
	}
	start := len(dst)
	dst = append(dst, stx, sep)
	for i, field := range fields {
		for _, b := range []byte(field) {
			if b < 0x20 || b > 0x7E {
				return dst[:start], fmt.Errorf("field %d holds byte %#02x: only printable ASCII can be sent", i, b)
			}
		}
		dst = append(dst, field...)
		dst = append(dst, sep)
	}
	if len(dst)-start > maxFrame {
		return dst[:start], fmt.Errorf("frame of %d bytes: at most %d can be sent", len(dst)-start, maxFrame)
	}
	dst = append(dst, etx)
	return append(dst, lrc(dst[start+1:])), nil
}

// lrc is the exclusive or of everything after STX up to and including ETX.
func lrc(b []byte) byte {
	var sum byte
	for _, x := range b {
		sum ^= x
	}
	return sum
}

// tokenKind says what a stretch of received bytes is.
type tokenKind string

const (
	kindControl   tokenKind = "control"   // ENQ, ACK or NAK
	kindFrame     tokenKind = "frame"     // a whole frame with a good check byte
	kindDamaged   tokenKind = "damaged"   // a whole frame, but its check byte or shape is wrong
	kindTruncated tokenKind = "truncated" // a frame that broke off or had no end
	kindNoise     tokenKind = "noise"     // a byte that means nothing
)

// token is one thing that the other side said.
type token struct {
	kind     tokenKind
	b        byte     // of control and noise
	fields   []string // of a frame; of a damaged one as far as they can be told
	wildcard bool     // the check byte was the wildcard
}

func (t token) is(b byte) bool { return t.kind == kindControl && t.b == b }

// parser cuts a byte stream into tokens, one byte at a time, and holds at most
// one frame. After ETX it takes exactly one byte, whatever its value: a check
// byte can look like every control byte.
type parser struct {
	acceptWildcard bool
	state          parserState
	body           []byte // after STX, up to and including ETX
	dirty          bool   // the body holds a control byte
}

type parserState int

const (
	between parserState = iota
	inBody
	atCheck
	atStrayCheck // after an ETX outside a frame: the tail of one whose start was lost
)

// feed takes the next byte and reports what it completed, if anything.
func (p *parser) feed(b byte) (token, bool) {
	switch p.state {
	case inBody:
		return p.feedBody(b)
	case atCheck:
		p.state = between
		return p.finish(b), true
	case atStrayCheck:
		p.state = between
		return token{kind: kindNoise, b: b}, true
	}
	switch b {
	case stx:
		p.begin()
		return token{}, false
	case enq, ack, nak:
		return token{kind: kindControl, b: b}, true
	case etx:
		p.state = atStrayCheck
	}
	return token{kind: kindNoise, b: b}, true
}

func (p *parser) feedBody(b byte) (token, bool) {
	switch {
	case b == stx: // the frame before it broke off
		broken := len(p.body) > 0
		p.begin()
		return token{kind: kindTruncated}, broken
	case b == etx:
		p.body = append(p.body, b)
		p.state = atCheck
		return token{}, false
	case len(p.body) >= maxFrame:
		p.reset()
		return token{kind: kindTruncated}, true
	case b < 0x20:
		p.dirty = true
	}
	p.body = append(p.body, b)
	return token{}, false
}

func (p *parser) finish(check byte) token {
	t := token{kind: kindFrame, fields: split(p.body[:len(p.body)-1])}
	switch {
	case p.dirty || p.body[0] != sep:
		t.kind = kindDamaged
	case check == lrc(p.body):
	case check == wildcard && p.acceptWildcard:
		t.wildcard = true
	default:
		t.kind = kindDamaged
	}
	p.reset()
	return t
}

// split gives the fields between the separators; the last separator may be missing.
func split(body []byte) []string {
	body = bytes.TrimPrefix(body, []byte{sep})
	body = bytes.TrimSuffix(body, []byte{sep})
	parts := bytes.Split(body, []byte{sep})
	fields := make([]string, len(parts))
	for i, part := range parts {
		fields[i] = string(part)
	}
	return fields
}

func (p *parser) begin() {
	p.reset()
	p.state = inBody
}

// open reports whether a frame, or the check byte of one, is unfinished.
func (p *parser) open() bool { return p.state != between }

// reset forgets an unfinished frame.
func (p *parser) reset() {
	p.state, p.body, p.dirty = between, p.body[:0], false
}

// trimEmpty drops empty fields at the end, which either side may leave out.
func trimEmpty(fields []string) []string {
	for len(fields) > 1 && fields[len(fields)-1] == "" {
		fields = fields[:len(fields)-1]
	}
	return fields
}

func sameFields(a, b []string) bool { return slices.Equal(trimEmpty(a), trimEmpty(b)) }

// printable keeps what can be shown of a text from the wire, at most limit bytes of it.
func printable(text string, limit int) string {
	clean := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7E {
			return '?'
		}
		return r
	}, text)
	return clean[:min(len(clean), limit)]
}
