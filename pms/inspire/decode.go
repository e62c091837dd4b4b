package inspire

import (
	"bytes"
	"errors"
	"html"
	"math/bits"
	"strconv"
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
}

// decoder reads frames. One goroutine owns it.
type decoder struct {
	scanner
	names  *names
	frame  frame
	seen   bool // the payload had a newEvent member
	fields []pms.Field
	ev     event
	parts  eventParts
	key    []byte
	// message is a member of that name beside type; lost is why the events
	// of this frame cannot be taken.
	message []byte
	lost    error
}

type eventParts struct {
	module, event []byte
	details       uint64
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
	f.kind = frameEvents
	switch {
	case d.lost != nil:
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

// newEvent reads one event, a list of them, or null.
func (d *decoder) newEvent() {
	f := &d.frame
	f.events, d.seen, d.lost = f.events[:0], true, nil
	switch d.peek() {
	case '{':
		d.event()
	case '[':
		d.enter('[')
		for i := 0; d.item(i); i++ {
			if d.peek() == '{' && len(f.events) < maxEvents {
				d.event()
				continue
			}
			if d.peek() == '{' {
				d.lost = errOversized
			}
			d.skip()
		}
	case 'n':
		d.bare()
	default:
		d.skip()
		d.lost = errNoEvent
	}
}

func (d *decoder) event() {
	start := d.pos
	d.ev, d.parts, d.fields = event{}, eventParts{}, d.fields[:0]
	d.enter('{')
	for i := 0; ; i++ {
		key, ok := d.member(i)
		if !ok {
			break
		}
		switch string(key) {
		case "metadata":
			d.metadata()
		case "moduleName":
			d.parts.module = d.scalar()
		case "eventName":
			d.parts.event = d.scalar()
		case "primaryKey":
			d.ev.primaryKey = clip(string(d.scalar()), 100)
		case "timestamp":
			d.ev.stamp = clip(string(d.scalar()), 60)
		case "hotelId":
			d.ev.hotel = clip(string(d.scalar()), 60)
		case "detail":
			d.details()
		default:
			d.skip()
		}
	}
	if d.err != nil {
		return
	}
	d.close(start)
}

// close completes the event that began at start.
func (d *decoder) close(start int) {
	ev := &d.ev
	if ev.offset == "" {
		d.lost = errNoOffset
		return
	}
	ev.name = d.eventName(d.parts.module, d.parts.event)
	ev.hash = mix(mix(hashBytes(1, d.parts.module), hashBytes(2, d.parts.event)), d.parts.details)
	if len(d.fields) > 0 {
		ev.fields = append(make([]pms.Field, 0, len(d.fields)), d.fields...)
	}
	if ev.name.kind == pms.KindUnknown {
		ev.raw = bytes.Clone(d.data[start:min(d.pos, start+maxRaw)])
	}
	d.frame.events = append(d.frame.events, *ev)
}

func (d *decoder) metadata() {
	d.ev.offset, d.ev.unique = "", ""
	if !d.enter('{') {
		return
	}
	for i := 0; ; i++ {
		key, ok := d.member(i)
		if !ok {
			return
		}
		switch string(key) {
		case "offset":
			if text := d.scalar(); len(text) <= maxOffset {
				d.ev.offset = string(text)
			}
		case "uniqueEventId":
			d.ev.unique = clip(string(d.scalar()), 100)
		default:
			d.skip()
		}
	}
}

// details reads the list of elements; one element alone and none at all are
// taken as well.
func (d *decoder) details() {
	d.fields, d.ev.unmapped, d.parts.details = d.fields[:0], nil, 0
	switch d.peek() {
	case '{':
		d.element(0)
	case '[':
		d.enter('[')
		for i := 0; d.item(i); i++ {
			if d.peek() == '{' {
				d.element(i)
			} else {
				d.skip()
			}
		}
	default:
		d.skip()
	}
}

func (d *decoder) element(place int) {
	var name, before, after []byte
	seq := -1
	d.enter('{')
	for i := 0; ; i++ {
		key, ok := d.member(i)
		if !ok {
			break
		}
		switch string(key) {
		case "elementName":
			name = d.scalar()
		case "oldValue":
			before = d.scalar()
		case "newValue":
			after = d.scalar()
		case "elementSequence":
			seq = -1
			if n, err := strconv.Atoi(string(d.scalar())); err == nil && n >= 0 {
				seq = n
			}
		default:
			d.skip()
		}
	}
	if d.err != nil {
		return
	}
	d.parts.details = mix(mix(mix(d.parts.details, hashBytes(3, name)), hashBytes(4, before)), hashBytes(5, after))
	el := d.elementName(name)
	switch {
	case !el.known:
		if el.spelled != "" && len(d.ev.unmapped) < maxUnmapped {
			d.ev.unmapped = append(d.ev.unmapped, el.spelled)
		}
		return
	case el.field == pms.FieldIgnored:
		return
	case len(d.fields) >= maxFields:
		d.lost = errOversized
		return
	}
	if seq < 0 {
		seq = place
	}
	f := pms.Field{Name: el.field, Old: valueText(el, before), Seq: seq}
	if bytes.Equal(before, after) {
		f.New = f.Old
	} else {
		f.New = valueText(el, after)
	}
	d.fields = append(d.fields, f)
}

// valueText copies a value out of the frame. Values can be HTML-escaped, once.
func valueText(el *elementName, raw []byte) string {
	if len(raw) == 0 {
		return ""
	}
	text := string(raw)
	if strings.IndexByte(text, '&') >= 0 {
		text = html.UnescapeString(text)
	}
	if el.tidy != nil {
		text = el.tidy(text)
	}
	return text
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

// hashBytes is a 64-bit hash that stays the same over versions and machines,
// as it is written down with the offset. It guards against mix-ups, not
// against malice. The seed tells the members of an event apart.
func hashBytes(seed uint64, b []byte) uint64 {
	h := seed*0x9e3779b97f4a7c15 + uint64(len(b))
	for len(b) >= 8 {
		h = mix(h, uint64(b[0])|uint64(b[1])<<8|uint64(b[2])<<16|uint64(b[3])<<24|uint64(b[4])<<32|uint64(b[5])<<40|uint64(b[6])<<48|uint64(b[7])<<56)
		b = b[8:]
	}
	var last uint64
	for i, c := range b {
		last |= uint64(c) << (8 * i)
	}
	return mix(h, last)
}

// mix folds the 128-bit product of both, each with a constant of its own.
func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return hi ^ lo
}
