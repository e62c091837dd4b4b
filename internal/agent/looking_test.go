package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
	"edgeagent/pms"
)

// stands is how a room stands, as "keycard encode Processed, …".
func (s *stage) stands(room string) string {
	s.t.Helper()
	v, err := s.agent.Look()
	if err != nil {
		s.t.Fatal(err)
	}
	var words []string
	for _, r := range v.Rooms {
		if r.Room != room {
			continue
		}
		for _, kind := range []string{"keycard", "iptv", "wifi"} {
			if o, ok := r.Outcomes[kind]; ok {
				word := fmt.Sprintf("%s %s %s", kind, o.Action, o.State)
				if o.Unknown {
					word += "?"
				}
				words = append(words, strings.TrimSpace(word+" "+o.Note))
			}
		}
	}
	return strings.Join(words, ", ")
}

func TestRoomsSayWhatTheirDevicesDid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.say(checkIn("R1", "101", "Silva"))
		if got, want := s.stands("101"), "keycard encode Processed done, iptv welcome Processed done, wifi ensure Processed done"; got != want {
			t.Errorf("%s", got)
		}
		// Another guest in another room, whose TV is dark.
		s.tvs.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, fmt.Errorf("%w: no such TV", drivers.ErrRefused)
		})
		s.desk.behave(encoder(time.Hour))
		s.say(checkIn("R2", "102", "Sousa"))
		if got, want := s.stands("102"), "keycard encode Processing, iptv welcome Error no such TV, wifi ensure Processed done"; got != want {
			t.Errorf("%s", got)
		}
		s.desk.behave(nil)
		s.stop()
		// After a restart the settings are known from the store; what a job did, from the room's key.
		s.start()
		defer s.stop()
		if got, want := s.stands("101"), "keycard encode Processed, iptv welcome Processed done, wifi ensure Processed done"; got != want {
			t.Errorf("after a restart: %s", got)
		}
	})
}

// Who looks at a room after the power cut sees that its key is in doubt, not that
// nothing was ever done for it.
func TestDoubtOutlivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := doubtful(t)
		s.stop()
		s.start()
		defer s.stop()
		if got := s.stands("101"); !strings.HasPrefix(got, "keycard encode Error? outcome unknown: no result came,") {
			t.Error(got)
		}
		if err := s.agent.Resolve(id, true); err != nil {
			t.Fatal(err)
		}
		if got := s.stands("101"); !strings.HasPrefix(got, "keycard encode Processed outcome unknown: no result came; a person found that it was done") {
			t.Error(got)
		}
	})
}

func TestResolvedOutcomeIsShown(t *testing.T) {
	for _, done := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s, id := doubtful(t)
			defer s.stop()
			if got := s.stands("101"); !strings.HasPrefix(got, "keycard encode Error? outcome unknown: no result came,") {
				t.Error(got)
			}
			before := s.agent.Pulse()
			if err := s.agent.Resolve(id, done); err != nil {
				t.Fatal(err)
			}
			want := map[bool]string{
				true:  "keycard encode Processed outcome unknown: no result came; a person found that it was done",
				false: "keycard encode Error outcome unknown: no result came; a person found that it was not done",
			}[done]
			if got := s.stands("101"); !strings.HasPrefix(got, want) || s.agent.Pulse() == before {
				t.Error(got)
			}
		})
	}
}

func TestOutcomesAreBounded(t *testing.T) {
	var o outcomes
	at := time.Date(2026, 11, 22, 15, 4, 5, 0, time.UTC)
	for i := range 3 * maxOutcomes {
		o.add("iptv", offsetstore.Command{Subject: fmt.Sprint("room:", i), Settled: at.Add(time.Duration(i) * time.Second)})
	}
	if _, ok := o.last[about{"iptv", fmt.Sprint("room:", 3*maxOutcomes-1)}]; !ok || len(o.last) > maxOutcomes {
		t.Errorf("%d outcomes, the newest is there: %v", len(o.last), ok)
	}
	o.add("iptv", offsetstore.Command{ID: "old", Subject: fmt.Sprint("room:", 3*maxOutcomes-1), Settled: at})
	o.add("iptv", offsetstore.Command{ID: "popup", Subject: "message:1", Settled: at})
	o.add("", offsetstore.Command{ID: "gone", Subject: "room:1", Settled: at})
	for _, out := range o.last {
		if out.Command != "" {
			t.Errorf("%s is remembered", out.Command)
		}
	}
}

// The pulse changes with what happens, and rests when nothing does.
func TestPulse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		last := s.agent.Pulse()
		time.Sleep(time.Hour)
		if s.agent.Pulse() != last {
			t.Error("it changes by itself")
		}
		for _, what := range []struct {
			name string
			act  func()
		}{
			{"a check-in", func() { s.say(checkIn("R1", "101", "Silva")) }},
			{"a check-out", func() { s.say(checkOut("R1", "101")) }},
			{"a step", func() {
				s.desk.behave(encoder(time.Hour))
				s.say(checkIn("R2", "102", "Sousa"))
			}},
		} {
			what.act()
			if now := s.agent.Pulse(); now == last {
				t.Errorf("%s is not felt", what.name)
			} else {
				last = now
			}
		}
	})
}

// Names are for who asks, and that somebody did stands in the log, without them.
func TestNamesAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.say(checkIn("R1", "101", "Silva"))
		var log bytes.Buffer
		s.agent.log = zerolog.New(&log)
		guests, err := s.agent.Names("101", "desk")
		if err != nil || len(guests) != 1 || guests[0].Last != "Silva" {
			t.Errorf("%+v, %v", guests, err)
		}
		for _, none := range []string{"102", "Silva"} { // what is no room may be a name
			if _, err := s.agent.Names(none, "desk"); err == nil || err.Error() != fmt.Sprintf("nobody is in room %q", none) {
				t.Error(err)
			}
		}
		if got := log.String(); strings.Count(got, `"room":"101","user":"desk","message":"names of guests asked for"`) != 1 || strings.Count(got, "\n") != 1 || strings.Contains(got, "Silva") {
			t.Error(got)
		}
	})
}

// An event of before can be explained, and brings back no name and no message.
func TestHappenedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		n := checkIn("R1", "101", "Silva")
		n.Fields = append(n.Fields, pms.Field{Name: pms.FieldVIP, New: "V1"})
		s.say(n)
		v, err := s.agent.Look()
		if err != nil || len(v.Events) == 0 {
			t.Fatal(err)
		}
		e, ok := s.agent.Happened(v.Events[len(v.Events)-1].ID)
		text, _ := json.Marshal(e)
		if !ok || e.Kind != pms.StayCheckedIn || e.Field("vip") != "V1" || strings.Contains(string(text), "Silva") {
			t.Errorf("%v %s", ok, text)
		}
		all := s.agent.Explain([]pms.Event{e})
		if len(all.Fires) == 0 || len(all.Others) == 0 {
			t.Errorf("%+v", all)
		}
		if _, ok := s.agent.Happened("nonsense"); ok {
			t.Error("what never happened is found")
		}
	})
	e := impersonal(&pms.Event{
		Guests: []pms.Guest{{Title: "Ms", AltLast: "Silva", ID: "Silva"}, {First: "Silva"}},
		Extra:  map[string]string{"message": "Silva", "message_title": "", "copies": "2"},
	})
	want := pms.Event{
		Guests: []pms.Guest{{Title: "…", Last: "…"}, {First: "…"}},
		Extra:  map[string]string{"message": "…", "message_title": "", "copies": "2"},
	}
	want.Stay.Guests = want.Guests
	if !reflect.DeepEqual(e, want) {
		t.Errorf("%+v", e)
	}
}
