package agent

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
)

// follower is a TV that shows what others have made.
type follower struct {
	machine
	mu   sync.Mutex
	told []string
}

func (f *follower) Follow(device, subject string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, device+" "+subject)
}

func TestAccessOfWhoIsInTheRoomNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		f := &follower{}
		s.agent.devices[1].Driver = f // before anything is said
		until := time.Now().Add(50 * time.Hour).UTC().Format(time.RFC3339)
		s.lan.behave(func(_ context.Context, c drivers.Command) (drivers.Receipt, error) {
			if c.Action != "ensure" {
				return drivers.Receipt{}, nil
			}
			return drivers.Receipt{Values: map[string]string{"code": "c-" + c.Params["stay"][:4], "until": until}}, nil
		})
		s.say(checkIn("R1", "101", "Silva"))
		s.say(checkIn("R2", "102", "Okafor"))
		got, err := s.agent.Access("101")
		if err != nil || len(got) != 1 || got[0].Device != "wifi" || got[0].Values["code"] != "c-"+got[0].Stay[:4] || got[0].Values["until"] != until {
			t.Fatalf("%+v, %v", got, err)
		}
		if want := "wifi stay:" + got[0].Stay; !slices.Contains(f.told, want) {
			t.Errorf("the TVs were told of %q, want %q among them", f.told, want)
		}
		s.say(checkOut("R1", "101"))
		if got, err := s.agent.Access("101"); err != nil || len(got) != 0 {
			t.Errorf("after the check-out: %+v, %v", got, err)
		}
	})
}
