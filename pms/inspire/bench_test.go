package inspire

import (
	"encoding/json"
	"fmt"
	"testing"
)

// benchFrame is an ordinary check-in of the long selection, some 1.5 KB.
func benchFrame() []byte {
	type element struct {
		ElementName     string `json:"elementName"`
		OldValue        string `json:"oldValue"`
		NewValue        string `json:"newValue"`
		ElementSequence any    `json:"elementSequence"`
	}
	var detail []element
	for _, e := range [][3]string{
		{"RESERVATION STATUS", "RESERVED", "CHECKED IN"}, {"ROOM", "", "1204"}, {"ROOM TYPE", "DLX", "DLX"},
		{"ARRIVAL DATE", "2026-11-22", "2026-11-22"}, {"DEPARTURE DATE", "2026-11-25", "2026-11-25"},
		{"NAME", "Müller", "Müller"}, {"GUEST FIRST", "Anna", "Anna"}, {"LANGUAGE", "E", "E"}, {"ADULTS", "2", "2"},
		{"RATE CODE", "BAR", "BAR"}, {"EMAIL", "a@example.com", "a@example.com"}, {"VIP STATUS", "", "2"},
	} {
		detail = append(detail, element{e[0], e[1], e[2], nil})
	}
	event := map[string]any{
		"metadata":   map[string]any{"offset": "17634", "uniqueEventId": "6f2d4f0e-7f0f-4d3c-9a39-0d6d0e2f8a11"},
		"moduleName": "RESERVATION", "eventName": "UPDATE RESERVATION", "primaryKey": "387654",
		"timestamp": "2026-11-22 14:45:48.000", "hotelId": "HOTEL1", "detail": detail,
	}
	data, err := json.Marshal(map[string]any{"id": "1", "type": "next", "payload": map[string]any{"data": map[string]any{"newEvent": event}}})
	if err != nil {
		panic(err)
	}
	return data
}

// BenchmarkDecode compares with encoding/json into plain structs, which still
// lacks the mapping of names and the hash.
func BenchmarkDecode(b *testing.B) {
	data := benchFrame()
	b.Run("ours", func(b *testing.B) {
		d := newDecoder(newNames(Aliases{}))
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			if f, err := d.decode(data); err != nil || len(f.events) != 1 {
				b.Fatal(fmt.Sprint(f, err))
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.SetBytes(int64(len(data)))
		b.ReportAllocs()
		for b.Loop() {
			var f struct {
				ID, Type string
				Payload  struct {
					Data struct {
						NewEvent struct {
							Metadata                                              struct{ Offset, UniqueEventID string }
							ModuleName, EventName, PrimaryKey, Timestamp, HotelID string
							Detail                                                []struct {
								ElementName, OldValue, NewValue string
								ElementSequence                 *int
							}
						}
					}
				}
			}
			if err := json.Unmarshal(data, &f); err != nil || f.Payload.Data.NewEvent.Metadata.Offset == "" {
				b.Fatal(err)
			}
		}
	})
}
