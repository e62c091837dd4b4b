package inspiresim

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func offsetOf(t *testing.T, e wireEvent) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.Trim(string(e.Metadata.Offset), `"`), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// expectOffsets reads events and wants exactly these, then a pong as the proof
// that nothing was waiting behind them.
func (p *peer) expectOffsets(want ...uint64) {
	p.t.Helper()
	for _, n := range want {
		if got := offsetOf(p.t, p.event()); got != n {
			p.t.Fatalf("offset %d, want %d of %v", got, n, want)
		}
	}
	p.write(`{"type":"ping"}`)
	p.expect("pong")
}

// Whatever is published, left out and repeated, and wherever a client begins:
// each event from its position on comes once and in order.
func TestEveryEventAfterThePositionComesOnceInOrder(t *testing.T) {
	s := start(t, Options{})
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		chain := fmt.Sprintf("C%d", run)
		s.AllowChain("client", chain)
		exclusive := rapid.Bool().Draw(rt, "exclusive")
		s.ChangeChain(chain, func(f *Faults) { f.Replay.Exclusive = exclusive })
		var offsets []uint64
		for range rapid.IntRange(0, 40).Draw(rt, "before") {
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0:
				s.Skip(chain, rapid.Uint64Range(1, 5).Draw(rt, "gap"))
			case 1:
				if len(offsets) > 0 {
					s.Repeat(chain, offsets[0], offsets[len(offsets)-1], 1)
				}
			}
			offsets = append(offsets, s.Publish(chain, event(len(offsets))))
		}
		at := rapid.Uint64Range(0, s.Head(chain)+2).Draw(rt, "position")
		p := dial(t, s, protoTransport)
		p.init(s)
		p.expect("connection_ack")
		p.subscribe("x", strings.Replace(testQuery, testChain, chain, 1), from(int(at)))
		s.wait(t, func(a Audit) bool { return a.Live == 1 })
		for range rapid.IntRange(0, 10).Draw(rt, "after") {
			offsets = append(offsets, s.Publish(chain, event(len(offsets))))
		}
		var want []uint64
		for _, n := range offsets {
			if n > at || n == at && !exclusive {
				want = append(want, n)
			}
		}
		p.expectEvents(want)
		p.write(`{"id":"x","type":"complete"}`)
		p.expectClose(1000)
		if a := s.wait(t, func(a Audit) bool { return a.Open == 0 }); a.Sent[chain] != len(want) {
			t.Fatalf("%d events sent, want %d", a.Sent[chain], len(want))
		}
	})
}

// expectEvents reads events and wants these offsets.
func (p *peer) expectEvents(want []uint64) {
	p.t.Helper()
	for i, n := range want {
		if got := offsetOf(p.t, p.event()); got != n {
			p.t.Fatalf("event %d has offset %d, want %v", i, got, want)
		}
	}
}

func TestWhereASubscriptionBegins(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	day := 24 * time.Hour
	for _, tt := range []struct {
		name   string
		change func(*Replay)
		more   string
		want   []uint64
	}{
		{"inclusive", func(*Replay) {}, from(4), []uint64{4, 5, 6}},
		{"exclusive", func(r *Replay) { r.Exclusive = true }, from(4), []uint64{5, 6}},
		{"zero", func(*Replay) {}, from(0), []uint64{1, 2, 3, 4, 5, 6}},
		{"none: live", func(*Replay) {}, "", []uint64{6}},
		{"none: full", func(r *Replay) { r.NoOffset = NoOffsetFull }, "", []uint64{1, 2, 3, 4, 5, 6}},
		{"none: cursor, nothing sent yet", func(r *Replay) { r.NoOffset = NoOffsetCursor }, "", []uint64{6}},
		{"retention by age", func(r *Replay) { r.Keep = 3 * day }, from(1), []uint64{3, 4, 5, 6}},
		{"retention by number", func(r *Replay) { r.KeepEvents = 2 }, from(1), []uint64{4, 5, 6}},
		{"ahead of the head", func(*Replay) {}, from(7), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{Now: func() time.Time { return now }})
			s.Change(func(f *Faults) { tt.change(&f.Replay) })
			for i := range 5 {
				s.PublishAt(testChain, now.Add(time.Duration(i-5)*day), event(i))
			}
			p := live(t, s, tt.more)
			s.Publish(testChain, event(6))
			p.expectEvents(tt.want)
			s.Publish(testChain, event(7)) // offset 7, which is in reach of everybody
			p.expectEvents([]uint64{7})
		})
	}
}

func TestPositionOutsideTheLogCanBeRefused(t *testing.T) {
	for name, at := range map[string]int{"too old": 1, "ahead": 9} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{})
			s.Change(func(f *Faults) {
				f.Replay.KeepEvents, f.Replay.TooOld, f.Replay.Ahead = 2, StaleRefuse, StaleRefuse
				f.Subscribe.Invalid = RefuseError
			})
			s.PublishAll(testChain, []Event{event(1), event(2), event(3), event(4), event(5)})
			p := dial(t, s, protoTransport)
			p.init(s)
			p.expect("connection_ack")
			p.subscribe("a", testQuery, from(at))
			if f := p.expect("error"); !strings.Contains(f.raw, "fromOffset") {
				t.Fatal(f.raw)
			}
		})
	}
}

func TestServerCursorResumesAfterTheLastSent(t *testing.T) {
	s := start(t, Options{})
	s.Change(func(f *Faults) { f.Replay.NoOffset = NoOffsetCursor })
	s.Publish(testChain, event(1))
	p := live(t, s, from(1))
	p.expectOffsets(1)
	s.Cut()
	s.wait(t, func(a Audit) bool { return a.Open == 0 })
	s.Publish(testChain, event(2))
	live(t, s, "").expectOffsets(2)
}

func TestRepetitionsGapsResetsAndRewrites(t *testing.T) {
	s := start(t, Options{})
	p := live(t, s, "")
	s.PublishAll(testChain, []Event{event(1), event(2)})
	p.expectOffsets(1, 2)
	s.Repeat(testChain, 1, 2, 2)
	p.expectOffsets(1, 2, 1, 2)
	s.Skip(testChain, 10)
	s.Publish(testChain, event(3))
	p.expectOffsets(13)
	if !s.Rewrite(testChain, 2, event(77)) || s.Rewrite(testChain, 5, event(78)) {
		t.Fatal("rewrite")
	}
	if got := p.event(); offsetOf(t, got) != 2 || *got.Detail[0].New != "177" {
		t.Fatalf("got %+v", got)
	}
	s.ResetOffsets(testChain)
	s.Publish(testChain, event(9))
	if got := p.event(); offsetOf(t, got) != 1 || *got.Detail[0].New != "109" {
		t.Fatalf("got %+v", got)
	}
	s.JumpTo(testChain, 1<<53+1)
	s.Publish(testChain, event(10))
	p.expectOffsets(1<<53 + 1)
	if events, offsets := s.Published(testChain); len(events) != 2 || offsets[1] != 1<<53+1 {
		t.Fatal(offsets)
	}
}

func TestPreparedEventsGoOutInBulk(t *testing.T) {
	const n = 100_000
	s := start(t, Options{})
	events := make([]Event, n)
	for i := range events {
		events[i] = event(i % 800)
	}
	s.PublishAll(testChain, events)
	if err := s.Prepare(testChain, testQuery); err != nil {
		t.Fatal(err)
	}
	p := live(t, s, from(0))
	bytes := 0
	for range n {
		_, data, err := p.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		bytes += len(data)
	}
	a := s.wait(t, func(a Audit) bool { return a.Sent[testChain] == n })
	if a.LastSent[testChain] != n || bytes < 100*n {
		t.Fatalf("last %d, %d bytes", a.LastSent[testChain], bytes)
	}
	if err := s.Prepare(testChain, longQuery); err == nil {
		t.Fatal("prepared a query that is refused")
	}
}

func BenchmarkEncode(b *testing.B) {
	l := newChainLog("C")
	for i := range 1000 {
		l.publish(time.Unix(0, 0), event(i))
	}
	r, err := understand(testQuery, nil, &Subscribe{}, Inspire)
	if err != nil {
		b.Fatal(err)
	}
	f := &form{root: r.key, fields: r.fields}
	buffer := make([]byte, 0, 1<<12)
	for i := 0; b.Loop(); i++ {
		buffer = f.appendPayload(buffer[:0], l.records[i%1000:i%1000+1])
	}
}
