package inspire

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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

// One event that cannot be taken must not cost its neighbours.
func TestDecodeKeepsTheGoodOnesOfAList(t *testing.T) {
	for name, text := range map[string]string{
		"no offset":   `[{"metadata":{"offset":1}},{"eventName":"CHECK IN"},{"metadata":{"offset":2}}]`,
		"too many":    `[` + strings.Repeat(`{"metadata":{"offset":1}},`, maxEvents) + `{"metadata":{"offset":2}}]`,
		"not a thing": `[{"metadata":{"offset":1}},5,null,{}]`,
	} {
		f, err := newDecoder(newNames(Aliases{})).decode([]byte(inNext(text)))
		if err != nil || len(f.events) == 0 || f.lost == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
