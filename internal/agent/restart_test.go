package agent

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
)

// keyOutcome is how the page shows the key of room 101.
func (s *stage) keyOutcome() Outcome {
	s.t.Helper()
	v, err := s.agent.Look()
	if err != nil || len(v.Rooms) != 1 {
		s.t.Fatalf("%+v %v", v.Rooms, err)
	}
	return v.Rooms[0].Outcomes["keycard"]
}

// After a restart the page shows the card of the guest who is in the room, or that
// it does not know; never what became of the keys of who was there before.
func TestKeysAfterARestart(t *testing.T) {
	made := func(_ context.Context, c drivers.Command) (drivers.Receipt, error) {
		return drivers.Receipt{Values: map[string]string{drivers.ValueAt: time.Now().UTC().Format(time.RFC3339Nano)}}, nil
	}
	vain := func(_ context.Context, c drivers.Command) (drivers.Receipt, error) {
		if c.Action == "encode" {
			return drivers.Receipt{}, errNoCard
		}
		return made(nil, c)
	}
	for name, tt := range map[string]struct {
		do   func(context.Context, drivers.Command) (drivers.Receipt, error)
		want Outcome
	}{
		"cut":  {made, Outcome{Device: "desk1", Action: "encode", State: offsetstore.Processed}},
		"vain": {vain, Outcome{Forgotten: true}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				s.desk.behave(made)
				s.say(checkIn("R0", "101", "Okoro"))
				s.say(checkOut("R0", "101"))
				s.desk.behave(tt.do)
				s.say(checkIn("R1", "101", "Silva"))
				s.stop()
				s.start()
				defer s.stop()
				got := s.keyOutcome()
				if tt.want.At = got.At; got != tt.want {
					t.Errorf("%+v, want %+v", got, tt.want)
				}
				if got.Forgotten != got.At.IsZero() {
					t.Errorf("at %s", got.At)
				}
				// From now on it is known again.
				s.desk.behave(vain)
				again := cut("K1", "101")
				again.Reservation = "R1"
				s.say(again)
				if got := s.keyOutcome(); got.State != offsetstore.Error || got.Forgotten {
					t.Errorf("%+v", got)
				}
			})
		})
	}
}

// A check-out of who was there before leaves the next guest's room alone, and so
// does what the page says of it.
func TestLateCancellationHidesNoCard(t *testing.T) {
	k := madeKey{device: "desk1", at: time.Unix(100, 0), until: time.Unix(900, 0)}
	gone := Outcome{Action: "cancel_room", State: offsetstore.Processed, At: time.Unix(200, 0)}
	if got := gone.made(k); got.Action != "encode" || !got.At.Equal(k.at) {
		t.Errorf("%+v", got)
	}
	for _, o := range []Outcome{{Action: "cancel_room", State: offsetstore.Error}, {Action: "encode", State: offsetstore.Error}} {
		if got := o.made(k); got != o {
			t.Errorf("%+v", got)
		}
	}
	if got := gone.made(madeKey{}); got != gone {
		t.Errorf("%+v", got)
	}
}
