package inspire

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"edgeagent/pms"
)

func decodeOne(t *testing.T, text string) *event {
	t.Helper()
	f, err := newDecoder(newNames(Aliases{})).decode([]byte(text))
	if err != nil {
		t.Fatalf("decode %s: %v", text, err)
	}
	if len(f.events) != 1 {
		t.Fatalf("events %d in %s", len(f.events), text)
	}
	return &f.events[0]
}

func inNext(event string) string {
	return `{"id":"1","type":"next","payload":{"data":{"newEvent":` + event + `}}}`
}

// The shapes of Oracle's published samples and of the Destinity guide's query.
func TestDecodeSamples(t *testing.T) {
	tests := []struct {
		file string
		kind pms.Kind
		name string
		pk   string
		off  []string
		want []pms.Field
	}{
		{"housekeeping.json", pms.KindRoomStatus, "HOUSEKEEPING / UPDATE ROOM STATUS", "", []string{"17634"}, []pms.Field{
			{Name: pms.FieldRoom, New: "0123458", Old: "0123458", Seq: 0},
			{Name: pms.FieldRoomStatus, Old: "DIRTY", New: "INSPECTED", Seq: 1},
		}},
		{"message.json", pms.KindMessage, "RESERVATION / NEW GUEST MESSAGE", "244761", []string{"33979"}, []pms.Field{
			{Name: pms.FieldStatus, Old: "CHECKED IN", New: "CHECKED IN", Seq: 0},
			{Name: pms.FieldMessageLight, New: "Message light on", Seq: 1},
			{Name: pms.FieldDeliveryStatus, New: "NR", Seq: 2},
		}},
		{"checkin_as_update.json", pms.KindReservationUpdate, "RESERVATION / UPDATE RESERVATION", "387654", []string{"40001"}, []pms.Field{
			{Name: pms.FieldStatus, Old: "RESERVED", New: "CHECKED IN", Seq: 1},
			{Name: pms.FieldRoom, New: "0101", Seq: 2},
			{Name: pms.FieldLastName, Old: "O'Neil & Sons", New: "O'Neil & Sons", Seq: 3},
			{Name: pms.FieldAdults, Old: "2", New: "2", Seq: 4},
			{Name: pms.FieldDepartureDate, Old: "2026-11-24", New: "2026-11-25", Seq: 6},
			{Name: pms.FieldAccompanying, New: "Ana", Seq: 1},
			{Name: pms.FieldAccompanying, New: "Ben", Seq: 2},
		}},
		{"guide_shape.json", pms.KindCheckIn, "FrontOffice / GuestCheckedIn", "", []string{"42"}, []pms.Field{
			{Name: pms.FieldRoom, New: "101", Seq: 0},
			{Name: pms.FieldLastName, New: "Ærø Øst", Seq: 1},
		}},
		{"array.json", pms.KindCheckOut, "RESERVATION / CHECK OUT", "5", []string{"18446744073709551617", "18446744073709551618"}, []pms.Field{
			{Name: pms.FieldRoom, Old: "7", Seq: 0},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join("testdata", tt.file))
			if err != nil {
				t.Fatal(err)
			}
			f, err := newDecoder(newNames(Aliases{})).decode(data)
			if err != nil {
				t.Fatal(err)
			}
			var offsets []string
			for _, e := range f.events {
				offsets = append(offsets, e.offset)
			}
			if d := cmp.Diff(tt.off, offsets); d != "" {
				t.Errorf("offsets: %s", d)
			}
			ev := f.events[0]
			if ev.name.kind != tt.kind || ev.name.label != tt.name || ev.primaryKey != tt.pk {
				t.Errorf("kind %q name %q key %q", ev.name.kind, ev.name.label, ev.primaryKey)
			}
			if d := cmp.Diff(tt.want, ev.fields); d != "" {
				t.Errorf("fields: %s", d)
			}
			if ev.unmapped != nil {
				t.Errorf("unmapped %q", ev.unmapped)
			}
		})
	}
}

func TestQ3_EventFrameInAnyShape(t *testing.T) {
	const ev = `{"metadata":{"offset":"7"},"moduleName":"M","eventName":"CHECK IN","detail":[]}`
	for _, text := range []string{
		inNext(ev),
		`{"id":"1","type":"data","payload":{"data":{"newEvent":` + ev + `}}}`,
		`{"payload":{"newEvent":` + ev + `},"type":"next"}`,
		`{"payload":{"data":{"newEvent":[` + ev + `]}},"id":"1","type":"next"}`,
		`{"payload":{"data":{"newEvent":[` + ev + `]}}}`,
		`{"type":"next","payload":{"errors":[{"message":"m"}],"data":{"other":1,"newEvent":` + ev + `},"extensions":{}}}`,
		` {"type" : "next" , "payload" : {"data" : {"newEvent" : ` + ev + ` } } } `,
	} {
		if e := decodeOne(t, text); e.offset != "7" || e.name.kind != pms.KindCheckIn {
			t.Errorf("%s: %+v", text, e)
		}
	}
	d := newDecoder(newNames(Aliases{}))
	f, err := d.decode([]byte(`{"type":"next","payload":{"errors":[{"message":"no","extensions":{"code":"FORBIDDEN"}}],"data":null}}`))
	if err != nil || f.kind != frameError || f.errorText != "no" || f.errorCode != "FORBIDDEN" {
		t.Errorf("errors without data: %+v, %v", f, err)
	}
	if f, err = d.decode([]byte(`{"type":"next","payload":{"errors":[{"message":"m"}],"data":{"newEvent":` + ev + `}}}`)); err != nil || f.kind != frameEvents || f.errorText != "m" {
		t.Errorf("errors beside data: %+v, %v", f, err)
	}
}

func TestQ9_OffsetAsStringOrNumberNeverFloat(t *testing.T) {
	for in, want := range map[string]string{
		`"17634"`: "17634", `17634`: "17634", `9007199254740993`: "9007199254740993",
		`"18446744073709551616"`: "18446744073709551616", `18446744073709551616`: "18446744073709551616", `"00042"`: "00042",
	} {
		e := decodeOne(t, inNext(`{"metadata":{"offset":`+in+`},"eventName":"X"}`))
		if e.offset != want {
			t.Errorf("offset %s read as %q", in, e.offset)
		}
	}
}

func TestDecodeControlFrames(t *testing.T) {
	tests := []struct {
		name, text string
		kind       frameKind
		payload    string
		errorText  string
	}{
		{"ack", `{"type":"connection_ack"}`, frameAck, "", ""},
		{"ack with payload", `{"type":"connection_ack","payload":{"x":[1]}}`, frameAck, "", ""},
		{"ping", `{"type":"ping"}`, framePing, "", ""},
		{"ping with payload", `{"payload":{"a":"b"},"type":"ping"}`, framePing, `{"a":"b"}`, ""},
		{"pong", `{"type":"pong"}`, framePong, "", ""},
		{"keep-alive", `{"type":"ka"}`, frameKeepAlive, "", ""},
		{"error list", `{"id":"1","type":"error","payload":[{"message":"a"},{"message":"b"}]}`, frameError, "", "a; b"},
		{"error object", `{"type":"error","payload":{"message":"a"}}`, frameError, "", "a"},
		{"error text", `{"type":"error","payload":"a"}`, frameError, "", "a"},
		{"error before its type", `{"payload":[{"message":"a"}],"type":"error"}`, frameError, "", "a"},
		{"connection error", `{"type":"connection_error","payload":{"message":"no"}}`, frameConnectionError, "", "no"},
		{"complete", `{"id":"1","type":"complete"}`, frameComplete, "", ""},
		{"unknown", `{"id":"1","type":"hello","payload":{"newEvent":{}}}`, frameOther, "", ""},
		{"type twice", `{"type":"next","payload":{"newEvent":{"metadata":{"offset":1}}},"type":"pong"}`, framePong, "", ""},
		{"empty", `{}`, frameOther, "", ""},
	}
	d := newDecoder(newNames(Aliases{}))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := d.decode([]byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if f.kind != tt.kind || string(f.payload) != tt.payload || f.errorText != tt.errorText || len(f.events) != 0 {
				t.Errorf("got %+v", f)
			}
		})
	}
}

func TestDecodeRefusesWhatCannotBeRight(t *testing.T) {
	many := `{"elementName":"ROOM","newValue":"1"},`
	for name, text := range map[string]string{
		"no JSON":       `hello`,
		"cut off":       `{"type":"next","payload":{"data":`,
		"trailing":      `{"type":"next"} x`,
		"no event":      `{"type":"next","payload":{"data":{"other":{}}}}`,
		"no offset":     inNext(`{"eventName":"CHECK IN"}`),
		"huge offset":   inNext(`{"metadata":{"offset":"` + strings.Repeat("9", 65) + `"},"eventName":"CHECK IN"}`),
		"event is text": inNext(`"x"`),
		"too deep":      inNext(strings.Repeat("[", 80) + strings.Repeat("]", 80)),
		"many elements": inNext(`{"metadata":{"offset":1},"detail":[` + strings.Repeat(many, 1100) + `{}]}`),
		"many events":   inNext(`[` + strings.Repeat(`{"metadata":{"offset":1}},`, maxEvents) + `{}]`),
		"list":          `[1]`,
	} {
		if f, err := newDecoder(newNames(Aliases{})).decode([]byte(text)); err == nil {
			t.Errorf("%s: taken as %+v", name, f)
		}
	}
}

func TestDecodeValues(t *testing.T) {
	e := decodeOne(t, inNext(`{"metadata":{"offset":1,"uniqueEventId":"u1"},"moduleName":"RESERVATION","eventName":"UPDATE RESERVATION",
		"primaryKey":99,"timestamp":"2021-06-03 16:45:48.000","hotelId":null,"detail":[
		{"elementName":"ROOM","oldValue":null,"newValue":"007"},
		{"elementName":"VIP STATUS","newValue":""},
		{"elementName":"ADULTS","oldValue":1,"newValue":2},
		{"elementName":"GUEST FIRST","newValue":"A&amp;amp;B \u00e9\ud83d\ude00\ud800"},
		{"elementName":"EMAIL","newValue":"x@example.com"},
		{"elementName":"WHAT IS THIS","newValue":"secret"},
		{"elementName":"ARRIVAL DATE","newValue":"28-APR-24"},
		{"elementName":"CHECKOUT TIME","newValue":"2026-01-01 11:30:00"},
		{"elementName":"Guest Service Request","newValue":"DND"},
		{"elementSequence":"4","elementName":"ACCOMPANYING GUEST","newValue":{"not":"text"}},
		null, 5
	]}`))
	want := []pms.Field{
		{Name: pms.FieldRoom, New: "007", Seq: 0},
		{Name: pms.FieldVIP, Seq: 1},
		{Name: pms.FieldAdults, Old: "1", New: "2", Seq: 2},
		{Name: pms.FieldFirstName, New: "A&amp;B é😀\ufffd", Seq: 3},
		{Name: pms.FieldArrivalDate, New: "2024-04-28", Seq: 6},
		{Name: pms.FieldDepartureTime, New: "11:30", Seq: 7},
		{Name: pms.FieldGuestService, New: "DoNotDisturb", Seq: 8},
		{Name: pms.FieldAccompanying, Seq: 4},
	}
	if d := cmp.Diff(want, e.fields); d != "" {
		t.Error(d)
	}
	if !slices.Equal(e.unmapped, []string{"WHAT IS THIS"}) || e.unique != "u1" || e.primaryKey != "99" || e.hotel != "" {
		t.Errorf("%+v", e)
	}
}

// The hash must not depend on how the server happens to write the JSON.
func TestHashIsOfTheContent(t *testing.T) {
	base := decodeOne(t, inNext(`{"metadata":{"offset":1},"moduleName":"M","eventName":"E","detail":[{"elementName":"ROOM","oldValue":"","newValue":"1"}]}`)).hash
	for _, same := range []string{
		`{"detail":[{"newValue":"1","elementName":"ROOM"}],"eventName":"E","moduleName":"M","metadata":{"offset":2}}`,
		`{"metadata":{"offset":1},"moduleName":"\u004d","eventName":"E","detail":{"elementName":"ROOM","oldValue":null,"newValue":1},"hotelId":"H"}`,
	} {
		if h := decodeOne(t, inNext(same)).hash; h != base {
			t.Errorf("other hash for %s", same)
		}
	}
	for _, other := range []string{
		`{"metadata":{"offset":1},"moduleName":"E","eventName":"M","detail":[{"elementName":"ROOM","newValue":"1"}]}`,
		`{"metadata":{"offset":1},"moduleName":"M","eventName":"E","detail":[{"elementName":"ROOM","oldValue":"1"}]}`,
		`{"metadata":{"offset":1},"moduleName":"M","eventName":"E","detail":[]}`,
	} {
		if h := decodeOne(t, inNext(other)).hash; h == base {
			t.Errorf("same hash for %s", other)
		}
	}
	// It is written down with the offset, so it must never change.
	if h := hashBytes(1, []byte("RESERVATION")); h != 0x5cf51d76d57a711b {
		t.Errorf("hash changed: %x", h)
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) { compareWithReference(t, data) })
}

// compareWithReference holds the decoder against encoding/json.
func compareWithReference(t interface {
	Errorf(string, ...any)
	Fatalf(string, ...any)
}, data []byte) {
	d := newDecoder(newNames(Aliases{}))
	f, err := d.decode(data)
	if err == errDeep {
		return
	}
	switch valid := json.Valid(data); {
	case valid && err == errSyntax:
		t.Fatalf("good JSON refused: %q", data)
	case !valid && (err == nil || err == errNoOffset || err == errOversized):
		t.Fatalf("bad JSON taken: %q", data)
	case !valid:
		return
	}
	want := referenceEvents(data)
	if err != nil {
		return // an event that cannot be right: quarantine
	}
	if f.kind != frameEvents {
		return
	}
	if len(want) != len(f.events) {
		t.Fatalf("%d events, the reference has %d: %q", len(f.events), len(want), data)
	}
	for i, ev := range f.events {
		got := refEvent{offset: ev.offset, unique: ev.unique, key: ev.primaryKey, hotel: ev.hotel}
		if got != want[i].event() {
			t.Errorf("event %d: %+v, the reference has %+v: %q", i, got, want[i].event(), data)
		}
		if d := cmp.Diff(want[i].fields, fieldsOf(ev.fields)); d != "" {
			t.Errorf("event %d: %s\n%q", i, d, data)
		}
	}
}

type refEvent struct {
	offset, unique, key, hotel string
}

type refFull struct {
	refEvent
	fields []string
}

func (r refFull) event() refEvent { return r.refEvent }

func fieldsOf(fields []pms.Field) []string {
	var list []string
	for _, f := range fields {
		list = append(list, f.Name+"="+f.Old+">"+f.New)
	}
	return list
}

// referenceEvents reads a frame the slow and obvious way.
func referenceEvents(data []byte) []refFull {
	var top map[string]json.RawMessage
	if json.Unmarshal(data, &top) != nil {
		return nil
	}
	var payload map[string]json.RawMessage
	_ = json.Unmarshal(top["payload"], &payload)
	var raw json.RawMessage
	dec := json.NewDecoder(strings.NewReader(string(top["payload"])))
	if tok, err := dec.Token(); err != nil || tok != json.Delim('{') {
		return nil
	}
	for dec.More() { // of data and a bare newEvent the one that comes last counts
		key, _ := dec.Token()
		var v json.RawMessage
		if dec.Decode(&v) != nil {
			return nil
		}
		switch key {
		case "newEvent":
			raw = v
		case "data":
			raw = nil
			var inner map[string]json.RawMessage
			if json.Unmarshal(v, &inner) == nil {
				raw = inner["newEvent"]
			}
		}
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	names := newNames(Aliases{})
	var events []refFull
	for _, item := range list {
		var ev map[string]json.RawMessage
		if json.Unmarshal(item, &ev) != nil || ev == nil {
			continue
		}
		var meta map[string]json.RawMessage
		_ = json.Unmarshal(ev["metadata"], &meta)
		r := refFull{refEvent: refEvent{
			offset: refScalar(meta["offset"]), unique: clip(refScalar(meta["uniqueEventId"]), 100),
			key: clip(refScalar(ev["primaryKey"]), 100), hotel: clip(refScalar(ev["hotelId"]), 60),
		}}
		var details []json.RawMessage
		if json.Unmarshal(ev["detail"], &details) != nil {
			details = []json.RawMessage{ev["detail"]}
		}
		for _, item := range details {
			var el map[string]json.RawMessage
			if json.Unmarshal(item, &el) != nil || el == nil {
				continue
			}
			field, known := names.elements[normalise(clip(refScalar(el["elementName"]), 64))]
			if !known || field == pms.FieldIgnored {
				continue
			}
			value := func(v json.RawMessage) string {
				return valueText(&elementName{tidy: tidyFor(field)}, []byte(refScalar(v)))
			}
			r.fields = append(r.fields, field+"="+value(el["oldValue"])+">"+value(el["newValue"]))
		}
		events = append(events, r)
	}
	return events
}

func refScalar(v json.RawMessage) string {
	var s string
	text := strings.TrimSpace(string(v))
	switch {
	case text == "" || text == "null" || text[0] == '{' || text[0] == '[':
		return ""
	case json.Unmarshal(v, &s) == nil:
		return s
	}
	return text
}

func TestDecodeAgreesWithReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scalar := rapid.OneOf(
			rapid.Map(rapid.String(), func(s string) string { b, _ := json.Marshal(s); return string(b) }),
			rapid.SampledFrom([]string{"null", "true", "0", "-1.5e3", `"\ud83d\ude00"`, `"\ud83d"`, `"\ude00x"`, `"a\/b"`, `{}`, `[1,{"a":2}]`, `""`}),
		)
		name := rapid.SampledFrom([]string{`"ROOM"`, `"RoomNo"`, `"NAME"`, `"ACCOMPANYING GUEST"`, `"EMAIL"`, `"X Y"`, `null`})
		element := rapid.Custom(func(t *rapid.T) string {
			return `{"elementName":` + name.Draw(t, "name") + `,"oldValue":` + scalar.Draw(t, "old") + `,"newValue":` + scalar.Draw(t, "new") + `}`
		})
		ev := rapid.Custom(func(t *rapid.T) string {
			parts := []string{
				`"metadata":{"offset":` + strconv.Itoa(rapid.IntRange(1, 99).Draw(t, "offset")) + `,"uniqueEventId":` + scalar.Draw(t, "unique") + `}`,
				`"eventName":` + scalar.Draw(t, "event"),
				`"primaryKey":` + scalar.Draw(t, "key"),
				`"detail":[` + strings.Join(rapid.SliceOfN(element, 0, 4).Draw(t, "detail"), ",") + `]`,
			}
			return `{` + strings.Join(rapid.Permutation(parts).Draw(t, "order"), ",") + `}`
		})
		payload := `{"data":{"newEvent":[` + strings.Join(rapid.SliceOfN(ev, 0, 3).Draw(t, "events"), ",") + `]}}`
		members := []string{`"type":"next"`, `"payload":` + payload, `"id":` + scalar.Draw(t, "id")}
		compareWithReference(t, []byte(`{`+strings.Join(rapid.Permutation(members).Draw(t, "members"), ",")+`}`))
	})
}
