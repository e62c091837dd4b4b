package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
)

// doubtful is a stage on which a key was perhaps made, and the command's id.
func doubtful(t *testing.T) (*stage, string) {
	s := newStage(t)
	s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
		return drivers.Receipt{Values: map[string]string{"key_id": "k1", drivers.ValueAt: time.Now().UTC().Format(time.RFC3339Nano)}},
			fmt.Errorf("%w: no result came", drivers.ErrUnknown)
	})
	s.say(checkIn("R1", "101", "Silva"))
	v, err := s.agent.Look()
	if err != nil || len(v.Unknown) != 1 {
		t.Fatalf("%+v, %v", v.Unknown, err)
	}
	return s, v.Unknown[0].ID
}

// key is what is known of the key of room 101.
func (s *stage) key() map[string]string {
	s.t.Helper()
	text, err := s.store.Known("desk1", "room:101")
	if err != nil {
		s.t.Fatal(err)
	}
	var r drivers.Receipt
	if len(text) > 0 && json.Unmarshal(text, &r) != nil {
		s.t.Fatal("unreadable")
	}
	return r.Values
}

func TestPersonResolvesAnUnknownOutcome(t *testing.T) {
	for _, done := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			s, id := doubtful(t)
			defer s.stop()
			if got := s.key(); got != nil {
				t.Errorf("known before anybody looked: %v", got)
			}
			if err := s.agent.Resolve(id, done); err != nil {
				t.Fatal(err)
			}
			if got := s.key()["key_id"]; (got == "k1") != done {
				t.Errorf("done %v: the room's key is %q", done, got)
			}
			v, err := s.agent.Look()
			if err != nil || len(v.Unknown) > 0 || len(v.Conditions) > 0 {
				t.Errorf("still listed: %+v, %+v, %v", v.Unknown, v.Conditions, err)
			}
			settled, err := s.store.Done()
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range settled {
				if want := map[bool]string{true: "; a person found that it was done", false: "; a person found that it was not done"}[done]; c.ID == id && !strings.HasSuffix(c.Note, want) {
					t.Errorf("note %q", c.Note)
				}
			}
			if err := s.agent.Resolve(id, done); !errors.Is(err, offsetstore.ErrNotUnknown) || err.Error() != "no command of this id has an unknown outcome: the status page lists those that need a person, with their ids" {
				t.Errorf("a second time: %v", err)
			}
			s.want("encoder", s.desk.saw(), []string{"encode room:101"})
		})
	}
}

// The device's own late answer ends the doubt too; one about anything else does nothing.
func TestLateAnswerEndsTheDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, id := doubtful(t)
		defer s.stop()
		s.agent.Late("another", true, "reported later")
		if s.key() != nil {
			t.Error("another command's answer was taken")
		}
		s.agent.Late(id, true, "reported later")
		if s.key()["key_id"] != "k1" {
			t.Error("the late answer was lost")
		}
	})
}

// After a crash no driver could say what it was about to make: the room has a
// key of the stay, and the next one is a new one.
func TestResolveAfterACrash(t *testing.T) {
	r, err := supposed(offsetstore.Command{Settled: time.Unix(1_800_000_000, 0), Body: []byte(`{"action":"encode","params":{"stay":"s1","until":"2027-01-20T11:00:00Z"}}`)})
	if err != nil || string(r) != `{"values":{"at":"2027-01-15T08:00:00Z","stay":"s1","until":"2027-01-20T11:00:00Z"}}` {
		t.Errorf("%s, %v", r, err)
	}
}
