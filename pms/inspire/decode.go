package inspire

import (
	"errors"
	"strings"

	"edgeagent/pms"
)

// Bounds on what one frame can make us hold.
const (
	maxRaw       = 4 << 10
	maxFrameText = 300   // of an error message
	maxEvents    = 16384 // in one frame
	maxFields    = 1024  // in one event
	maxUnmapped  = 32    // names per event
	maxOffset    = 64    // bytes of an offset
)

var (
	errNoEvent   = errors.New("an event frame without an event")
	errNoOffset  = errors.New("an event without an offset")
	errOversized = errors.New("more events or elements in one frame than can be right")
)

// event is one newEvent as it came: names already mapped, texts copied out of
// the frame.
type event struct {
	offset, unique    string
	name              *eventName
	primaryKey, hotel string
	stamp             string // the PMS's own time, as spelled
	hash              uint64 // over module, event and detail
	fields            []pms.Field
	unmapped          []string
	raw               []byte // kept of an event of unknown kind
}

type frameKind int

const (
	frameOther frameKind = iota // an unknown type: ignored
	frameAck
	framePing
	framePong
	frameKeepAlive
	frameEvents
	frameError           // that operation is over
	frameConnectionError // the older protocol's refusal
	frameComplete
)

// frame is what one message said. Its slices are good until the next decode,
// the events in it for ever.
type frame struct {
	kind      frameKind
	typ       string // as spelled, of frameOther only
	payload   []byte // raw JSON, of a ping
	events    []event
	errorText string // messages of an error frame, or errors beside data
	errorCode string // extensions.code of the first error
	lost      error  // why some events of this frame could not be taken
}

// decoder reads frames. One goroutine owns it.
type decoder struct {
	scanner
	names  *names
	frame  frame
	seen   bool // the payload had a newEvent member
	values []rawField
	parts  eventParts
	key    []byte
	copied []byte // the texts of an event, before they become one string
	// message is a member of that name beside type; lost is why the events
	// of this frame cannot be taken.
	message []byte
	lost    error
}

// eventParts is the event being read; its texts still lie in the frame.
type eventParts struct {
	module, event, offset, unique, key, stamp, hotel []byte

	unmapped []string
	details  uint64 // hash of the elements so far
	lost     error
}

type rawField struct {
	el            *elementName
	before, after []byte
	seq           int
}

func newDecoder(n *names) *decoder { return &decoder{names: n.session()} }

// decode reads one message. An error means that the text is no JSON, or says
// that it carries an event and does not; then it belongs into quarantine.
func (d *decoder) decode(data []byte) (*frame, error) {
	d.reset(data)
	d.frame = frame{events: d.frame.events[:0]}
	d.seen, d.lost, d.message = false, nil, nil
	var typ []byte
	payload := -1
	parsed := false // the payload, as events
	if d.enter('{') {
		for i := 0; ; i++ {
			key, ok := d.member(i)
			if !ok {
				break
			}
			switch string(key) {
			case "type":
				typ = d.scalar()
			case "payload":
				d.peek()
				payload = d.pos
				if parsed = isEventType(typ); parsed {
					d.eventPayload()
				} else {
					d.skip()
				}
			case "message":
				d.message = d.scalar()
			default:
				d.skip()
			}
		}
	} else if d.err == nil {
		d.err = errNoEvent
	}
	if !d.end() && d.err == nil {
		d.err = errSyntax
	}
	if d.err != nil {
		return nil, d.err
	}
	return d.finish(typ, payload, parsed)
}

func isEventType(typ []byte) bool { return string(typ) == "next" || string(typ) == "data" }

// finish reads a payload that came before its type, or belongs to another
// type than the first one said, and tells what the frame is.
func (d *decoder) finish(typ []byte, payload int, parsed bool) (*frame, error) {
	f := &d.frame
	f.kind = kindOf(typ)
	events := f.kind == frameEvents || len(typ) == 0
	if payload >= 0 && !(events && parsed) {
		f.events, f.errorText, f.errorCode, d.seen, d.lost = f.events[:0], "", "", false, nil
		d.pos, d.depth = payload, 1
		switch {
		case events:
			d.eventPayload()
		case f.kind == frameError || f.kind == frameConnectionError:
			d.errorPayload()
		case f.kind == framePing:
			d.skip()
			f.payload = d.data[payload:d.pos]
		}
	}
	if f.kind == frameConnectionError || f.kind == frameError {
		d.addError(d.message)
	}
	if f.kind == frameOther {
		f.typ = clip(string(typ), 40)
	}
	if !events {
		return f, nil
	}
	f.kind, f.lost = frameEvents, d.lost
	switch {
	case d.lost != nil && len(f.events) == 0:
		return nil, d.lost
	case len(f.events) == 0 && f.errorText != "":
		f.kind = frameError
	case !d.seen && len(typ) == 0:
		f.kind, f.typ = frameOther, "(none)"
	case !d.seen:
		return nil, errNoEvent
	}
	return f, nil
}

func kindOf(typ []byte) frameKind {
	switch string(typ) {
	case "next", "data":
		return frameEvents
	case "connection_ack":
		return frameAck
	case "ping":
		return framePing
	case "pong":
		return framePong
	case "ka":
		return frameKeepAlive
	case "error":
		return frameError
	case "connection_error":
		return frameConnectionError
	case "complete":
		return frameComplete
	}
	return frameOther
}

// eventPayload reads {"data":{"newEvent":...},"errors":[...]} or
// {"newEvent":...}. Of a member that comes twice the last one counts.
func (d *decoder) eventPayload() {
	f := &d.frame
	f.events, f.errorText, f.errorCode, d.seen, d.lost = f.events[:0], "", "", false, nil
	if !d.enter('{') {
		return
	}
	for i := 0; ; i++ {
		key, ok := d.member(i)
		if !ok {
			return
		}
		switch string(key) {
		case "data":
			f.events, d.seen, d.lost = f.events[:0], false, nil
			if !d.enter('{') {
				continue
			}
			for j := 0; ; j++ {
				key, ok := d.member(j)
				if !ok {
					break
				}
				if string(key) == "newEvent" {
					d.newEvent()
				} else {
					d.skip()
				}
			}
		case "newEvent":
			d.newEvent()
		case "errors":
			f.errorText, f.errorCode = "", ""
			d.errorPayload()
		default:
			d.skip()
		}
	}
}

// errorPayload reads a list of GraphQL errors, one error, or a bare text.
func (d *decoder) errorPayload() {
	switch d.peek() {
	case '[':
		d.enter('[')
		for i := 0; d.item(i); i++ {
			d.oneError()
		}
	default:
		d.oneError()
	}
}

func (d *decoder) oneError() {
	if d.peek() != '{' {
		d.addError(d.scalar())
		return
	}
	d.enter('{')
	known := false
	for i := 0; ; i++ {
		key, ok := d.member(i)
		if !ok {
			break
		}
		switch string(key) {
		case "message":
			text := d.scalar()
			known = known || len(text) > 0
			d.addError(text)
		case "extensions":
			d.errorExtensions()
		default:
			d.skip()
		}
	}
	if !known {
		d.addError([]byte("an error without a message"))
	}
}

func (d *decoder) errorExtensions() {
	if !d.enter('{') {
		return
	}
	for i := 0; ; i++ {
		key, ok := d.member(i)
		if !ok {
			return
		}
		if string(key) == "code" && d.frame.errorCode == "" {
			d.frame.errorCode = clip(string(d.scalar()), 60)
		} else {
			d.skip()
		}
	}
}

func (d *decoder) addError(text []byte) {
	f := &d.frame
	if len(text) == 0 || len(f.errorText) >= maxFrameText {
		return
	}
	if f.errorText != "" {
		f.errorText += "; "
	}
	f.errorText = clip(f.errorText+string(text[:min(len(text), maxFrameText)]), maxFrameText)
}

// clip cuts a text to at most n bytes, at a rune.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
