package agent

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
	"edgeagent/pms"
)

func withdrawn(id string) pms.Notice {
	return pms.Notice{Kind: pms.KindCommandWithdrawn, CommandID: id}
}

func TestWithdrawnCommandCutsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.desk.behave(encoder(30 * time.Second))
		s.say(cut("K1", "101"), cut("K2", "102"))
		s.say(withdrawn("K2"), withdrawn("unheard of"))
		s.want("at once", s.pms.answers(), []string{"K2 Cancelled withdrawn in the PMS before it was begun"})
		time.Sleep(time.Hour)
		s.want("encoder", s.desk.saw(), []string{"encode room:101"})
		s.course("K1")
	})
}

func TestWithdrawnWhileUnderWay(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(context.Context, drivers.Command) (drivers.Receipt, error)
		want string
	}{
		{"given up in time", encoder(time.Minute), "Cancelled withdrawn in the PMS before anything was done"},
		{"done in spite of it", func(ctx context.Context, _ drivers.Command) (drivers.Receipt, error) {
			<-ctx.Done()
			return drivers.Receipt{Note: "2 cards"}, nil
		}, "Processed 2 cards; withdrawn in the PMS too late: take the card back"},
		{"nobody knows", func(ctx context.Context, _ drivers.Command) (drivers.Receipt, error) {
			<-ctx.Done()
			return drivers.Receipt{}, fmt.Errorf("%w: read the card", drivers.ErrUnknown)
		}, "Error outcome unknown: read the card"},
		{"the device is away", func(ctx context.Context, _ drivers.Command) (drivers.Receipt, error) {
			<-ctx.Done()
			return drivers.Receipt{}, &drivers.LinkDown{Err: context.Cause(ctx)}
		}, "Cancelled withdrawn in the PMS before anything was done"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				defer s.stop()
				s.desk.behave(c.do)
				s.say(cut("K1", "101"))
				s.say(withdrawn("K1"))
				s.want("answers", s.pms.answers(), []string{"K1 " + c.want})
				time.Sleep(time.Hour)
				s.want("encoder", s.desk.saw(), []string{"encode room:101"})
			})
		})
	}
}

// A command that waits for its next try is not tried again.
func TestWithdrawnBetweenTries(t *testing.T) {
	for name, trouble := range map[string]error{
		"device away": &drivers.LinkDown{Err: errors.New("no such adapter")},
		"later":       &drivers.RetryAfter{Wait: time.Minute, Err: errors.New("busy")},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t)
				defer s.stop()
				s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) { return drivers.Receipt{}, trouble })
				s.say(cut("K1", "101"))
				tried := len(s.desk.saw())
				s.say(withdrawn("K1"))
				s.want("answers", s.pms.answers(), []string{"K1 Cancelled withdrawn in the PMS before it was begun"})
				time.Sleep(time.Hour)
				if n := len(s.desk.saw()); n != tried {
					t.Errorf("tried %d times more", n-tried)
				}
			})
		})
	}
}

// The PMS takes the command back after its job is marked and before the driver
// has heard of it.
func TestWithdrawnAtTheLastMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		spare := &machine{name: "spare"}
		d := &device{Device: Device{Driver: spare, Kind: "keycard", Actions: actions("keycard")}, name: "spare"}
		if err := s.store.Accept(offsetstore.Batch{
			Source: "pms", Asks: []offsetstore.Ask{{Source: "pms", ID: "K1", At: time.Now()}},
			Commands: []offsetstore.Command{{ID: "n", Lane: "spare", Subject: "room:101", Source: "pms", Ask: "K1", Created: time.Now(), Body: []byte(`{"action":"encode"}`)}},
		}); err != nil {
			t.Fatal(err)
		}
		c, err := s.store.Next(t.Context(), "spare")
		if err != nil {
			t.Fatal(err)
		}
		s.say(withdrawn("K1"))
		receipt, err := s.agent.do(t.Context(), d, c, s.agent.beats.join("a test"))
		if err := s.agent.settle(d, c, receipt, err); err != nil {
			t.Fatal(err)
		}
		s.rest()
		s.want("encoder", spare.saw(), []string{})
		s.want("answers", s.pms.answers(), []string{"K1 Cancelled withdrawn in the PMS before anything was done"})
	})
}
