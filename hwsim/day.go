package hwsim

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Day plays a day of a small hotel against the real agent and judges each
// device by what a guest would find.
type Day struct {
	Hotel *Hotel
	// Command starts the agent; LogFile takes its log.
	Command []string
	LogFile string
	// Out is told what happens; if Brief, only the scenes and what is missing.
	// Pause is waited between two acts.
	Out   io.Writer
	Pause time.Duration
	Brief bool

	// Agent is the agent's power; the day makes one if it is nil.
	Agent *Power

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
// those are in the rows. The agent runs on until Stop.
func (d *Day) Play(ctx context.Context) ([]Row, error) {
	d.guests = map[string]*Stay{}
	if err := d.start(ctx); err != nil {
		return nil, err
	}
	for _, a := range d.scenes() {
		d.scene(a.title)
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

// scenes are the acts of the day; those of the annex come once the house is awake.
func (d *Day) scenes() []act {
	list := acts()
	if d.Hotel.Annex == nil {
		return list
	}
	return slices.Concat(list[:awake], annexActs(), list[awake:])
}

func (d *Day) start(ctx context.Context) error {
	if d.Agent == nil {
		d.Agent = &Power{Hotel: d.Hotel, Command: d.Command, LogFile: d.LogFile}
	}
	if err := d.Agent.On(); err != nil {
		return err
	}
	return d.Hotel.AwaitLive(ctx)
}

// Stop ends the agent as systemd would.
func (d *Day) Stop() error {
	if d.Agent == nil {
		return nil
	}
	return d.Agent.Off()
}

// scene announces an act.
func (d *Day) scene(title string) {
	if !d.Brief {
		fmt.Fprintln(d.Out)
	}
	fmt.Fprintf(d.Out, "%s  %s\n", time.Now().Format(time.TimeOnly), title)
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
	if d.Brief && err == nil {
		return
	}
	fmt.Fprintf(d.Out, "    %s %-46s %s (%d ms)\n", mark, want, last, took.Milliseconds())
}

// rest waits until the agent has taken in all that the PMS said and done all
// that is due, so that what has not happened by then does not happen any more.
func (d *Day) rest(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var calm time.Time
	_, err := Eventually(ctx, func() bool {
		if s, err := d.Hotel.Status(ctx); err != nil || !s.Live() || s.Due() > 0 || !d.Hotel.Heard(&s) {
			calm = time.Time{}
			return false
		}
		if calm.IsZero() {
			calm = time.Now()
		}
		return time.Since(calm) > 100*time.Millisecond
	})
	if err != nil {
		return fmt.Errorf("the agent does not come to rest: %w", err)
	}
	return nil
}

// house expects the whole house to be right at the end of the day.
func (d *Day) house(ctx context.Context) {
	d.scene("the whole house at the end of the day")
	first := len(d.rows)
	d.expect(ctx, "every screen shows who is in its room", none(d.Hotel.Screens))
	d.expect(ctx, "a code for each stay, and for nobody else", none(d.Hotel.Codes))
	d.expect(ctx, "no card was cut twice", none(d.Hotel.CutTwice))
	d.expect(ctx, "every door opens to its guest, and to no former one", none(d.Hotel.WrongKeys))
	d.expect(ctx, "every card and code ends by itself", none(d.Hotel.Endless))
	d.expect(ctx, "the log names no guest, key or code", none(func() []string { return d.Hotel.Leaks(d.LogFile) }))
	d.expect(ctx, "neither do page, status and metrics", none(func() []string { return d.Hotel.Shown(ctx) }))
	d.expect(ctx, "nor the addresses and topics that it asks for", none(d.Hotel.Asked))
	d.expect(ctx, "nor its report for support", none(func() []string { return d.Hotel.Reported(ctx, d.Command) }))
	d.expect(ctx, "the agent broke no rule of the PMS stream", func() (bool, string) {
		for _, v := range d.Hotel.PMS.Audit().Violations {
			if v.Rule != "complete" || v.At.Before(d.killed.Add(-time.Second)) || v.At.After(d.killed.Add(time.Second)) {
				return false, v.String() // but for the stream that kill -9 left without a word
			}
		}
		return true, "none broken"
	})
	if d.Hotel.Annex != nil {
		d.expect(ctx, "every command of Mews has one answer", none(d.Hotel.Unanswered))
		d.expect(ctx, "the agent broke no rule of Mews", func() (bool, string) {
			if broken := d.Hotel.Annex.Violations(); len(broken) > 0 {
				return false, broken[0].String()
			}
			return true, "none broken"
		})
	}
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
		if !code.Works {
			return false, "no code"
		}
		return true, "a code of " + fmt.Sprint(len(code.Code)) + " characters"
	})
}

// expectCodeLasts wants a code of the room's stay that outlives its departure.
func (d *Day) expectCodeLasts(ctx context.Context, s *Stay) {
	d.expect(ctx, "the code of "+s.Room+" lasts until the new departure", func() (bool, string) {
		code := d.Hotel.Code(s.Room)
		if !code.Works {
			return false, "no code"
		}
		return !code.Until.Before(s.Departure), "until " + code.Until.In(d.Hotel.Zone).Format("2006-01-02 15:04")
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
