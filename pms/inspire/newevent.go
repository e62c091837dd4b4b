package inspire

import (
	"bytes"
	"html"
	"strconv"
	"strings"

	"edgeagent/pms"
)

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
			if d.peek() == '{' {
				d.event()
			} else {
				d.skip()
			}
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
	d.parts, d.values = eventParts{}, d.values[:0]
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
			d.parts.key = d.scalar()
		case "timestamp":
			d.parts.stamp = d.scalar()
		case "hotelId":
			d.parts.hotel = d.scalar()
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

// close completes the event that began at start: all its texts are copied out
// of the frame in one piece.
func (d *decoder) close(start int) {
	p := &d.parts
	switch {
	case len(p.offset) == 0 || len(p.offset) > maxOffset:
		p.lost = errNoOffset
	case len(d.frame.events) >= maxEvents:
		p.lost = errOversized
	}
	if p.lost != nil {
		d.lost = p.lost
		return
	}
	cut := d.copyTexts()
	ev := event{
		offset: cut.next(p.offset), unique: clip(cut.next(p.unique), 100), primaryKey: clip(cut.next(p.key), 100),
		stamp: clip(cut.next(p.stamp), 60), hotel: clip(cut.next(p.hotel), 60),
		name: d.eventName(p.module, p.event), unmapped: p.unmapped,
		hash: mix(mix(hashBytes(1, p.module), hashBytes(2, p.event)), p.details),
	}
	if len(d.values) > 0 {
		ev.fields = make([]pms.Field, len(d.values))
	}
	for i, v := range d.values {
		f := pms.Field{Name: v.el.field, Old: valueText(v.el, cut.next(v.before)), Seq: v.seq}
		if f.New = f.Old; !v.same() {
			f.New = valueText(v.el, cut.next(v.after))
		}
		ev.fields[i] = f
	}
	if ev.name.kind == pms.KindUnknown {
		ev.raw = bytes.Clone(d.data[start:min(d.pos, start+maxRaw)])
	}
	d.frame.events = append(d.frame.events, ev)
}

func (v *rawField) same() bool { return bytes.Equal(v.before, v.after) }

// copyTexts copies the event's texts into one string, in the order in which
// close takes them.
func (d *decoder) copyTexts() cutter {
	p := &d.parts
	d.copied = d.copied[:0]
	for _, text := range [...][]byte{p.offset, p.unique, p.key, p.stamp, p.hotel} {
		d.copied = append(d.copied, text...)
	}
	for i := range d.values {
		v := &d.values[i]
		if d.copied = append(d.copied, v.before...); !v.same() {
			d.copied = append(d.copied, v.after...)
		}
	}
	return cutter(d.copied)
}

// cutter hands out the pieces of a string one after the other.
type cutter string

func (c *cutter) next(piece []byte) string {
	text := string((*c)[:len(piece)])
	*c = (*c)[len(piece):]
	return text
}

func (d *decoder) metadata() {
	d.parts.offset, d.parts.unique = nil, nil
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
			d.parts.offset = d.scalar()
		case "uniqueEventId":
			d.parts.unique = d.scalar()
		default:
			d.skip()
		}
	}
}

// details reads the list of elements; one element alone and none at all are
// taken as well.
func (d *decoder) details() {
	d.values, d.parts.unmapped, d.parts.details, d.parts.lost = d.values[:0], nil, 0, nil
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
			seq = sequence(d.scalar())
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
		if el.spelled != "" && len(d.parts.unmapped) < maxUnmapped {
			d.parts.unmapped = append(d.parts.unmapped, el.spelled)
		}
		return
	case el.field == pms.FieldIgnored:
		return
	case len(d.values) >= maxFields:
		d.parts.lost = errOversized
		return
	}
	if seq < 0 {
		seq = place
	}
	d.values = append(d.values, rawField{el, before, after, seq})
}

// sequence reads an element's number; -1 if it has none.
func sequence(text []byte) int {
	if len(text) == 0 || len(text) > 9 {
		return -1
	}
	if n, err := strconv.Atoi(string(text)); err == nil && n >= 0 {
		return n
	}
	return -1
}

// valueText brings a value into the form of its field. Values can be
// HTML-escaped, once.
func valueText(el *elementName, text string) string {
	if text == "" {
		return ""
	}
	if strings.IndexByte(text, '&') >= 0 {
		text = html.UnescapeString(text)
	}
	if el.tidy != nil {
		text = el.tidy(text)
	}
	return text
}
