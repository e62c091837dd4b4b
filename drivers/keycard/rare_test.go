package keycard

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeagent/drivers"
	"edgeagent/hwsim/locksim"
)

// What the default rules never ask for, at the simulated lock system.
func TestRareCommands(t *testing.T) {
	h := newHotel(t, false, nil, func(c *Config) { c.WantUID = true })
	h.sure()
	must := func(r drivers.Receipt, err error) drivers.Receipt {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	uid := must(h.do("a", "encode", "101", "track2", "101")).Values["uid_1"]
	card, _ := h.sys.Card(uid)
	if card.Tracks != [3]string{"", "101", ""} {
		t.Errorf("the card carries %q", card.Tracks)
	}

	h.sys.Operator("1", locksim.Presentation{UID: uid}, locksim.Presentation{UID: uid})
	must(h.do("b", "write_track", "", "track", "3", "text", "4711"))
	if got := must(h.do("c", "read_track", "", "track", "3")); got.Values["text"] != "4711" || got.Note != "track read" {
		t.Errorf("the track reads %+v", got)
	}

	later := departure.Truncate(time.Minute).Add(24 * time.Hour)
	got := must(h.do("d", "modify_stay", "101", "until", later.Format(time.RFC3339)))
	if want := "stay in room 101 lasts until " + later.In(testSite().Zone).Format("2006-01-02 15:04") + " in the lock system"; got.Note != want {
		t.Errorf("note %q, want %q", got.Note, want)
	}
	if _, err := h.do("e", "modify_stay", "102"); !errors.Is(err, drivers.ErrRefused) || !strings.Contains(err.Error(), "(code EA)") {
		t.Errorf("an empty room's stay was changed: %v", err)
	}

	const phone = "+41791234567"
	must(h.do("f", "mobile_key", "103", "phone", phone))
	if !h.sys.OpensDoor(phone, "Suite 103", today.Add(time.Minute)) || h.sys.OpensDoor(phone, "Suite 103", afterStay) {
		t.Error("the phone does not open its door just during the stay")
	}
	_, err := h.do("g", "mobile_key", "999", "phone", phone)
	if !errors.Is(err, drivers.ErrRefused) || !strings.Contains(err.Error(), "(code TD)") || strings.Contains(err.Error(), phone) {
		t.Errorf("unknown room: %v", err)
	}
	for _, e := range h.d.Trace() {
		if strings.Contains(e.Text, phone) || strings.Contains(e.Text, "4711") {
			t.Errorf("trace shows %q", e.Text)
		}
	}
}

func TestAnswersWithoutAnEncoder(t *testing.T) {
	plans := map[string]step{}
	for action, params := range map[string]map[string]string{
		actionModify: {"room": "101", "old_room": "103", "until": "2099-01-01T11:00:00Z"},
		actionMobile: {"room": "101", "phone": "+41791234567", "until": "2099-01-01T11:00:00Z"},
	} {
		p, err := planner(nil).plan(drivers.Command{Action: action, Params: params}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		plans[action] = p.steps[0]
	}
	for _, tc := range []struct {
		action, fields string
		ok             bool
		code           string
	}{
		{actionModify, "MC|0", true, ""},
		{actionModify, "MC|103", true, ""},
		{actionModify, "MC|101", true, ""},
		{actionModify, "MC|102", false, ""},
		{actionModify, "TD|101", true, "TD"},
		{actionModify, "MC|103|101|1200010199", false, ""}, // its echo
		{actionMobile, "CNM|+41791234567", true, ""},
		{actionMobile, "CNM|0", true, ""},
		{actionMobile, "CNM|+41790000000", false, ""},
		{actionMobile, "TD|+41791234567", true, "TD"},
		{actionMobile, "CN|+41791234567", false, ""},
	} {
		st := plans[tc.action]
		r, ok := st.read(strings.Split(tc.fields, "|"), testSite().Zone)
		if diff := cmp.Diff([]any{tc.ok, tc.code}, []any{ok, r.code}); diff != "" {
			t.Errorf("%s: %s", tc.fields, diff)
		}
	}
}

// A lost result of a command that may not be repeated is a person's to settle.
func TestRareCommandsOfUnknownOutcome(t *testing.T) {
	h := newHotel(t, false, nil, nil)
	h.sure()
	for _, tc := range []struct {
		id, action string
		params     []string
		is         error
		hint       string
	}{
		{"a", actionModify, nil, drivers.ErrUnknown, "see in the lock system until when the room's stay lasts"},
		{"b", actionMobile, []string{"phone", "+41791234567"}, drivers.ErrUnknown, "see in the lock system whether the phone has its key"},
		{"c", actionWrite, []string{"track", "2", "text", "7"}, drivers.ErrUnknown, "read the card again"},
		{"d", actionTrack, []string{"track", "2"}, drivers.ErrRefused, "read the card again"},
	} {
		if _, err := h.do(tc.id+"0", "encode", "101"); err != nil {
			t.Fatal(err)
		}
		h.sys.Next(locksim.Fault{Drop: true})
		if _, err := h.do(tc.id, tc.action, "101", tc.params...); !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.hint) {
			t.Errorf("%s: %v", tc.action, err)
		}
		h.becomes(drivers.Online)
	}
}
