package keycard

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// TraceEntry is something that went over the line, without operators, tracks,
// card numbers and authorisation codes.
type TraceEntry struct {
	At   time.Time `json:"at"`
	Sent bool      `json:"sent"`
	Text string    `json:"text"`
}

// traceLen is how many entries are kept, noiseLen how many bytes of noise share one.
const (
	traceLen = 400
	noiseLen = 32
)

// trace is a ring of what went over the line, and hands it to recorders.
type trace struct {
	shows func(dir Direction, fields []string, i int) int // nil: showsStandard

	mu        sync.Mutex
	lines     []Line
	next      int
	recorders []*Recorder
	heard     bool // the newest line, if it is noise, has gone to the recorders
}

// sent records bytes of ours: a control byte, or a frame of these fields.
func (t *trace) sent(b []byte, fields []string) {
	l := Line{Dir: Sent, Kind: KindFrame, Fields: t.redact(Sent, fields)}
	if len(fields) == 0 {
		l.Kind = controlKind(b[0])
	}
	t.add(l)
}

// received records a token; bytes of noise gather in one line.
func (t *trace) received(tok token) {
	l := Line{Dir: Received, Size: tok.size}
	switch tok.kind {
	case kindControl:
		l.Kind = controlKind(tok.b)
	case kindFrame:
		if l.Kind = KindFrame; tok.wildcard {
			l.Kind = KindWildcard
		}
		l.Fields = t.redact(Received, tok.fields)
	case kindDamaged:
		l.Kind = KindDamaged
	case kindTruncated:
		l.Kind = KindTruncated
	case kindNoise:
		t.addNoise(tok.b)
		return
	}
	t.add(l)
}

// note records what happened to the line itself.
func (t *trace) note(text string) {
	t.add(Line{Dir: Noted, Text: printable(text, 200)})
}

func (t *trace) add(l Line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.flush()
	l.At = time.Now()
	t.put(l)
	for _, r := range t.recorders {
		r.take(l)
	}
}

// addNoise shows what tells a wrong speed or parity. Letters and digits may be
// a piece of somebody's name and stay hidden.
func (t *trace) addNoise(b byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	newest := t.newest()
	if newest == nil || newest.Kind != KindNoise || t.heard || len(newest.Noise) >= noiseLen {
		t.flush()
		t.put(Line{At: time.Now(), Dir: Received, Kind: KindNoise})
		newest, t.heard = t.newest(), false
	}
	shown := int(b)
	if b >= 0x20 && b <= 0x7E {
		shown = HiddenByte
	}
	newest.Noise = append(newest.Noise, shown)
}

// flush hands noise to the recorders once no more can join it.
func (t *trace) flush() {
	newest := t.newest()
	if newest == nil || newest.Kind != KindNoise || t.heard {
		return
	}
	t.heard = true
	for _, r := range t.recorders {
		r.take(*newest)
	}
}

func (t *trace) newest() *Line {
	if len(t.lines) == 0 {
		return nil
	}
	return &t.lines[(t.next+len(t.lines)-1)%len(t.lines)]
}

func (t *trace) put(l Line) {
	if len(t.lines) < traceLen {
		t.lines = append(t.lines, l)
		return
	}
	t.lines[t.next] = l
	t.next = (t.next + 1) % traceLen
}

func (t *trace) list() []TraceEntry {
	t.mu.Lock()
	defer t.mu.Unlock()
	entries := make([]TraceEntry, 0, len(t.lines))
	for _, l := range slices.Concat(t.lines[t.next:], t.lines[:t.next]) {
		entries = append(entries, TraceEntry{At: l.At, Sent: l.Dir == Sent, Text: l.text()})
	}
	return entries
}

// text is the line for the status page.
func (l Line) text() string {
	switch l.Kind {
	case KindFrame, KindWildcard:
		shown := make([]string, len(l.Fields))
		for i, f := range l.Fields {
			if shown[i] = printable(f.Text, 80); f.Hidden > 0 {
				shown[i] += fmt.Sprintf("<%d>", f.Hidden)
			}
		}
		text := strings.Join(shown, "|")
		if l.Kind == KindWildcard {
			text += " (check byte: do not verify)"
		}
		return text
	case KindNoise:
		var text strings.Builder
		text.WriteString("noise")
		for _, b := range l.Noise {
			if b == HiddenByte {
				text.WriteString(" ··")
			} else {
				fmt.Fprintf(&text, " %02x", b)
			}
		}
		return text.String()
	case KindDamaged, KindTruncated:
		return string(l.Kind) + " frame"
	}
	return or(l.Text, string(l.Kind))
}

func controlKind(b byte) LineKind {
	switch b {
	case enq:
		return KindENQ
	case ack:
		return KindACK
	}
	return KindNAK
}

// redact gives the fields of a frame with what may be shown of each.
func (t *trace) redact(dir Direction, fields []string) []Field {
	shows := t.shows
	if shows == nil {
		shows = showsStandard
	}
	redacted := make([]Field, len(fields))
	for i, field := range fields {
		n := min(shows(dir, fields, i), len(field))
		redacted[i] = Field{Text: field[:n], Hidden: len(field) - n}
	}
	return redacted
}
