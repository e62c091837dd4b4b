package mews

import (
	"context"
	"sync"
	"time"

	"edgeagent/pms"
)

// follower is one run of Notices. It belongs to the goroutine that ranges over
// them; what it starts beside itself comes back to it as a function to call.
type follower struct {
	*Source
	yield   func([]pms.Notice, error) bool
	stopped bool

	mark  watermark
	house *house
	due   [duties]time.Time
	// back takes what a read under way comes to. One read of the house and one
	// of device commands can be under way at once.
	back            chan func()
	reading, asking bool

	open     bool      // a socket is
	openedAt time.Time // by Mews's clock
	lastStay time.Time // when the last event of a reservation came, by Mews's clock
	live     bool      // all that was missed has been handed over since
	// behind says that what was missed must be read: the socket is new.
	behind bool
	// caught: what was missed has been read once since the start; polled: the
	// polls for a time without a socket have been planned.
	caught, polled bool

	gather  gathering
	hints   map[string]hint
	strange map[string]bool // rooms to read by id
	ids     map[string]bool // device commands to read by id
	taken   *recently
	odd     *recently // what went into quarantine
	seen    *sightings
	failed  int  // asks for commands in a row that failed
	named   bool // an event has named a command since the last ask
	// refused are the tokens with which nobody may ask for commands, until
	// refusedUntil or until their files hold others; 0: they may.
	refused      tokenPair
	refusedUntil time.Time
	spoiltAt     time.Time // when all was last read for what nobody could read
	// notBefore is when reads go on after one failed for good on which all others
	// depend, roomsAfter when unknown rooms are looked up again. troubled says that
	// the page shows why.
	notBefore, roomsAfter time.Time
	troubled              bool
}

// gathering is when the first and the last of the hints came that nobody has read.
type gathering struct{ first, last time.Time }

func newFollower(s *Source, after string, yield func([]pms.Notice, error) bool) *follower {
	f := &follower{
		Source: s, yield: yield, back: make(chan func(), 2),
		hints: map[string]hint{}, strange: map[string]bool{}, ids: map[string]bool{},
		taken: newRecently(), odd: newRecently(), seen: newSightings(),
	}
	mark, ok := parseWatermark(after)
	if !ok {
		s.board.Raise(alarmOffset, "the stored place cannot be read; all who are in house are read anew")
	}
	f.mark = mark
	f.in.take() // what a run before this one left behind is read anew
	return f
}

// run follows the property until ctx is done.
func (f *follower) run(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel()
	tasks.Go(func() { f.keepOpen(ctx, f.in) })
	f.planNight(f.now())
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for !f.stopped {
		f.begin(ctx, &tasks)
		timer.Reset(f.untilDue())
		select {
		case <-ctx.Done():
			return
		case <-f.in.ready:
			f.collect(f.in.take())
		case apply := <-f.back:
			apply()
		case <-timer.C:
		}
		f.watchClock()
	}
}

// begin starts what is due and can be started.
func (f *follower) begin(ctx context.Context, tasks *sync.WaitGroup) {
	now := f.now()
	if f.isDue(dutyNight, now) {
		f.planNight(now)
		f.Reconnect()
	}
	if f.isDue(dutySpoilt, now) {
		f.due[dutySpoilt], f.spoiltAt = time.Time{}, now
		f.behind = true
		f.plan(dutyCommands, now, 0)
	}
	if !f.asking && (len(f.ids) > 0 && (f.failed == 0 || f.named) || f.isDue(dutyCommands, now) && !f.resting(now)) {
		f.asking = true
		ask := f.planAsk(now)
		tasks.Go(func() { f.back <- ask(ctx) })
	}
	if f.reading || now.Before(f.notBefore) {
		return
	}
	if read := f.planRead(now); read != nil {
		f.reading = true
		tasks.Go(func() { f.back <- read(ctx) })
	}
}

// planRead picks the read that matters most now, nil for none. The order is
// that of what depends on what: rooms have names only once the house is known,
// and events are news only after what came before them.
func (f *follower) planRead(now time.Time) func(context.Context) func() {
	switch {
	case f.house == nil && (f.behind || f.live), f.isDue(dutyHouse, now):
		f.due[dutyHouse] = time.Time{}
		return f.readingHouse
	case f.house == nil:
		return nil
	case f.behind:
		f.behind = false
		return f.catchingUp()
	case !f.caught:
		return nil
	case len(f.strange) > 0 && !now.Before(f.roomsAfter):
		return f.readingRooms()
	case f.hintsDue(now):
		return f.readingHints(now)
	case f.isDue(dutyStays, now):
		return f.pollingStays()
	case f.isDue(dutyGuests, now):
		return f.pollingGuests()
	case f.isDue(dutyRooms, now):
		return f.pollingRooms()
	}
	return nil
}

// collect takes in what the socket said.
func (f *follower) collect(c catch) {
	now := f.now()
	if c.closed != nil {
		f.lost(now)
	}
	if c.opened {
		f.regained(now)
	}
	for key, h := range c.stays {
		f.hint(key, h, now)
	}
	if len(c.stays) > 0 {
		f.lastStay = f.clock.server()
		f.board.Clear(alarmNoEvents)
	}
	f.collectRooms(c.rooms, now)
	for key, state := range c.commands {
		f.commandEvent(key, state)
	}
	f.prices(c.prices)
	f.quarantine("frame", c.spoilt, now)
	if c.lost > 0 {
		// Its text can hold passwords of the lock system, so it is shown without it.
		f.quarantine("device command", [][]byte{nil}, now)
	}
	if c.overflow && f.due[dutySpoilt].IsZero() { // something was said that nobody remembers
		f.due[dutySpoilt] = latest(now, f.spoiltAt.Add(10*f.waits.Lag))
	}
	if c.begun && f.due[dutyCommands].After(now.Add(f.every(dutyCommands))) {
		f.plan(dutyCommands, now, f.every(dutyCommands))
	}
}

// lost: there is no socket, so everything is polled faster.
func (f *follower) lost(now time.Time) {
	if !f.open && f.polled {
		return // known
	}
	f.open, f.live, f.polled = false, false, true
	f.behind = f.behind || !f.caught
	f.plan(dutyCommands, now, 0)
	for _, d := range []duty{dutyStays, dutyRooms, dutyGuests} {
		f.plan(d, now, f.every(d))
	}
}

// regained: a new socket is open. What happened before it was is read now.
func (f *follower) regained(now time.Time) {
	f.open, f.live, f.behind, f.polled = true, false, true, true
	f.refused = 0 // it has let the tokens in
	f.openedAt = f.clock.server()
	f.board.State(pms.LinkCatchingUp, time.Time{})
	f.plan(dutyCommands, now, 0)
}
