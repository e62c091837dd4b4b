package pms

import "testing"

func TestParseStatus(t *testing.T) {
	for text, want := range map[string]Status{
		"CHECKED IN": StatusInHouse, "CheckedIn": StatusInHouse, "checked_in": StatusInHouse, "INHOUSE": StatusInHouse, "in_house": StatusInHouse,
		"DUE OUT": StatusInHouse, "Started": StatusInHouse, "RESERVED": StatusExpected, "Due In": StatusExpected, "Confirmed": StatusExpected,
		"CHECKED OUT": StatusDeparted, "Processed": StatusDeparted, "CANCELLED": StatusCancelled, "Canceled": StatusCancelled, "NO SHOW": StatusCancelled,
		"": StatusUnknown, "SOMETHING": StatusUnknown, string(make([]byte, 500)): StatusUnknown,
		string(StatusExpected): StatusExpected, string(StatusDeparted): StatusDeparted, string(StatusCancelled): StatusCancelled,
	} {
		if got := ParseStatus(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
