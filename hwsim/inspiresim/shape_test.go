package inspiresim

import (
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

func TestShapesOnTheWire(t *testing.T) {
	plain := `{"id":"sub-1","type":"next","payload":{"data":{"newEvent":{"metadata":{"offset":"1"},"moduleName":"RESERVATION","eventName":"CHECK IN","detail":[{"elementName":"ROOM TYPE","oldValue":"","newValue":"A&B"}]}}}}`
	swap := func(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(plain) }
	for _, tt := range []struct {
		name   string
		change func(*Shape)
		want   string
	}{
		{"plain", func(*Shape) {}, plain},
		{"offset as number", func(s *Shape) { s.OffsetAsNumber = true }, swap(`"1"`, `1`)},
		{"array", func(s *Shape) { s.ArrayOf = 1 }, swap(`{"metadata"`, `[{"metadata"`, `]}}}`, `]}]}}`)},
		{"data for next", func(s *Shape) { s.DataType = true }, swap(`"next"`, `"data"`)},
		{"bare payload", func(s *Shape) { s.BarePayload = true }, swap(`"data":{`, ``, `]}}}}`, `]}}}`)},
		{"errors beside data", func(s *Shape) { s.Errors = "half" }, swap(`]}}}`, `]}},"errors":[{"message":"half"}]}`)},
		{"null detail", func(s *Shape) { s.Detail = DetailNull }, swap(`[{"elementName":"ROOM TYPE","oldValue":"","newValue":"A&B"}]`, `null`)},
		{"missing detail", func(s *Shape) { s.Detail = DetailMissing }, swap(`,"detail":[{"elementName":"ROOM TYPE","oldValue":"","newValue":"A&B"}]`, ``)},
		{"null blank", func(s *Shape) { s.Blank = BlankNull }, swap(`"oldValue":""`, `"oldValue":null`)},
		{"missing blank", func(s *Shape) { s.Blank = BlankMissing }, swap(`"oldValue":"",`, ``)},
		{"html", func(s *Shape) { s.HTMLEscape = true }, swap(`A&B`, `A&amp;B`)},
		{"pascal case", func(s *Shape) { s.PascalCase = true }, swap(`RESERVATION`, `Reservation`, `CHECK IN`, `CheckIn`, `ROOM TYPE`, `RoomType`)},
		{"extra member", func(s *Shape) { s.Extra = `"hello":[1]` }, swap(`}]}}}}`, `}],"hello":[1]}}}}`)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			s.Change(func(f *Faults) { tt.change(&f.Shape) })
			p := live(t, s, "")
			s.Publish(testChain, Event{Module: "RESERVATION", Name: "CHECK IN", Detail: []Element{{Name: "ROOM TYPE", New: "A&B"}}})
			if got := p.read().raw; got != tt.want {
				t.Fatalf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestArraysHoldSeveralEvents(t *testing.T) {
	s := start(t, Options{})
	s.Change(func(f *Faults) { f.Shape.ArrayOf = 2 })
	s.PublishAll(testChain, []Event{event(1), event(2), event(3)})
	p := live(t, s, from(0))
	for _, want := range []int{2, 1} {
		if f := p.read(); strings.Count(f.raw, "moduleName") != want {
			t.Fatalf("want %d events in %s", want, f.raw)
		}
	}
}

func TestBinaryFrames(t *testing.T) {
	s := start(t, Options{})
	s.Change(func(f *Faults) { f.Shape.Binary = true })
	p := live(t, s, "")
	s.Publish(testChain, event(1))
	if kind, _, err := p.ReadMessage(); err != nil || kind != websocket.BinaryMessage {
		t.Fatal(kind, err)
	}
}

func TestExtendedSelectionAndTwoHotels(t *testing.T) {
	s := start(t, Options{})
	s.Change(func(f *Faults) { f.Subscribe.Schema = SchemaExtended })
	p := dial(t, s, protoTransport)
	p.init(s)
	p.expect("connection_ack")
	p.subscribe("a", longQuery, from(0))
	e := event(1)
	e.Timestamp = "28-APR-24 06.18.59.028027 AM"
	s.Publish(testChain, e)
	e = event(2)
	e.HotelID = "H2"
	s.Publish(testChain, e)
	e.HotelID = ""
	s.Publish(testChain, e)
	first, second, third := p.event(), p.event(), p.event()
	if first.PrimaryKey != "1001" || first.Timestamp != "28-APR-24 06.18.59.028027 AM" || *first.Hotel != "H1" || len(first.Metadata.UniqueID) != 32 {
		t.Fatalf("got %+v", first)
	}
	if *second.Hotel != "H2" || third.Hotel != nil || second.Metadata.UniqueID == third.Metadata.UniqueID {
		t.Fatalf("got %+v, %+v", second, third)
	}
}

func TestOHIP(t *testing.T) {
	s := start(t, Options{Dialect: OHIP})
	s.PublishAll(testChain, []Event{event(1), {Module: "RESERVATION", Name: "UPDATE RESERVATION", HotelID: "H2", Detail: []Element{
		{Name: "ROOM", Old: "101", New: "102", Sequence: 3, ScopeFrom: "2026-01-02"}, {Name: "LANGUAGE", Old: "E", New: "E"}}}})
	p := dial(t, s, protoTransport)
	p.init(s)
	p.expect("connection_ack")
	p.subscribe("q", `query { connection { id status } }`, "")
	if f := p.expect("next"); !strings.Contains(f.raw, `"status":"Inactive"`) {
		t.Fatal(f.raw)
	}
	p.expect("complete")
	p.subscribe("a", `subscription { newEvent(input: {chainCode: "HTBTTE", offset: "1", delta: true, hotelCode: "H2"}) { metadata { offset } hotelId detail { elementName elementSequence scopeFrom scopeTo } } }`, "")
	want := `{"id":"a","type":"next","payload":{"data":{"newEvent":{"metadata":{"offset":"2"},"hotelId":"H2","detail":[{"elementName":"ROOM","elementSequence":3,"scopeFrom":"2026-01-02","scopeTo":null}]}}}}`
	if got := p.read().raw; got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	p.subscribe("q", `query { connection { status } }`, "")
	if f := p.expect("next"); !strings.Contains(f.raw, `"status":"Active"`) {
		t.Fatal(f.raw)
	}
	p.expect("complete")
	p.write(`{"id":"a","type":"complete"}`)
	p.expectClose(1000)

	s.wait(t, func(a Audit) bool { return a.Open == 0 })
	p = dial(t, s, protoTransport)
	p.init(s)
	p.expect("connection_ack")
	p.subscribe("a", `subscription { newEvent(input: {chainCode: "HTBTTE", offsetType: highest}) { metadata { offset } } }`, `,"extensions":{"fromOffset":1}`)
	p.expectEvents([]uint64{2})
	if v := s.Audit().Violations; len(v) != 1 || v[0].Rule != "position" {
		t.Fatal(v)
	}
}
