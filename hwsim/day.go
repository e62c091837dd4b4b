package hwsim

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"edgeagent/hwsim/locksim"
	"edgeagent/hwsim/tvsim"
)

// Day plays a day of a small hotel against the real agent and judges each
// device by what a guest would find.
type Day struct {
	Hotel *Hotel
	// Command starts the agent; LogFile takes its log.
	Command []string
	LogFile string
	// Out is told what happens. Pause is waited between two acts.
	Out   io.Writer
	Pause time.Duration

	agent  *Process
	rows   []Row
	guests map[string]*Stay
	killed time.Time
}

// Row is one expectation: what should be, and what was seen.
type Row struct {
	Act, Want, Seen string
	OK              bool
	Took            time.Duration
}

// act is a scene of the day: what the hotel does, then what must follow.
type act struct {
	title string
	play  func(ctx context.Context, d *Day) error
}

// patience bounds how long an effect may take, kills and restarts included.
const patience = 30 * time.Second

// Play runs the whole day. The error is about the stage, not about a device:
// those are in the rows.
func (d *Day) Play(ctx context.Context) (rows []Row, err error) {
	d.guests = map[string]*Stay{}
	if err := d.start(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if stopErr := d.Stop(); err == nil && stopErr != nil {
			err = fmt.Errorf("the agent's end: %w", stopErr)
		}
	}()
	for _, a := range acts() {
		fmt.Fprintf(d.Out, "\n%s  %s\n", time.Now().Format(time.TimeOnly), a.title)
		first := len(d.rows)
		if err := a.play(ctx, d); err != nil {
			return d.rows, fmt.Errorf("%s: %w", a.title, err)
		}
		met := 0
		for i := first; i < len(d.rows); i++ {
			d.rows[i].Act = a.title
			if d.rows[i].OK {
				met++
			}
		}
		if met == 0 {
			return d.rows, fmt.Errorf("%s: nothing came of it; the rest of the day is called off", a.title)
		}
		if err := sleep(ctx, d.Pause); err != nil {
			return d.rows, err
		}
	}
	d.house(ctx)
	return d.rows, nil
}

func (d *Day) start(ctx context.Context) (err error) {
	if d.agent, err = d.Hotel.StartAgent(d.Command, d.LogFile); err != nil {
		return err
	}
	return d.Hotel.AwaitLive(ctx)
}

// Stop ends the agent as systemd would.
func (d *Day) Stop() error {
	if d.agent == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	agent := d.agent
	d.agent = nil
	return agent.Stop(ctx)
}

// expect waits until seen says that all is well, and notes what it saw.
// seen returns whether it is as wanted, and what there is.
func (d *Day) expect(ctx context.Context, want string, seen func() (bool, string)) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last string
	took, err := Eventually(ctx, func() (ok bool) {
		ok, last = seen()
		return ok
	})
	d.rows = append(d.rows, Row{Want: want, Seen: last, OK: err == nil, Took: took})
	mark := "ok  "
	if err != nil {
		mark = "MISS"
	}
	fmt.Fprintf(d.Out, "    %s %-46s %s (%d ms)\n", mark, want, last, took.Milliseconds())
}

// house expects the whole house to be right at the end of the day.
func (d *Day) house(ctx context.Context) {
	fmt.Fprintf(d.Out, "\n%s  the whole house at the end of the day\n", time.Now().Format(time.TimeOnly))
	first := len(d.rows)
	d.expect(ctx, "every screen shows who is in its room", none(d.Hotel.Screens))
	d.expect(ctx, "a code for each stay, and for nobody else", none(d.Hotel.Codes))
	d.expect(ctx, "no card was cut twice", none(d.Hotel.CutTwice))
	d.expect(ctx, "the agent broke no rule of the PMS stream", func() (bool, string) {
		for _, v := range d.Hotel.PMS.Audit().Violations {
			if v.Rule != "complete" || v.At.Before(d.killed.Add(-time.Second)) || v.At.After(d.killed.Add(time.Second)) {
				return false, v.String() // but for the stream that kill -9 left without a word
			}
		}
		return true, "none broken"
	})
	for i := first; i < len(d.rows); i++ {
		d.rows[i].Act = "the whole house"
	}
}

// none wants a list of faults to be empty.
func none(faults func() []string) func() (bool, string) {
	return func() (bool, string) {
		if wrong := faults(); len(wrong) > 0 {
			return false, strings.Join(wrong, "; ")
		}
		return true, "so it is"
	}
}

func (d *Day) expectKey(ctx context.Context, s *Stay) {
	d.expect(ctx, "a card opens "+s.Room, func() (bool, string) {
		if uid := d.Hotel.Key(s); uid != "" {
			return true, "card " + uid
		}
		return false, "no card"
	})
}

func (d *Day) expectScreen(ctx context.Context, room string, names ...string) {
	want := fmt.Sprintf("the TV of %s greets %s", room, strings.Join(names, " and "))
	if len(names) == 0 {
		want = fmt.Sprintf("the TV of %s greets nobody", room)
	}
	d.expect(ctx, want, func() (bool, string) {
		shown := d.Hotel.TV(room).Shown()
		text := fmt.Sprintf("%q", strings.Join(shown.Names, ", "))
		if len(names) == 0 {
			return shown.Vacant(), text
		}
		return namesFit(shown.Names, names), text
	})
}

func (d *Day) expectCode(ctx context.Context, room string) {
	d.expect(ctx, "a WiFi code works for "+room, func() (bool, string) {
		code := d.Hotel.Code(room)
		if code == "" {
			return false, "no code"
		}
		return true, "a code of " + fmt.Sprint(len(code)) + " digits"
	})
}

// expectNote wants the desk to be told something about a command.
func (d *Day) expectNote(ctx context.Context, want, part string) {
	d.expect(ctx, want, func() (bool, string) {
		s, err := d.Hotel.Status(ctx)
		if err != nil {
			return false, "the agent is away"
		}
		for _, c := range s.Recent {
			if strings.Contains(c.Note, part) {
				return true, c.State + ": " + c.Note
			}
		}
		for _, c := range s.Open {
			if strings.Contains(c.Note, part) {
				return true, c.State + ": " + c.Note
			}
		}
		for _, c := range s.Unknown {
			if strings.Contains(c.Note, part) {
				return true, c.Note
			}
		}
		return false, "nothing of the kind"
	})
}

func (d *Day) arrive(ctx context.Context, s *Stay, room string) {
	d.guests[s.Last] = s
	d.Hotel.Desk().CheckIn(s, room)
	d.expectKey(ctx, s)
	d.expectScreen(ctx, room, s.Last)
	d.expectCode(ctx, room)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

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
	d.expectCode(ctx, "102")
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
	d.expect(ctx, "the desk sees that the screens wait", func() (bool, string) {
		v, err := d.Hotel.Status(ctx)
		if err != nil {
			return false, err.Error()
		}
		for _, dev := range v.Devices {
			if dev.Name == "tvs" {
				return dev.State.Condition == "offline", dev.State.Condition
			}
		}
		return false, "no such device"
	})
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
	cards := len(d.Hotel.Locks.Audit())
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
	d.expect(ctx, "old news cut no card", func() (bool, string) {
		n := len(d.Hotel.Locks.Audit()) - cards
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
	d.expect(ctx, "one card was cut for 204, not two", func() (bool, string) {
		n := len(d.Hotel.Locks.Cuts("204"))
		return n == 1, fmt.Sprintf("%d card", n)
	})
	return nil
}
