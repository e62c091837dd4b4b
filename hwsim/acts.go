package hwsim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"edgeagent/hwsim/locksim"
)

// awake is after how many acts the house is awake.
const awake = 2

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
		code := d.Hotel.Code("101")
		if err := d.Hotel.WiFi.Join("02:00:00:00:01:01", code.User, code.Code); err != nil {
			return false, err.Error()
		}
		return d.Hotel.WiFi.Online("02:00:00:00:01:01"), "online"
	})
	d.expect(ctx, "the TV in 101 shows network and code", func() (bool, string) {
		code := d.Hotel.Code("101")
		want := strings.Join(strings.Fields("Sea View Guest "+code.User+" "+code.Code), " ")
		return code.Works && d.Hotel.TV("101").Shown().WiFi == want, "shown"
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
	if err := d.Hotel.WiFi.Join(phone, code.User, code.Code); err != nil {
		return err
	}
	d.Hotel.Desk().CheckOut(s)
	d.expectScreen(ctx, "203")
	d.expect(ctx, "the card no longer opens 203", func() (bool, string) {
		return !d.Hotel.Locks.OpensDoor(card, "203", time.Now()), "card " + card
	})
	d.expect(ctx, "the code no longer works", func() (bool, string) { return !works(d.Hotel.WiFi, code), "dead" })
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
	d.expect(ctx, "the code no longer works", func() (bool, string) { return !works(d.Hotel.WiFi, code), "dead" })
	return nil
}
