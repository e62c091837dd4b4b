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

// trace is a ring of what went over the line.
type trace struct {
	mu      sync.Mutex
	entries []TraceEntry
	next    int
	noise   int // bytes of noise in the newest entry, 0 if it holds none
}

func (t *trace) add(sent bool, text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.noise = 0
	t.put(TraceEntry{At: time.Now(), Sent: sent, Text: text})
}

func (t *trace) put(e TraceEntry) {
	if len(t.entries) < traceLen {
		t.entries = append(t.entries, e)
		return
	}
	t.entries[t.next] = e
	t.next = (t.next + 1) % traceLen
}

// received records a token; bytes of noise gather in one entry.
func (t *trace) received(tok token) {
	if tok.kind != kindNoise {
		t.add(false, describe(tok))
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.noise == 0 || t.noise >= noiseLen {
		t.noise = 0
		t.put(TraceEntry{At: time.Now(), Text: "noise"})
	}
	t.noise++
	newest := &t.entries[(t.next+len(t.entries)-1)%len(t.entries)]
	newest.Text += " " + noiseByte(tok.b)
}

// noiseByte shows what tells a wrong speed or parity. Letters and digits may be
// a piece of somebody's name and stay hidden.
func noiseByte(b byte) string {
	if b >= 0x20 && b <= 0x7E {
		return "··"
	}
	return fmt.Sprintf("%02x", b)
}

func describe(tok token) string {
	switch tok.kind {
	case kindControl:
		return controlName(tok.b)
	case kindFrame:
		if tok.wildcard {
			return redact(tok.fields) + " (check byte: do not verify)"
		}
		return redact(tok.fields)
	}
	return string(tok.kind) + " frame"
}

func controlName(b byte) string {
	switch b {
	case enq:
		return "ENQ"
	case ack:
		return "ACK"
	case nak:
		return "NAK"
	}
	return fmt.Sprintf("%02x", b)
}

// redact writes fields as they stand in a frame, with <n> for n hidden bytes.
func redact(fields []string) string {
	shown := make([]string, len(fields))
	for i, field := range fields {
		if shown[i] = printable(field, 80); field != "" && hidden(fields, i) {
			shown[i] = fmt.Sprintf("<%d>", len(field))
		}
	}
	return strings.Join(shown, "|")
}

// hidden: the operator and all that follows it (tracks, numbers of cards,
// authorisation code), a phone, a track, and the card's number in an answer.
func hidden(fields []string, i int) bool {
	switch command := fields[0]; {
	case i == 1:
		return phoneNumber.MatchString(fields[1])
	case command == "CNM" || command == "CCM":
		return i >= 10
	case command == "MC":
		return i >= 4
	case len(command) == 2 && command[0] == 'P':
		return i >= 3
	case i >= 11:
		return i != 15
	case i == 2:
		return len(fields) == 3 && len(fields[2]) > 2 && isCommand(fields[0]) && fields[0] != "CO" && fields[0] != "LT"
	}
	return false
}

func (t *trace) list() []TraceEntry {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append(slices.Clone(t.entries[t.next:]), t.entries[:t.next]...)
}
