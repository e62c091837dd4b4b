package hwsim

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"edgeagent/hwsim/mewssim"
)

// Crash is a busy hotel whose agent dies again and again: kill -9 at random
// moments. Afterwards the house must be as if nothing had happened.
type Crash struct {
	Hotel   *Hotel
	Command []string
	LogFile string
	Out     io.Writer
	Kills   int
	Seed    uint64
	// Pace is the zero one for an agent that is a process of this machine.
	Pace Pace
}

// Pace is how slow a gateway is.
type Pace struct {
	// Spread bounds how long after its start the agent is killed, which is at any
	// moment until then. Patience bounds how long it takes to be up, Catching up
	// how long to have all settled after the last kill, Aim how long it is waited
	// for the worst moment of a key command. Deed is the least time between two
	// deeds at the desks; the most is four times as much.
	Spread, Patience, CatchingUp, Aim, Deed time.Duration
}

// Machine is the pace of an agent whose command starts a whole machine, emulated
// at that: a kill is then a power cut.
var Machine = Pace{Spread: 100 * time.Second, Patience: 6 * time.Minute, CatchingUp: 12 * time.Minute, Aim: 80 * time.Second, Deed: 600 * time.Millisecond}

// process is the pace of a process.
var process = Pace{Spread: 1240 * time.Millisecond, Patience: patience, CatchingUp: 2 * time.Minute, Aim: 4 * time.Second, Deed: 30 * time.Millisecond}

// Tally is what came of it.
type Tally struct {
	Kills, Aimed, Deeds, Asked, Commands, Unknown, Cards, Screens, Vouchers int
	// Violations are promises that were broken.
	Violations []string
}

func (t Tally) String() string {
	return fmt.Sprintf("kills %d (%d at the worst moment of a key command), deeds at the desks %d, %d key commands in Mews\ncommands settled %d, outcome unknown %d at the end (killed in mid-card, and no card of the room since)\n"+
		"effects: cards cut %d, screens drawn %d, vouchers made %d\nviolations %d",
		t.Kills, t.Aimed, t.Deeds, t.Asked, t.Commands, t.Unknown, t.Cards, t.Screens, t.Vouchers, len(t.Violations))
}

// Run kills the agent, then judges the house.
func (c *Crash) Run(ctx context.Context) (Tally, error) {
	var t Tally
	if c.Pace == (Pace{}) {
		c.Pace = process
	}
	moments := rand.New(rand.NewPCG(c.Seed, 1))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.Hotel.Annex != nil {
		// An agent that starts twice a second asks for more than the limit allows;
		// how it keeps that is tested elsewhere.
		c.Hotel.Annex.Change(func(f *mewssim.Faults) { f.Limit.Requests = 100000 })
	}
	if err := c.warmUp(ctx); err != nil {
		return t, err
	}
	busy, rest := context.WithCancel(ctx)
	deeds := make(chan int, 1)
	go func() { deeds <- c.work(busy) }()
	defer rest()
	for t.Kills < c.Kills {
		agent, err := c.Hotel.StartAgent(c.Command, c.LogFile)
		if err != nil {
			return t, err
		}
		undo := func() {}
		if c.Hotel.Annex != nil && t.Kills%5 == 4 {
			var reached bool
			if undo, reached = c.aim(ctx, t.Kills/5); reached {
				t.Aimed++
			}
		} else {
			err = sleep(ctx, c.Pace.Spread/31+time.Duration(moments.Int64N(int64(c.Pace.Spread*30/31))))
		}
		if how, ended := agent.Ended(); ended {
			return t, fmt.Errorf("the agent ended by itself: %w; see %s", how, c.LogFile)
		}
		agent.Kill()
		undo()
		if err != nil {
			return t, err
		}
		t.Kills++
		if t.Kills%20 == 0 || c.Pace == Machine {
			fmt.Fprintf(c.Out, "  %d of %d kills\n", t.Kills, c.Kills)
		}
	}
	rest()
	t.Deeds = <-deeds
	agent, err := c.Hotel.StartAgent(c.Command, c.LogFile)
	if err != nil {
		return t, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = agent.Stop(ctx) // the house is judged, not its end
	}()
	c.judge(ctx, &t)
	return t, nil
}

// warmUp lets the agent follow the stream for the first time: before its first
// event it has no place in the stream to come back to.
func (c *Crash) warmUp(ctx context.Context) error {
	agent, err := c.Hotel.StartAgent(c.Command, c.LogFile)
	if err != nil {
		return err
	}
	defer agent.Kill()
	if err := c.Hotel.awaitLive(ctx, c.Pace.Patience); err != nil {
		return err
	}
	s := c.Hotel.Guest("Ms", "First", "Guest", "E", 1)
	c.Hotel.Desk().CheckIn(s, c.Hotel.Rooms[0])
	ctx, cancel := context.WithTimeout(ctx, c.Pace.Patience)
	defer cancel()
	if _, err := Eventually(ctx, func() bool { return c.Hotel.Key(s) != "" }); err != nil {
		return fmt.Errorf("the first guest got no key: %w; see %s", err, c.LogFile)
	}
	return nil
}

// judge waits until the agent has caught up, then counts broken promises.
func (c *Crash) judge(ctx context.Context, t *Tally) {
	ctx, cancel := context.WithTimeout(ctx, c.Pace.CatchingUp)
	defer cancel()
	var last []string
	_, err := Eventually(ctx, func() bool {
		last = c.wrong(context.WithoutCancel(ctx))
		return len(last) == 0
	})
	if err != nil {
		t.Violations = last
	}
	t.Violations = append(t.Violations, c.Hotel.CutTwice()...)
	if c.Hotel.Annex != nil {
		t.Asked = len(c.Hotel.Annex.Commands())
	}
	t.Violations = append(t.Violations, c.Hotel.Endless()...)
	t.Violations = append(t.Violations, c.Hotel.Leaks(c.LogFile)...)
	if s, err := c.Hotel.Status(context.WithoutCancel(ctx)); err == nil {
		t.Unknown = len(s.Unknown)
	}
	if log, err := os.ReadFile(c.LogFile); err == nil {
		t.Commands = strings.Count(string(log), `"command settled"`)
	}
	for _, room := range c.Hotel.Rooms {
		t.Screens += len(c.Hotel.TV(room).History())
		t.Cards += len(c.Hotel.Locks.Cuts(room))
	}
	t.Vouchers = c.Hotel.WiFi.Made()
}

// wrong lists what is not yet, or never will be, as it should.
func (c *Crash) wrong(ctx context.Context) []string {
	s, err := c.Hotel.Status(ctx)
	if err != nil {
		return []string{"the agent does not answer: " + err.Error()}
	}
	var wrong []string
	if !s.Live() {
		wrong = append(wrong, "the agent does not follow the PMS")
	}
	for _, o := range s.Open {
		wrong = append(wrong, fmt.Sprintf("%s for %s is not settled: %s %s", o.Device, o.Subject, o.State, o.Note))
	}
	wrong = append(wrong, c.Hotel.Unanswered()...)
	wrong = append(wrong, c.Hotel.WrongKeys()...)
	wrong = append(wrong, c.Hotel.Screens()...)
	return append(wrong, c.Hotel.Codes()...)
}

// work is a busy front desk: it checks guests in and out, moves them, swaps
// them, corrects names and extends stays, until ctx is done.
func (c *Crash) work(ctx context.Context) (deeds int) {
	chance := rand.New(rand.NewPCG(c.Seed, 2))
	for sleep(ctx, c.Pace.Deed+time.Duration(chance.Int64N(int64(3*c.Pace.Deed)))) == nil {
		c.deed(chance, deeds)
		deeds++
	}
	return deeds
}

func (c *Crash) deed(chance *rand.Rand, n int) {
	if c.Hotel.Annex != nil && chance.IntN(3) == 0 {
		c.annexDeed(chance, n)
		return
	}
	desk := c.Hotel.Desk()
	var guests []*Stay
	var empty []string
	rooms := c.Hotel.inHouse()
	for _, room := range c.Hotel.Main {
		if len(rooms[room]) == 0 {
			empty = append(empty, room)
		}
		guests = append(guests, rooms[room]...)
	}
	if len(guests) == 0 || len(empty) > len(c.Hotel.Main)/2 {
		desk.CheckIn(c.Hotel.Guest("Mr", "Guest", fmt.Sprintf("No%d", n), "E", 1+chance.IntN(3)), empty[chance.IntN(len(empty))])
		return
	}
	s := guests[chance.IntN(len(guests))]
	switch pick := chance.IntN(10); {
	case pick < 3 && len(empty) > 0:
		desk.CheckIn(c.Hotel.Guest("Ms", "Guest", fmt.Sprintf("No%d", n), "E", 1+chance.IntN(3)), empty[chance.IntN(len(empty))])
	case pick < 6:
		desk.CheckOut(s)
	case pick == 6 && len(empty) > 0:
		desk.Move(s, empty[chance.IntN(len(empty))])
	case pick == 7:
		if other := guests[chance.IntN(len(guests))]; other.Room != s.Room {
			desk.Swap(s, other)
		}
	case pick == 8:
		desk.Rename(s, fmt.Sprintf("Was%d", n))
	default:
		desk.Stretch(s, 24*time.Hour)
	}
}

// annexDeed is what happens at the desk that works with Mews: most of all it
// asks for keys, and sometimes thinks better of it.
func (c *Crash) annexDeed(chance *rand.Rand, n int) {
	desk := c.Hotel.MewsDesk()
	rooms := c.Hotel.inHouse()
	room := c.Hotel.Annex.Rooms[chance.IntN(len(c.Hotel.Annex.Rooms))]
	var err error
	if len(rooms[room]) == 0 {
		err = desk.CheckIn(c.Hotel.Guest("Mr", "Guest", fmt.Sprintf("No%d", n), "", 1+chance.IntN(3)), room)
	} else {
		s := rooms[room][0]
		switch pick := chance.IntN(10); {
		case pick < 6:
			var command string
			if command, err = desk.CutKey(s, 1); err == nil && pick == 0 {
				_ = desk.Cancel(command) // or it has ended already
			}
		case pick < 8:
			err = desk.CheckOut(s)
		case pick == 8:
			err = desk.Rename(s, fmt.Sprintf("Was%d", n))
		default:
			err = desk.Stretch(s, 24*time.Hour)
		}
	}
	if err != nil {
		fmt.Fprintln(c.Out, "  at the annex:", err)
	}
}
