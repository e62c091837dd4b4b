package keycard

import (
	"bytes"
	"encoding/hex"
)

// parser cuts a byte stream into tokens, one byte at a time, and holds at most
// one frame. After ETX it takes exactly the check, whatever its value: a check
// byte can look like every control byte.
type parser struct {
	form           *framing
	acceptWildcard bool
	state          parserState
	body           []byte // after STX, up to and including ETX
	check          []byte // what has come of it
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
		return p.feedCheck(b)
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
		if !p.form.hex { // hexadecimal digits cannot look like anything else
			p.state = atStrayCheck
		}
	}
	return token{kind: kindNoise, b: b}, true
}

func (p *parser) feedBody(b byte) (token, bool) {
	switch {
	case b == stx: // the frame before it broke off
		size := len(p.body)
		p.begin()
		return token{kind: kindTruncated, size: size}, size > 0
	case b == etx:
		p.body = append(p.body, b)
		p.state = atCheck
		return token{}, false
	case len(p.body) >= maxFrame:
		size := len(p.body)
		p.reset()
		return token{kind: kindTruncated, size: size}, true
	case b < 0x20 && b != p.form.sep:
		p.dirty = true
	}
	p.body = append(p.body, b)
	return token{}, false
}

func (p *parser) feedCheck(b byte) (token, bool) {
	p.check = append(p.check, b)
	switch {
	case !p.form.hex:
		return p.finish(b), true
	case !isHexDigit(b): // the check is lost; what stands in its place may begin the next frame
		t := p.finish(0)
		t.kind = kindDamaged
		if b == stx {
			p.begin()
		}
		return t, true
	case len(p.check) < 2:
		return token{}, false
	}
	var sum [1]byte
	_, _ = hex.Decode(sum[:], p.check) // two digits
	return p.finish(sum[0]), true
}

func isHexDigit(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'A' && b <= 'F' || b >= 'a' && b <= 'f'
}

func (p *parser) finish(check byte) token {
	body := p.body[:len(p.body)-1]
	t := token{kind: kindFrame, fields: p.form.split(body)}
	switch {
	case p.dirty, len(body) == 0, p.form.edged && body[0] != p.form.sep:
		t.kind = kindDamaged
	case check == lrc(p.body):
	case check == wildcard && p.acceptWildcard && !p.form.hex:
		t.wildcard = true
	default:
		t.kind = kindDamaged
	}
	if t.kind == kindDamaged {
		t.size = len(body)
	}
	p.reset()
	return t
}

// split gives the fields between the separators; the last separator may be missing.
func (f *framing) split(body []byte) []string {
	if f.edged {
		body = bytes.TrimPrefix(body, []byte{f.sep})
		body = bytes.TrimSuffix(body, []byte{f.sep})
	}
	parts := bytes.Split(body, []byte{f.sep})
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

// open reports whether a frame, or the check of one, is unfinished.
func (p *parser) open() bool { return p.state != between }

// reset forgets an unfinished frame.
func (p *parser) reset() {
	p.state, p.body, p.check, p.dirty = between, p.body[:0], p.check[:0], false
}
