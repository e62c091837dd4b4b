package inspiresim

import "slices"

const (
	readAhead = 512      // records taken from the log at once
	burst     = 64 << 10 // bytes per write; a pong waits for at most one
)

// pump sends the events of a subscription until it ends.
func (c *conn) pump(sub *subscription) {
	var buffer []byte
	at := sub.begin.next
	c.trouble()
	for {
		select {
		case <-sub.done:
			return
		default:
		}
		changed := c.s.changes()
		records, next, wake := sub.log.read(at, readAhead)
		if len(records) == 0 || c.faultsFor(sub.request.chain).Subscribe.Silent {
			select {
			case <-wake:
			case <-changed:
			case <-sub.done:
				return
			case <-c.ctx.Done():
				return
			}
			continue
		}
		var ok bool
		if buffer, ok = c.sendRecords(sub, records, next-len(records), buffer); !ok {
			return
		}
		at = next
	}
}

// wants says whether a record belongs to the subscription.
func (sub *subscription) wants(r *record, seq int) bool {
	if r.echo && seq < sub.begin.live || !r.echo && r.offset < sub.begin.floor && r.generation == sub.begin.generation {
		return false
	}
	hotels := sub.request.hotels
	return len(hotels) == 0 || r.event.HotelID == "" || slices.Contains(hotels, r.event.HotelID)
}

// sendRecords writes records as frames, many to a system call.
func (c *conn) sendRecords(sub *subscription, records []*record, first int, buffer []byte) ([]byte, bool) {
	f := c.faultsFor(sub.request.chain)
	form := sub.form(&f.Shape)
	key := form.key()
	batch := batch{c: c, sub: sub, buffer: buffer[:0], limit: burst}
	if f.Replay.Pace > 0 {
		batch.limit = 0
	}
	group := max(f.Shape.ArrayOf, 1)
	pending := make([]*record, 0, group)
	for i, r := range records {
		if sub.wants(r, first+i) {
			pending = append(pending, r)
		}
		if len(pending) == 0 || len(pending) < group && i < len(records)-1 {
			continue
		}
		payload := form.payload(pending, key)
		if !batch.add(&f.Shape, payload, pending) {
			return batch.buffer, false
		}
		pending = pending[:0]
		if f.Replay.Pace > 0 && !sleep(c.ctx, f.Replay.Pace) {
			return batch.buffer, false
		}
	}
	return batch.buffer, batch.flush()
}

// form is how this subscription's events look under a shape.
func (sub *subscription) form(shape *Shape) *form {
	return &form{shape: *shape, root: sub.request.key, fields: sub.request.fields, delta: sub.request.delta}
}

// payload gives the prepared bytes where there are some.
func (f *form) payload(records []*record, key string) []byte {
	if len(records) == 1 && records[0].prepared != nil && records[0].preparedFor == key {
		return records[0].prepared
	}
	return f.appendPayload(nil, records)
}

// appendFrame writes the message around a payload.
func (sub *subscription) appendFrame(b []byte, shape *Shape, payload []byte) []byte {
	b = appendString(append(b, `{"id":`...), sub.id)
	if shape.DataType || sub.c.legacy {
		b = append(b, `,"type":"data","payload":`...)
	} else {
		b = append(b, `,"type":"next","payload":`...)
	}
	return append(append(b, payload...), '}')
}

// batch gathers frames for one write.
type batch struct {
	c      *conn
	sub    *subscription
	buffer []byte
	frame  []byte
	limit  int
	events int
	last   uint64
}

// add puts one frame in, and stops for a trouble that is due after it.
func (b *batch) add(shape *Shape, payload []byte, records []*record) bool {
	opcode := byte(opText)
	if shape.Binary {
		opcode = opBinary
	}
	b.frame = b.sub.appendFrame(b.frame[:0], shape, payload)
	b.buffer = append(appendHeader(b.buffer, opcode, true, int64(len(b.frame))), b.frame...)
	b.events += len(records)
	b.last = records[len(records)-1].offset
	if b.c.troubleDue(len(records)) {
		if !b.flush() {
			return false
		}
		b.c.trouble()
		return b.c.alive(b.sub)
	}
	return len(b.buffer) < b.limit || b.flush()
}

// alive says whether a subscription still runs, after a trouble.
func (c *conn) alive(sub *subscription) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return !sub.ended && !c.closing
}

// flush writes what has gathered, unless the subscription has ended. It goes
// into the books first, so that what a client has seen is always in them.
func (b *batch) flush() bool {
	if b.events == 0 {
		return true
	}
	err := b.c.w.raw(b.buffer, func() bool {
		select {
		case <-b.sub.done:
			return false
		default:
			b.book()
			return true
		}
	})
	b.buffer, b.events = b.buffer[:0], 0
	return err == nil
}

func (b *batch) book() {
	s, chain := b.c.s, b.sub.request.chain
	b.sub.log.noteSent(b.last, s.now())
	s.audit.write(func() {
		b.sub.seen.Sent += b.events
		s.audit.sent[chain] += b.events
		s.audit.lastSent[chain] = b.last
	})
}
