package hwsim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"edgeagent/hwsim/locksim"
	"edgeagent/hwsim/tvsim"
)

// The scenes in which something breaks.

func playBrokerDown(ctx context.Context, d *Day) error {
	s := d.Hotel.Guest("Mr", "Finn", "Berg", "DE", 1)
	d.arrive(ctx, s, "104")
	d.Hotel.Broker.Save()
	d.Hotel.Broker.Stop()
	d.Hotel.Desk().CheckOut(s)
	d.expectOffline(ctx, "the desk sees that the screens wait", "tvs")
	// It comes back with what it had saved before: the departed guest's name.
	if err := d.Hotel.Broker.Start(tvsim.Restore); err != nil {
		return err
	}
	d.expectScreen(ctx, "104")
	d.expect(ctx, "the broker keeps no name of 104", func() (bool, string) {
		n := len(d.Hotel.Broker.Retained("htl/v1/" + PropertyID + "/room/104/welcome"))
		return n == 0, fmt.Sprintf("%d retained", n)
	})
	return nil
}

func playUnplugged(ctx context.Context, d *Day) error {
	if err := d.Hotel.Encoder.Unplug(); err != nil {
		return err
	}
	d.expectOffline(ctx, "the desk sees that the encoder is gone", "lobby-encoder")
	s := d.Hotel.Guest("Ms", "Gita", "Rao", "E", 2)
	d.guests[s.Last] = s
	d.Hotel.Desk().CheckIn(s, "103")
	d.expectScreen(ctx, "103", "Rao") // the TV does not wait for the encoder
	d.expect(ctx, "the key waits for the encoder", func() (bool, string) {
		v, err := d.Hotel.Status(ctx)
		if err != nil {
			return false, err.Error()
		}
		for _, c := range v.Open {
			if c.Device == "lobby-encoder" && c.Note != "" {
				return true, c.Note
			}
		}
		return false, "nothing waits"
	})
	if err := d.Hotel.Encoder.Plug(); err != nil {
		return err
	}
	d.expectKey(ctx, s)
	return nil
}

func playNoCard(ctx context.Context, d *Day) error {
	d.Hotel.Locks.Operator(EncoderName, locksim.Presentation{Never: true})
	s := d.Hotel.Guest("Mr", "Hugo", "Lopez", "ES", 1)
	d.guests[s.Last] = s
	d.Hotel.Desk().CheckIn(s, "301")
	d.expectNote(ctx, "the desk is told", "o card was presented")
	d.expectScreen(ctx, "301", "Lopez")
	if err := d.rest(ctx); err != nil {
		return err
	}
	d.expect(ctx, "no card was cut for 301", func() (bool, string) {
		n := len(d.Hotel.Locks.Cuts("301"))
		return n == 0, fmt.Sprintf("%d cards", n)
	})
	return nil
}

// playBacklog lets a day pass while the link is down: six guests through 303
// and 304, of whom two are still there.
func playBacklog(ctx context.Context, d *Day) error {
	if err := d.Hotel.PMS.Down(); err != nil {
		return err
	}
	age := 24 * time.Hour
	step := func() Desk {
		age -= time.Hour
		return d.Hotel.Desk().Earlier(age)
	}
	var last []*Stay
	for _, room := range []string{"303", "304"} {
		for i, name := range []string{"Uno", "Due", "Tre"} {
			s := d.Hotel.Guest("Mr", "Passing", name+room, "E", 1)
			step().CheckIn(s, room)
			if i < 2 {
				step().CheckOut(s)
			} else {
				last = append(last, s)
			}
			d.Hotel.Desk().Earlier(age).Housekeeping(room, "CLEAN")
		}
	}
	if err := d.Hotel.PMS.Up(); err != nil {
		return err
	}
	for _, s := range last {
		d.expectScreen(ctx, s.Room, s.Last)
		d.expectCode(ctx, s.Room)
	}
	if err := d.rest(ctx); err != nil {
		return err
	}
	d.expect(ctx, "old news cut no card", func() (bool, string) {
		n := len(d.Hotel.Locks.Cuts("303")) + len(d.Hotel.Locks.Cuts("304"))
		return n == 0, fmt.Sprintf("%d cards", n)
	})
	d.expect(ctx, "no screen showed who had left again", func() (bool, string) {
		for _, s := range last {
			for _, shown := range d.Hotel.TV(s.Room).History() {
				if !shown.Vacant() && !namesFit(shown.Names, []string{s.Last}) {
					return false, strings.Join(shown.Names, ", ")
				}
			}
		}
		return true, "none did"
	})
	return nil
}

// playKill pulls the plug in mid-card: the encoder has said ACK, its result has
// not come. The card comes out all the same, and nobody cuts a second one.
func playKill(ctx context.Context, d *Day) error {
	hold := d.Hotel.Locks.HoldAfterAck()
	defer hold.Release()
	s := d.Hotel.Guest("Mr", "Jan", "Kowalski", "E", 2)
	d.guests[s.Last] = s
	d.Hotel.Desk().CheckIn(s, "204")
	select {
	case <-hold.Reached:
	case <-time.After(patience):
		return fmt.Errorf("the encoder was not asked for a card")
	case <-ctx.Done():
		return ctx.Err()
	}
	d.killed = time.Now()
	d.Agent.Cut()
	hold.Release()
	if err := d.start(ctx); err != nil {
		return err
	}
	d.expectNote(ctx, "a person is told to look", "outcome unknown")
	d.expectScreen(ctx, "204", "Kowalski")
	d.expectCode(ctx, "204")
	// The next check-in shows that the link has found its feet again.
	d.arrive(ctx, d.Hotel.Guest("Ms", "Lea", "Moreau", "FR", 1), "102")
	if err := d.rest(ctx); err != nil {
		return err
	}
	d.expect(ctx, "one card was cut for 204, not two", func() (bool, string) {
		n := len(d.Hotel.Locks.Cuts("204"))
		return n == 1, fmt.Sprintf("%d card", n)
	})
	return nil
}
