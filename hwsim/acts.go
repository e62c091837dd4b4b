package hwsim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"edgeagent/hwsim/locksim"
	"edgeagent/hwsim/tvsim"
)

// acts are the scenes of the day, in their order.
func acts() []act {
	return []act{
		{"a guest checks in", playCheckIn},
		{"the PMS tells the next check-in as an update", playCheckInAsUpdate},
		{"a second guest joins the room", playShare},
		{"the stay is extended by a night", playExtension},
		{"a name is corrected", playRename},
		{"a guest moves to another room", playMove},
		{"two guests swap rooms", playSwap},
		{"the TV broker is down during a check-out", playBrokerDown},
		{"the encoder is unplugged during a check-in", playUnplugged},
		{"nobody presents a card", playNoCard},
		{"a late check-out is granted", playLateCheckOut},
		{"a guest checks out", playCheckOut},
		{"the check-out is taken back", playReversedCheckOut},
		{"a check-in is taken back", playReversedCheckIn},
		{"the PMS link is cut, and comes back with a day's backlog", playBacklog},
		{"kill -9 between the encoder's ACK and its result", playKill},
	}
}

func playCheckIn(ctx context.Context, d *Day) error {
	d.arrive(ctx, d.Hotel.Guest("Ms", "Ana", "Silva", "PT", 2), "101")
	d.expect(ctx, "a phone gets on with the code", func() (bool, string) {
		if err := d.Hotel.WiFi.Join("02:00:00:00:01:01", d.Hotel.Code("101")); err != nil {
			return false, err.Error()
		}
		return d.Hotel.WiFi.Online("02:00:00:00:01:01"), "online"
	})
	return nil
}

func playCheckInAsUpdate(ctx context.Context, d *Day) error {
	s := d.Hotel.Guest("Mr", "Ben", "Okafor", "E", 3)
	d.guests[s.Last] = s
	d.Hotel.Desk().CheckInAsUpdate(s, "102")
	d.expectKey(ctx, s)
	d.expectScreen(ctx, "102", "Okafor")
	d.expectCode(ctx, "102")
	return nil
}

func playShare(ctx context.Context, d *Day) error {
	first := d.Hotel.Key(d.guests["Silva"])
	s := d.Hotel.Guest("Mr", "Carlos", "Pinto", "PT", 2)
	d.guests[s.Last] = s
	d.Hotel.Desk().Share(s, "101")
	d.expect(ctx, "a duplicate is cut for 101", func() (bool, string) {
		cuts := d.Hotel.Locks.Cuts("101")
		return len(cuts) == 2 && cuts[1].Deed == locksim.Copied, fmt.Sprintf("%d cards", len(cuts))
	})
	d.expect(ctx, "the first guest's card still opens 101", func() (bool, string) {
		return d.Hotel.Locks.OpensDoor(first, "101", time.Now()), "card " + first
	})
	d.expectScreen(ctx, "101", "Silva", "Pinto")
	return nil
}

func playExtension(ctx context.Context, d *Day) error {
	s := d.guests["Okafor"]
	d.Hotel.Desk().Stretch(s, 24*time.Hour)
	d.expectDeparture(ctx, s)
	d.expectCodeLasts(ctx, s)
	return nil
}

func (d *Day) expectDeparture(ctx context.Context, s *Stay) {
	d.expect(ctx, "the TV of "+s.Room+" knows the new departure", func() (bool, string) {
		shown := d.Hotel.TV(s.Room).Shown().Departure
		at, err := time.Parse(time.RFC3339, shown)
		return err == nil && at.Equal(s.Departure), shown
	})
}

func playRename(ctx context.Context, d *Day) error {
	s := d.guests["Okafor"]
	d.Hotel.Desk().Rename(s, "Okafor-Lind")
	d.expectScreen(ctx, "102", "Okafor-Lind")
	if err := d.rest(ctx); err != nil {
		return err
	}
	d.expect(ctx, "no new card is cut for it", func() (bool, string) {
		n := len(d.Hotel.Locks.Cuts("102"))
		return n == 1, fmt.Sprintf("%d card", n)
	})
	return nil
}

func playMove(ctx context.Context, d *Day) error {
	s := d.guests["Okafor"]
	old := d.Hotel.Key(s)
	d.Hotel.Desk().Move(s, "203")
	d.expectKey(ctx, s)
	d.expectScreen(ctx, "203", "Okafor-Lind")
	d.expectScreen(ctx, "102")
	d.expect(ctx, "the old card no longer opens 102", func() (bool, string) {
		return !d.Hotel.Locks.OpensDoor(old, "102", time.Now()), "card " + old
	})
	d.expectCode(ctx, "203")
	return nil
}

func playSwap(ctx context.Context, d *Day) error {
	a, b := d.Hotel.Guest("Dr", "Dora", "Weber", "GE", 2), d.Hotel.Guest("Mme", "Emma", "Martin", "FR", 2)
	d.arrive(ctx, a, "201")
	d.arrive(ctx, b, "202")
	d.Hotel.Desk().Swap(a, b)
	d.expectScreen(ctx, "202", "Weber")
	d.expectScreen(ctx, "201", "Martin")
	d.expectKey(ctx, a)
	d.expectKey(ctx, b)
	return nil
}

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

func (d *Day) expectOffline(ctx context.Context, want, device string) {
	d.expect(ctx, want, func() (bool, string) {
		v, err := d.Hotel.Status(ctx)
		if err != nil {
			return false, err.Error()
		}
		for _, dev := range v.Devices {
			if dev.Name == device {
				return dev.State.Condition == "offline", dev.State.Condition
			}
		}
		return false, "no such device"
	})
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

func playLateCheckOut(ctx context.Context, d *Day) error {
	s := d.guests["Lopez"]
	d.Hotel.Desk().Stretch(s, 3*time.Hour)
	d.expectDeparture(ctx, s)
	return nil
}

func playCheckOut(ctx context.Context, d *Day) error {
	s := d.guests["Okafor"]
	card, code := d.Hotel.Key(s), d.Hotel.Code(s.Room)
	const phone = "02:00:00:00:02:03"
	if err := d.Hotel.WiFi.Join(phone, code); err != nil {
		return err
	}
	d.Hotel.Desk().CheckOut(s)
	d.expectScreen(ctx, "203")
	d.expect(ctx, "the card no longer opens 203", func() (bool, string) {
		return !d.Hotel.Locks.OpensDoor(card, "203", time.Now()), "card " + card
	})
	d.expect(ctx, "the code no longer works", func() (bool, string) { return !d.Hotel.WiFi.CodeWorks(code), "dead" })
	d.expect(ctx, "the phone is off the WiFi", func() (bool, string) { return !d.Hotel.WiFi.Online(phone), "offline" })
	return nil
}

func playReversedCheckOut(ctx context.Context, d *Day) error {
	s := d.guests["Okafor"]
	d.Hotel.Desk().ReverseCheckOut(s)
	d.expectScreen(ctx, "203", "Okafor-Lind")
	d.expectCode(ctx, "203")
	d.expectKey(ctx, s)
	return nil
}

func playReversedCheckIn(ctx context.Context, d *Day) error {
	s := d.Hotel.Guest("Ms", "Iris", "Novak", "E", 1)
	d.arrive(ctx, s, "302")
	code := d.Hotel.Code("302")
	d.Hotel.Desk().ReverseCheckIn(s)
	d.expectScreen(ctx, "302")
	d.expect(ctx, "the code no longer works", func() (bool, string) { return !d.Hotel.WiFi.CodeWorks(code), "dead" })
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
	d.agent.Kill()
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
