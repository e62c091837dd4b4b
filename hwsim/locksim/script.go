package locksim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// event is one thing that happens in a recording: the agent sends a token, or
// the lock system sends bytes.
type event struct {
	line int
	at   time.Duration
	want *pattern // of the agent, or nil
	out  []byte   // of the lock system
}

// pattern is a token of the agent with what was redacted in it.
type pattern struct {
	token
	anyBody, anyCheck []bool
}

// matches compares a token with the pattern. The check of a frame with redacted
// bytes cannot be compared: it has to be sound.
func (p *pattern) matches(t token, lang *dialect) bool {
	if t.kind != p.kind || len(t.body) != len(p.body) || len(t.check) != len(p.check) {
		return false
	}
	for i, b := range p.body {
		if !p.anyBody[i] && t.body[i] != b {
			return false
		}
	}
	if p.redacted() {
		return lang.sound(t, true)
	}
	return slices.Equal(t.check, p.check)
}

func (p *pattern) redacted() bool {
	return slices.Contains(p.anyBody, true) || slices.Contains(p.anyCheck, true)
}

// String shows a token for people.
func (p *pattern) String() string {
	if p.kind != tokFrame {
		return p.token.String()
	}
	var out strings.Builder
	show := func(b []byte, hidden []bool) {
		for i, c := range b {
			if hidden[i] {
				out.WriteString(" ??")
			} else {
				fmt.Fprintf(&out, " %02X", c)
			}
		}
	}
	out.WriteString("02")
	show(p.body, p.anyBody)
	out.WriteString(" 03")
	show(p.check, p.anyCheck)
	return out.String()
}

// String shows a token for people.
func (t token) String() string {
	switch t.kind {
	case tokENQ:
		return "ENQ"
	case tokACK:
		return "ACK"
	case tokNAK:
		return "NAK"
	}
	return fmt.Sprintf("02 % X 03 % X", t.body, t.check)
}

// cutter is a scanner that remembers which bytes were redacted. It takes a
// redacted byte for text.
type cutter struct {
	scan              scanner
	anyBody, anyCheck []bool
}

func (c *cutter) push(x cell) (*pattern, bool) {
	b := x.b
	if x.any {
		b = filler
	}
	inCheck, had := c.scan.last, len(c.scan.body)
	t, ok := c.scan.push(b)
	switch {
	case inCheck:
		c.anyCheck = append(c.anyCheck, x.any)
	case !c.scan.in || len(c.scan.body) == 0:
		c.anyBody, c.anyCheck = nil, nil
	case len(c.scan.body) > had:
		c.anyBody = append(c.anyBody, x.any)
	}
	if !ok {
		return nil, false
	}
	p := &pattern{token: t, anyBody: c.anyBody, anyCheck: c.anyCheck}
	c.anyBody, c.anyCheck = nil, nil
	return p, true
}

// filler takes the place of a redacted byte that the lock system sends.
const filler = '0'

// script makes the events of a recording in a family's language.
func (r *Recording) script(lang *dialect) []event {
	host := cutter{scan: scanner{checks: lang.checks}}
	lock := sealer{lang: lang, cut: cutter{scan: scanner{checks: lang.checks}}}
	var events []event
	for _, p := range r.pieces {
		if p.dir != r.host {
			events = append(events, event{line: p.line, at: p.at, out: lock.bytes(p.cells)})
			continue
		}
		for _, x := range p.cells {
			if want, ok := host.push(x); ok {
				events = append(events, event{line: p.line, at: p.at, want: want})
			}
		}
	}
	return events
}

// sealer fills in the redacted bytes of the lock system, and gives the frames
// that had any a check that fits.
type sealer struct {
	lang *dialect
	cut  cutter
	tail []*byte // the last bytes, as many as a check has
}

func (s *sealer) bytes(cells []cell) []byte {
	out := make([]byte, len(cells))
	for i, x := range cells {
		out[i] = x.b
		if x.any {
			out[i] = filler
		}
		s.tail = append(s.tail, &out[i])
		s.tail = s.tail[max(0, len(s.tail)-s.lang.checks):]
		p, ok := s.cut.push(x)
		if !ok || p.kind != tokFrame || !p.redacted() {
			continue
		}
		for k, b := range s.lang.seal(p.body) {
			*s.tail[k] = b
		}
	}
	return out
}
