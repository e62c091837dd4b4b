package inspire

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"edgeagent/pms"
)

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
	if f.kind != frameEvents || f.lost != nil {
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
				return valueText(&elementName{tidy: tidyFor(field)}, refScalar(v))
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
