package mewssim

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"
)

func (s *Server) tryUpdate(t *testing.T, id, state string) (reply, error) {
	t.Helper()
	return tryRoundTrip(s.request(t, apiPrefix+"commands/update", must(json.Marshal(s.body(object{"CommandId": id, "State": state})))))
}

// Before or after: the client sees the same.
func TestResetBeforeAndAfterTheEffect(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	id := must(s.CutKey(h.cutter, h.book(h.room).ID, 1))
	s.Trouble(Trouble{Path: "commands/update", Times: 1, Kind: Reset}, Trouble{Path: "commands/update", Times: 1, Kind: Reset, Late: true})
	for _, want := range []string{Pending, Processing} {
		if got, err := s.tryUpdate(t, id, Processing); err == nil {
			t.Errorf("answered %d", got.status)
		}
		if c, _ := s.Command(id); c.State != want {
			t.Errorf("state %s, not %s", c.State, want)
		}
	}
	if got, err := s.tryUpdate(t, id, Processed); err != nil || got.status != 200 {
		t.Errorf("%d, %v", got.status, err)
	}
	calls := s.Audit().Calls("commands/update")
	if len(calls) != 3 || calls[0].Effect || !calls[1].Effect || calls[1].Status != 0 || !calls[2].Effect || calls[2].Trouble {
		t.Errorf("%+v", calls)
	}
}

func TestTroublesOfAnswers(t *testing.T) {
	s, _ := startAt(t)
	for _, tt := range []struct {
		name   string
		how    Trouble
		status int
		fails  bool
		valid  bool // JSON
	}{
		{"403", Trouble{Kind: Status, Status: 403, Message: "Not today"}, 403, false, true},
		{"408", Trouble{Kind: Status, Status: 408}, 408, false, true},
		{"409", Trouble{Kind: Status, Status: 409}, 409, false, true},
		{"503", Trouble{Kind: Status, Status: 503, Retry: "7"}, 503, false, true},
		{"page", Trouble{Kind: HTML}, 200, false, false},
		{"truncated", Trouble{Kind: Truncate}, 200, false, false},
		{"garbage", Trouble{Kind: Garbage}, 200, false, false},
		{"broken off", Trouble{Kind: Break}, 200, true, false},
		{"slow", Trouble{Kind: Slow, Delay: time.Millisecond}, 200, false, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			tt.how.Times, tt.how.Skip, tt.how.Path = 1, 1, "devices/"
			s.Trouble(tt.how)
			s.good(t, "devices/getAll", nil) // is skipped
			s.good(t, "languages/getAll", nil)
			got, err := tryRoundTrip(s.request(t, apiPrefix+"devices/getAll", must(json.Marshal(s.body(nil)))))
			if got.status != tt.status || (err != nil) != tt.fails || json.Valid([]byte(got.text)) != tt.valid {
				t.Errorf("%d %q, %v", got.status, got.text, err)
			}
			if tt.how.Message != "" && got.json["Message"] != tt.how.Message || got.header.Get("Retry-After") != tt.how.Retry {
				t.Errorf("%q %v", got.text, got.header)
			}
			s.good(t, "devices/getAll", nil)
		})
	}
}

func TestHangEndsWithTheClient(t *testing.T) {
	s, _ := startAt(t)
	s.Trouble(Trouble{Kind: Hang})
	failed := make(chan error, 1)
	r := s.request(t, apiPrefix+"devices/getAll", must(json.Marshal(s.body(nil))))
	go func() {
		_, err := tryRoundTrip(r)
		failed <- err
	}()
	s.await(t, func(a Audit) bool { return len(a.Requests) == 1 })
	s.Cut()
	if err := <-failed; err == nil {
		t.Error("answered")
	}
	s.ClearTroubles()
	s.good(t, "devices/getAll", nil)
}

// A read shows the world as it was a while ago.
func TestLag(t *testing.T) {
	s, c := startAt(t)
	h := build(s)
	r := h.book(h.room)
	s.Change(func(f *Faults) { f.Lag = 2 * time.Second })
	state := func() any {
		t.Helper()
		return s.good(t, "reservations/getAll/2023-06-06", object{"ReservationIds": []string{r.ID}, "Limitation": first(1)}).list("Reservations")[0]["State"]
	}
	p := s.dial(t)
	ok(t, s.CheckIn(r.ID))
	if e := p.events()[0]; e["State"] != "Started" || state() != "Confirmed" {
		t.Errorf("event %v, state %v", e, state())
	}
	fresh := h.book("")
	if rows := s.good(t, "reservations/getAll/2023-06-06", object{"ReservationIds": []string{fresh.ID}, "Limitation": first(1)}).list("Reservations"); len(rows) != 0 {
		t.Error("a new reservation is seen at once")
	}
	c.add(time.Second)
	ok(t, s.CheckOut(r.ID))
	c.add(time.Second)
	if got := state(); got != "Started" {
		t.Error(got)
	}
	c.add(time.Second)
	if got := state(); got != "Processed" {
		t.Error(got)
	}
	id := must(s.CutKey(h.cutter, r.ID, 1))
	active := func() int { return len(s.good(t, "commands/getAllActive", nil).list("Commands")) }
	if active() != 0 {
		t.Error("a new command is seen at once")
	}
	c.add(2 * time.Second)
	if got, err := s.tryUpdate(t, id, Processed); err != nil || got.status != http.StatusOK || active() != 1 {
		t.Error(got.status, err, "or the update is seen at once")
	}
	s.Change(func(f *Faults) { f.Lag = 0 })
	if active() != 0 {
		t.Error("the update is not seen")
	}
}
