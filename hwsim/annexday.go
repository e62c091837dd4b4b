package hwsim

import (
	"context"
	"fmt"
	"strings"
	"time"

	"edgeagent/hwsim/locksim"
	"edgeagent/hwsim/mewssim"
)

// annexActs are the scenes at the desk that works with Mews.
func annexActs() []act {
	return []act{
		{"annex: a guest checks in, and the desk cuts a key in Mews", playKeyCommand},
		{"annex: the same key is asked for again", playSecondKey},
		{"annex: a name is corrected, and Mews tells nobody", playProfileEdit},
		{"annex: the guest moves, and the desk cuts a key", playAnnexMove},
		{"annex: nobody presents a card", playNoCardInMews},
		{"annex: a key command is taken back", playCancelledCommand},
		{"annex: an hour without Mews", playHourAway},
		{"annex: two guests swap rooms, and the keys are asked for at once", playAnnexSwap},
		{"annex: the guest checks out", playAnnexCheckOut},
		{"annex: a guest leaves, the next one comes, and the key is asked for at once", playTurnover},
	}
}

// expectCommand wants a device command to end in a state, and shows what staff
// read in Mews.
func (d *Day) expectCommand(ctx context.Context, want, command, state string) {
	d.expect(ctx, want, func() (bool, string) {
		c, ok := d.Hotel.Annex.Command(command)
		if !ok {
			return false, "no such command"
		}
		return c.State == state, c.State + ": " + c.Notes
	})
}

// expectCards wants the cards cut for a room so far to be these.
func (d *Day) expectCards(ctx context.Context, want, room string, deeds ...locksim.Deed) {
	d.expect(ctx, want, func() (bool, string) {
		cuts := d.Hotel.Locks.Cuts(room)
		ok := len(cuts) == len(deeds)
		var seen strings.Builder
		seen.WriteString(fmt.Sprintf("%d cards", len(cuts)))
		for i, c := range cuts {
			ok = ok && c.Deed == deeds[i]
			seen.WriteString(", " + string(c.Deed))
		}
		return ok, seen.String()
	})
}

func playKeyCommand(ctx context.Context, d *Day) error {
	s := d.Hotel.Guest("Ms", "Marta", "Duarte", "", 2)
	d.guests[s.Last] = s
	if err := d.Hotel.MewsDesk().CheckIn(s, "401"); err != nil {
		return err
	}
	d.expectScreen(ctx, "401", s.Last)
	d.expectCode(ctx, "401")
	if err := d.rest(ctx); err != nil {
		return err
	}
	d.expectCards(ctx, "no card is cut before the desk asks", "401")
	command, err := d.Hotel.MewsDesk().CutKey(s, 1)
	if err != nil {
		return err
	}
	d.expectKey(ctx, s)
	d.expectCommand(ctx, "Mews shows the command as done", command, mewssim.Processed)
	d.expect(ctx, "and showed it as received and in work before", func() (bool, string) {
		c, _ := d.Hotel.Annex.Command(command)
		var seen strings.Builder
		for _, u := range c.Updates() {
			seen.WriteString(" " + u.State)
		}
		var received, worked bool
		for _, u := range c.Updates() {
			received = received || u.State == mewssim.Received
			worked = worked || u.State == mewssim.Processing
		}
		return received && worked, seen.String()
	})
	return nil
}

func playSecondKey(ctx context.Context, d *Day) error {
	s := d.guests["Duarte"]
	first := d.Hotel.Key(s)
	command, err := d.Hotel.MewsDesk().CutKey(s, 1)
	if err != nil {
		return err
	}
	d.expectCommand(ctx, "Mews shows the command as done", command, mewssim.Processed)
	d.expectCards(ctx, "it is a duplicate", "401", locksim.NewKey, locksim.Copied)
	d.expect(ctx, "the first card still opens 401", func() (bool, string) {
		return d.Hotel.Locks.OpensDoor(first, "401", time.Now()), "card " + first
	})
	return nil
}

func playProfileEdit(ctx context.Context, d *Day) error {
	s := d.guests["Duarte"]
	if err := d.Hotel.MewsDesk().Rename(s, "Duarte-Reis"); err != nil {
		return err
	}
	d.expectScreen(ctx, "401", "Duarte-Reis")
	return nil
}

func playAnnexMove(ctx context.Context, d *Day) error {
	s := d.guests["Duarte"]
	if err := d.Hotel.MewsDesk().Move(s, "403"); err != nil {
		return err
	}
	d.expectScreen(ctx, "403", "Duarte-Reis")
	d.expectScreen(ctx, "401")
	command, err := d.Hotel.MewsDesk().CutKey(s, 2)
	if err != nil {
		return err
	}
	d.expectCommand(ctx, "Mews shows the command as done", command, mewssim.Processed)
	d.expectCards(ctx, "a new key and its copy", "403", locksim.NewKey, locksim.Copied)
	d.expectKey(ctx, s)
	return nil
}

func playNoCardInMews(ctx context.Context, d *Day) error {
	s := d.Hotel.Guest("Mr", "Nils", "Holm", "", 1)
	d.guests[s.Last] = s
	if err := d.Hotel.MewsDesk().CheckIn(s, "402"); err != nil {
		return err
	}
	d.expectScreen(ctx, "402", s.Last)
	d.Hotel.Locks.Operator(AnnexEncoder, locksim.Presentation{Never: true})
	command, err := d.Hotel.MewsDesk().CutKey(s, 1)
	if err != nil {
		return err
	}
	d.expectCommand(ctx, "Mews tells the desk why", command, mewssim.Failed)
	d.expectCards(ctx, "no card was cut for 402", "402")
	return nil
}

// playCancelledCommand takes a command back while the encoder is at work for
// another guest.
func playCancelledCommand(ctx context.Context, d *Day) error {
	hold := d.Hotel.Locks.HoldAfterAck()
	defer hold.Release()
	first, err := d.Hotel.MewsDesk().CutKey(d.guests["Duarte"], 1)
	if err != nil {
		return err
	}
	select {
	case <-hold.Reached:
	case <-time.After(patience):
		return fmt.Errorf("the encoder was not asked for a card")
	case <-ctx.Done():
		return ctx.Err()
	}
	second, err := d.Hotel.MewsDesk().CutKey(d.guests["Holm"], 1)
	if err != nil {
		return err
	}
	d.expectCommand(ctx, "the second command is received", second, mewssim.Received)
	if err := d.Hotel.MewsDesk().Cancel(second); err != nil {
		return err
	}
	d.expect(ctx, "the agent drops it", func() (bool, string) {
		v, err := d.Hotel.Status(ctx)
		if err != nil {
			return false, err.Error()
		}
		for _, o := range v.Open {
			if o.Device == annexDevice && o.Subject == "room:402" {
				return false, o.State
			}
		}
		return true, "gone"
	})
	hold.Release()
	d.expectCommand(ctx, "the first guest has the key", first, mewssim.Processed)
	if err := d.rest(ctx); err != nil {
		return err
	}
	d.expectCards(ctx, "the cancelled command cut nothing", "402")
	return nil
}

// playHourAway brings Mews back with a check-in of twenty minutes ago and a key
// command of an hour ago, which nobody waits for any more.
func playHourAway(ctx context.Context, d *Day) error {
	if err := d.Hotel.Annex.Down(); err != nil {
		return err
	}
	s := d.Hotel.Guest("Ms", "Olga", "Ferro", "", 1)
	d.guests[s.Last] = s
	if err := d.Hotel.MewsDesk().CheckIn(s, "404"); err != nil {
		return err
	}
	command, err := d.Hotel.MewsDesk().OldKey(s, time.Hour)
	if err != nil {
		return err
	}
	if err := d.Hotel.Annex.Up(); err != nil {
		return err
	}
	d.expectScreen(ctx, "404", s.Last)
	d.expectCommand(ctx, "the old command is closed with a note", command, mewssim.Cancelled)
	if err := d.rest(ctx); err != nil {
		return err
	}
	d.expectCards(ctx, "no card was cut for 404", "404")
	return nil
}

func playAnnexCheckOut(ctx context.Context, d *Day) error {
	s := d.guests["Duarte"]
	card, code := d.Hotel.Key(s), d.Hotel.Code("403")
	if err := d.Hotel.MewsDesk().CheckOut(s); err != nil {
		return err
	}
	d.expectScreen(ctx, "403")
	d.expect(ctx, "the card no longer opens 403", func() (bool, string) {
		return !d.Hotel.Locks.OpensDoor(card, "403", time.Now()), "card " + card
	})
	d.expect(ctx, "the code no longer works", func() (bool, string) { return !works(d.Hotel.WiFi, code), "dead" })
	return nil
}

// expectDoors wants the doors to open to their guests, and to nobody before them.
func (d *Day) expectDoors(ctx context.Context, guests ...*Stay) {
	for _, s := range guests {
		d.expectKey(ctx, s)
	}
	d.expect(ctx, "no former guest's card opens a door", none(d.Hotel.WrongKeys))
}

// playAnnexSwap asks for the keys before the agent can know of the swap.
func playAnnexSwap(ctx context.Context, d *Day) error {
	a, b := d.guests["Holm"], d.guests["Ferro"]
	desk := d.Hotel.MewsDesk()
	for _, s := range []*Stay{a, b} {
		command, err := desk.CutKey(s, 1)
		if err != nil {
			return err
		}
		d.expectCommand(ctx, s.Last+" has a key of "+s.Room, command, mewssim.Processed)
	}
	if err := desk.Swap(a, b); err != nil {
		return err
	}
	var commands []string
	for _, s := range []*Stay{a, b} {
		command, err := desk.CutKey(s, 1)
		if err != nil {
			return err
		}
		commands = append(commands, command)
	}
	for i, s := range []*Stay{a, b} {
		d.expectCommand(ctx, s.Last+" has a key of "+s.Room, commands[i], mewssim.Processed)
	}
	if err := d.rest(ctx); err != nil {
		return err
	}
	d.expectScreen(ctx, a.Room, a.Last)
	d.expectScreen(ctx, b.Room, b.Last)
	d.expectDoors(ctx, a, b)
	return nil
}

// playTurnover is a room in a hurry.
func playTurnover(ctx context.Context, d *Day) error {
	old := d.guests["Holm"]
	s := d.Hotel.Guest("Mr", "Paul", "Quist", "", 1)
	desk := d.Hotel.MewsDesk()
	if err := desk.CheckOut(old); err != nil {
		return err
	}
	if err := desk.CheckIn(s, old.Room); err != nil {
		return err
	}
	command, err := desk.CutKey(s, 1)
	if err != nil {
		return err
	}
	d.expectCommand(ctx, "the next guest has a key", command, mewssim.Processed)
	d.expectScreen(ctx, s.Room, s.Last)
	if err := d.rest(ctx); err != nil {
		return err
	}
	d.expectDoors(ctx, s)
	return nil
}
