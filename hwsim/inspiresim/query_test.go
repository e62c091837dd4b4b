package inspiresim

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

func TestQueries(t *testing.T) {
	ohip := `subscription { newEvent(input: {chainCode: "C", offset: "12", hotelCode: "A, B", delta: true}) { metadata { offset uniqueEventId } moduleName eventName primaryKey timestamp hotelId publisherId actionInstanceId detail { elementName oldValue newValue elementType elementSequence elementRole scopeFrom scopeTo } } }`
	for _, tt := range []struct {
		name    string
		dialect Dialect
		schema  Schema
		exact   bool
		query   string
		problem string // part of it; "" if the query is good
	}{
		{"documented", Inspire, SchemaDocumented, false, testQuery, ""},
		{"documented, other order and line breaks", Inspire, SchemaDocumented, false, "subscription X {\n newEvent ( input : { chainCode : \"HTBTTE\" } ) {\n detail { newValue, elementName, oldValue } eventName moduleName metadata { offset } } }", ""},
		{"alias and comment", Inspire, SchemaDocumented, false, "# hello\nsubscription { e: newEvent(input: {chainCode: \"C\"}) { m: moduleName } }", ""},
		{"variable", Inspire, SchemaDocumented, false, `subscription ($c: String!) { newEvent(input: {chainCode: $c}) { moduleName } }`, ""},
		{"variable for all", Inspire, SchemaDocumented, false, `subscription ($i: NewEventInput!) { newEvent(input: $i) { moduleName } }`, ""},
		{"extended unknown", Inspire, SchemaDocumented, false, longQuery, `Cannot query field "uniqueEventId"`},
		{"extended", Inspire, SchemaExtended, false, longQuery, ""},
		{"full at extended", Inspire, SchemaExtended, false, strings.Replace(ohip, `, offset: "12", hotelCode: "A, B", delta: true`, "", 1), `Cannot query field "publisherId"`},
		{"ohip", OHIP, SchemaOHIP, false, ohip, ""},
		{"ohip input at inspire", Inspire, SchemaOHIP, false, ohip, `is not defined by type "NewEventInput"`},
		{"ohip offset as number", OHIP, SchemaOHIP, false, `subscription { newEvent(input: {chainCode: "C", offset: 12}) { moduleName } }`, "offset must be a string"},
		{"ohip highest", OHIP, SchemaOHIP, false, `subscription { newEvent(input: {chainCode: "C", offsetType: highest}) { moduleName } }`, ""},
		{"ohip lowest", OHIP, SchemaOHIP, false, `subscription { newEvent(input: {chainCode: "C", offsetType: lowest}) { moduleName } }`, "offsetType must be highest"},
		{"ohip connection", OHIP, SchemaOHIP, false, `query { connection { id status } }`, ""},
		{"ohip help", OHIP, SchemaOHIP, false, `query { getHelp }`, ""},
		{"connection at inspire", Inspire, SchemaDocumented, false, `query { connection { id status } }`, "Cannot query field"},
		{"no chain", Inspire, SchemaDocumented, false, `subscription { newEvent(input: {}) { moduleName } }`, "chainCode"},
		{"bad chain", Inspire, SchemaDocumented, false, `subscription { newEvent(input: {chainCode: "a\"b"}) { moduleName } }`, "chainCode has an invalid value"},
		{"no input", Inspire, SchemaDocumented, false, `subscription { newEvent { moduleName } }`, "input"},
		{"no selection", Inspire, SchemaDocumented, false, `subscription { newEvent(input: {chainCode: "C"}) }`, "selection"},
		{"object without selection", Inspire, SchemaDocumented, false, `subscription { newEvent(input: {chainCode: "C"}) { metadata } }`, "selection"},
		{"scalar with selection", Inspire, SchemaDocumented, false, `subscription { newEvent(input: {chainCode: "C"}) { moduleName { x } } }`, "no subfields"},
		{"argument on a field", Inspire, SchemaDocumented, false, `subscription { newEvent(input: {chainCode: "C"}) { moduleName(a: 1) } }`, "argument"},
		{"two fields", Inspire, SchemaDocumented, false, `subscription { a: newEvent(input: {chainCode: "C"}) { moduleName } b: newEvent(input: {chainCode: "D"}) { moduleName } }`, "only one top level"},
		{"mutation", Inspire, SchemaDocumented, false, `mutation { newEvent }`, "mutation"},
		{"other field", Inspire, SchemaDocumented, false, `subscription { businessEvents { moduleName } }`, `Cannot query field "businessEvents"`},
		{"query of a subscription", Inspire, SchemaDocumented, false, `{ newEvent(input: {chainCode: "C"}) { moduleName } }`, `on type "Query"`},
		{"open", Inspire, SchemaDocumented, false, `subscription { newEvent(input: {chainCode: "C"}) { moduleName }`, "Syntax Error"},
		{"fragment", Inspire, SchemaDocumented, false, `subscription { ...F }`, "Syntax Error"},
		{"two operations", Inspire, SchemaDocumented, false, testQuery + testQuery, "Syntax Error"},
		{"open string", Inspire, SchemaDocumented, false, `subscription { newEvent(input: {chainCode: "C`, "Unterminated"},
		{"argument twice", Inspire, SchemaDocumented, false, `subscription { newEvent(input: {chainCode: "C", chainCode: "C"}) { moduleName } }`, "only one argument"},
		{"deep", Inspire, SchemaDocumented, false, `subscription ` + strings.Repeat("{a", 100), "too deeply"},
		{"exact", Inspire, SchemaDocumented, true, testQuery, ""},
		{"exact, other order", Inspire, SchemaDocumented, true, strings.Replace(testQuery, "oldValue newValue", "newValue oldValue", 1), "unknown query"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			variables := map[string]json.RawMessage{"c": json.RawMessage(`"C"`), "i": json.RawMessage(`{"chainCode":"C"}`)}
			_, err := understand(tt.query, variables, &Subscribe{Schema: tt.schema, ExactQuery: tt.exact}, tt.dialect)
			if (err == nil) != (tt.problem == "") || err != nil && !strings.Contains(err.Error(), tt.problem) {
				t.Fatalf("got %v, want %q", err, tt.problem)
			}
		})
	}
}

func TestRefusalsOfAQuery(t *testing.T) {
	for _, tt := range []struct {
		name string
		how  Refusal
		want func(p *peer)
	}{
		{"close", RefuseClose, func(p *peer) { p.expectClose(4400) }},
		{"error frame, idle socket", RefuseError, func(p *peer) {
			if f := p.expect("error"); f.ID != "a" || !strings.Contains(string(f.Payload), `[{"message":"Validation error: Cannot query`) {
				p.t.Fatal(f.raw)
			}
			p.write(`{"type":"ping"}`)
			p.expect("pong")
		}},
		{"errors in next", RefuseErrors, func(p *peer) {
			if f := p.expect("next"); strings.Contains(f.raw, "data") || !strings.Contains(f.raw, `"errors":[{`) {
				p.t.Fatal(f.raw)
			}
		}},
		{"complete", RefuseComplete, func(p *peer) { p.expect("complete") }},
		{"4401", RefuseClose4401, func(p *peer) { p.expectClose(4401) }},
		{"1008", RefuseClose1008, func(p *peer) { p.expectClose(1008) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, Options{})
			s.Change(func(f *Faults) { f.Subscribe.Invalid = tt.how })
			p := dial(t, s, protoTransport)
			p.init(s)
			p.expect("connection_ack")
			p.subscribe("a", longQuery, "")
			tt.want(p)
		})
	}
}

func TestForbiddenChain(t *testing.T) {
	s := start(t, Options{})
	s.ForbidChain("client", testChain)
	p := dial(t, s, protoTransport)
	p.init(s)
	p.expect("connection_ack")
	p.subscribe("a", testQuery, "")
	p.expectClose(4403)

	// The other chain keeps its own switches, and the right to this one can come back.
	s.ChangeChain(testChain, func(f *Faults) { f.Subscribe.Fail = "not today" })
	s.AllowChain("client", testChain)
	p = dial(t, s, protoTransport)
	p.init(s)
	p.expect("connection_ack")
	p.subscribe("a", testQuery, "")
	if f := p.expect("error"); !strings.Contains(f.raw, "not today") {
		t.Fatal(f.raw)
	}
	p.subscribe("b", strings.Replace(testQuery, testChain, otherChain, 1), "")
	s.wait(t, func(a Audit) bool { return a.Live == 1 })
}

func TestTypesOfThePosition(t *testing.T) {
	for _, tt := range []struct {
		accept OffsetInput
		raw    string
		ok     bool
	}{
		{OffsetAny, `1`, true}, {OffsetAny, `"1"`, true}, {OffsetAny, `null`, true},
		{OffsetAny, `1.5`, false}, {OffsetAny, `-1`, false}, {OffsetAny, `"x"`, false}, {OffsetAny, `{}`, false}, {OffsetAny, `1e3`, false},
		{OffsetAny, `18446744073709551615`, true}, {OffsetAny, `18446744073709551616`, false},
		{OffsetNumber, `1`, true}, {OffsetNumber, `"1"`, false},
		{OffsetString, `1`, false}, {OffsetString, `"1"`, true},
	} {
		_, err := readFromOffset(json.RawMessage(tt.raw), tt.accept)
		if (err == nil) != tt.ok {
			t.Errorf("%s with policy %d: %v", tt.raw, tt.accept, err)
		}
		if err != nil && !strings.Contains(err.Error(), "fromOffset") {
			t.Errorf("%s: message %q does not name fromOffset", tt.raw, err)
		}
	}
}

func TestAuditOfASubscription(t *testing.T) {
	s := start(t, Options{})
	live(t, s, `,"extensions":{"fromOffset":"7"}`)
	got := s.Audit().Subscriptions[0]
	want := []string{"metadata.offset", "moduleName", "eventName", "detail.elementName", "detail.oldValue", "detail.newValue"}
	if got.Offset != `"7"` || got.Chain != testChain || got.ID != "sub-1" || !slices.Equal(got.Fields, want) {
		t.Fatalf("got %+v", got)
	}
}

func FuzzQuery(f *testing.F) {
	f.Add(testQuery)
	f.Add(longQuery)
	f.Add(`subscription ($c: String!) { newEvent(input: {chainCode: $c, a: [1]}) { moduleName } }`)
	f.Add(`{"`)
	f.Fuzz(func(t *testing.T, query string) {
		for _, d := range []Dialect{Inspire, OHIP} {
			r, err := understand(query, nil, &Subscribe{Schema: SchemaOHIP}, d)
			if err == nil && r.kind == "newEvent" && (r.chain == "" || len(r.fields) == 0) {
				t.Fatalf("accepted without a chain or a field: %q", query)
			}
		}
	})
}
