package inspiresim

import "time"

// Publish puts an event into the log of a chain, gives it the next offset and
// sends it to whoever is subscribed.
func (s *Server) Publish(chain string, e Event) uint64 { return s.chain(chain).publish(s.now(), e) }

// PublishAll publishes many events at once and returns the last offset.
func (s *Server) PublishAll(chain string, events []Event) uint64 {
	return s.chain(chain).publish(s.now(), events...)
}

// PublishAt publishes an event as if at another time, for retention.
func (s *Server) PublishAt(chain string, at time.Time, e Event) uint64 {
	return s.chain(chain).publish(at, e)
}

// Head is the offset that the next event of the chain will get.
func (s *Server) Head(chain string) uint64 {
	l := s.chain(chain)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.offset
}

// Published are the events kept, without repetitions, and their offsets.
func (s *Server) Published(chain string) (events []Event, offsets []uint64) {
	l := s.chain(chain)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range l.records {
		if !r.echo {
			events, offsets = append(events, r.event), append(offsets, r.offset)
		}
	}
	return events, offsets
}

// Repeat sends the events with offsets from first to last again, so many times,
// to those who are subscribed.
func (s *Server) Repeat(chain string, first, last uint64, times int) {
	s.chain(chain).repeat(first, last, times)
}

// Skip leaves a gap of n offsets.
func (s *Server) Skip(chain string, n uint64) { s.chain(chain).skip(n) }

// JumpTo sets the offset of the next event, if that is not a step back.
func (s *Server) JumpTo(chain string, offset uint64) { s.chain(chain).jump(offset) }

// ResetOffsets forgets the chain's events and counts from 1 again, as a server
// does that keeps them in memory only.
func (s *Server) ResetOffsets(chain string) { s.chain(chain).reset() }

// Rewrite puts other content at an offset and sends it; false if the offset is
// not in the log.
func (s *Server) Rewrite(chain string, offset uint64, e Event) bool {
	return s.chain(chain).rewrite(offset, e)
}

// Prepare encodes all events of the chain, so that they go out as fast as the
// socket takes them. It holds for subscriptions with exactly this query.
func (s *Server) Prepare(chain, query string) error {
	f := s.chainFaultsNow(chain)
	r, err := understand(query, nil, &f.Subscribe, s.options.Dialect)
	if err != nil {
		return err
	}
	form := &form{shape: f.Shape, root: r.key, fields: r.fields, delta: r.delta}
	key := form.key()
	l := s.chain(chain)
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, old := range l.records {
		r := *old
		r.prepared, r.preparedFor = form.appendPayload(nil, []*record{old}), key
		l.records[i] = &r
	}
	return nil
}

func (s *Server) chainFaultsNow(chain string) Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, own := s.chainFaults[chain]; own {
		return f
	}
	return s.faults
}
