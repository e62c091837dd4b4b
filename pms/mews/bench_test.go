package mews

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"
	"time"
)

func someID(i int) string { return fmt.Sprintf("%08x-2222-3333-4444-555555555555", i) }

// BenchmarkFrame decodes a frame of 200 reservation events, some 40 KB.
func BenchmarkFrame(b *testing.B) {
	var events []string
	for i := range 200 {
		events = append(events, fmt.Sprintf(`{"Type":"Reservation","Id":%q,"State":"Started","StartUtc":"2026-11-22T14:00:00Z","EndUtc":"2026-11-25T10:00:00Z","AssignedResourceId":%q}`, someID(i), someID(i)))
	}
	var frame bytes.Buffer
	for i, e := range events {
		frame.WriteString(map[bool]string{true: `{"Events":[`, false: ","}[i == 0] + e)
	}
	frame.WriteString("]}")
	in := newInbox()
	b.SetBytes(int64(frame.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if n, ok := in.frame(frame.Bytes(), time.Time{}); n != 200 || !ok {
			b.Fatal(n, ok)
		}
		in.take()
	}
}

// BenchmarkRows turns an answer of 1,000 reservations in house into notices.
func BenchmarkRows(b *testing.B) {
	var list []map[string]any
	r := &stayReading{parties: map[string]party{}}
	h := &house{stays: map[string]bool{someID(1): true}, rooms: map[string]room{}}
	for i := range 1000 {
		list = append(list, map[string]any{"Id": someID(i), "ServiceId": someID(1), "AccountId": someID(i), "AccountType": "Customer", "Number": fmt.Sprint(i),
			"State": "Started", "UpdatedUtc": "2026-11-22T14:00:00Z", "AssignedResourceId": someID(i), "ScheduledStartUtc": "2026-11-22T14:00:00Z",
			"ScheduledEndUtc": "2026-11-25T10:00:00Z", "ActualStartUtc": "2026-11-22T13:50:00Z", "Purpose": "Leisure", "Origin": "Connector"})
		h.rooms[someID(i)] = room{name: fmt.Sprint(i), sleeps: true}
		r.parties[someID(i)] = party{guests: []customerRow{{ID: someID(i), FirstName: "Anna", LastName: "Müller", Title: "Misses"}}}
	}
	text, err := json.Marshal(map[string]any{"Reservations": list, "Cursor": nil})
	if err != nil {
		b.Fatal(err)
	}
	src, err := New("pms", goodConfig(), Deps{Secret: func(string) (string, error) { return "", nil }})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		var p struct{ Reservations rows[reservationRow] }
		if err := json.Unmarshal(text, &p); err != nil {
			b.Fatal(err)
		}
		f := newFollower(src, "", nil)
		f.house, r.rows = h, p.Reservations.good
		if n := len(f.stayNotices(r, false)); n != 1000 {
			b.Fatal(n)
		}
	}
}
