package inspire

import (
	"context"
	"fmt"
	"time"

	"edgeagent/pms"
)

// group is the most notices handed over at once.
const group = 1024

// phase is how far a stream has got.
type phase int

const (
	phaseGreeting phase = iota // the ack is awaited
	phaseReplay                // subscribed; what comes may be old
	phaseLive
	phaseDraining // we said complete; late events are awaited
)

// duty is something that falls due during a stream.
type duty int

const (
	dutyAck duty = iota
	dutySettle
	dutyCatchUp
	dutyHealthy
	dutyRotate
	dutySave
	dutyQuiet
	dutyGrace
	dutyAudit
	duties
)

const auditEvery = 15 * time.Minute

// stream is one connection from greeting to end. It belongs to the goroutine
// that ranges over Notices.
type stream struct {
	*Source
	ctx      context.Context
	n        *session
	yield    func([]pms.Notice, error) bool
	protocol string

	phase   phase
	due     [duties]time.Time
	try     attempt
	offset  string // sent with the subscription, "" for none
	probing bool   // a look from 0 whether the counter went back
	probe   probe
	looking bool // an installer's check: it takes nothing and remembers nothing about events

	subscribed time.Time
	wasLive    time.Time // when the link was live before this stream
	clockGood  bool
	last       time.Time // when the last event came, or the server first answered
	asked      time.Time // when a ping was sent to learn whether the replay is over
	worked     bool
	first      bool // no event yet
	goal       outcome
	renewed    chan renewal
	renewing   context.CancelFunc // not nil while a token is being fetched
	reachLive  bool
	stopped    bool
	finished   bool
	end        ending
	batch      []pms.Notice
	guard      guard
	counts     counts
}

type renewal struct {
	token *token
	err   error
}

func newStream(ctx context.Context, s *Source, n *session, yield func([]pms.Notice, error) bool, protocol string) *stream {
	return &stream{
		Source: s, ctx: ctx, n: n, yield: yield, protocol: protocol,
		wasLive: s.mem.LastLive, first: true, goal: outcomeBroken, renewed: make(chan renewal, 1),
		guard: guard{scope: s.cfg.ChainScope, hotel: s.cfg.HotelCode},
	}
}

// live reports whether the stream ever caught up.
func (st *stream) live() bool { return st.reachLive }

// run drives the stream to its end. The ending counts only if the outcome is
// outcomeBroken.
func (st *stream) run() (outcome, ending) {
	if err := st.n.start(); err != nil {
		st.n.close(0)
		return outcomeBroken, st.n.closeEnding(err)
	}
	st.due[dutyAck] = st.now().Add(st.waits.Ack)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	stop := st.ctx.Done()
	code := 1000
	for !st.finished {
		timer.Reset(st.untilDue())
		select {
		case <-st.n.in.ready:
			if st.collect(st.n.in.take()) {
				code = 0 // the other side has closed already
			}
		case <-stop:
			stop = nil
			st.drain(outcomeShutdown, st.waits.Shutdown)
		case r := <-st.renewed:
			st.renew(r)
		case <-timer.C:
		}
		st.attend()
	}
	st.n.close(code)
	st.endRenewal()
	st.end.stage = max(st.end.stage, atAck)
	if !st.subscribed.IsZero() {
		st.end.stage, st.end.subscribed, st.end.lasted = atStream, true, st.now().Sub(st.subscribed)
	}
	return st.goal, st.end
}

func (st *stream) untilDue() time.Duration {
	var next time.Time
	for _, at := range st.due {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if next.IsZero() {
		return time.Hour
	}
	return max(0, next.Sub(st.now()))
}

// finish ends the stream with what happened first.
func (st *stream) finish(e ending) {
	if !st.finished {
		st.end, st.finished = e, true
	}
}

// collect takes in what the reader has brought; true if the socket is closed.
func (st *stream) collect(items []item) (closed bool) {
	for i := range items {
		it := &items[i]
		switch it.kind {
		case itemAck:
			if st.phase == phaseGreeting {
				st.subscribe()
			}
		case itemEvent:
			st.event(it)
		case itemUndecodable:
			st.undecodable(it)
		case itemError:
			e := ending{opError: true, detail: it.text}
			e.readWords(it.text, it.code)
			st.finish(e)
		case itemConnectionError:
			st.finish(ending{signal: "connection error", detail: it.text})
		case itemComplete:
			st.completed()
		case itemClosed:
			st.finish(st.n.closeEnding(it.err))
			closed = true
		}
		if len(st.batch) >= group {
			st.flush()
		}
		if st.stopped {
			break
		}
	}
	st.flush()
	return closed
}

// completed: the server says that the operation is over.
func (st *stream) completed() {
	if st.phase == phaseDraining {
		// OPERA Cloud closes the socket itself after this.
		st.finished = st.finished || !st.dialect.serverCloses || st.goal == outcomeShutdown
		return
	}
	lasted := st.now().Sub(st.subscribed)
	st.finish(ending{complete: true, quick: st.counts.events == 0 && !st.subscribed.IsZero() && lasted < st.waits.QuickEnd})
}

// flush hands over what has been gathered.
func (st *stream) flush() {
	if len(st.batch) == 0 || st.stopped {
		return
	}
	batch := st.batch
	st.batch = nil
	st.hand(batch)
}

func (st *stream) hand(batch []pms.Notice) {
	if !st.yield(batch, nil) {
		st.stopped, st.finished, st.goal = true, true, outcomeStopped
		st.farewell()
	}
}

// subscribe sends the subscription; with a correct request the server does
// not answer it, so from here on the stream counts as subscribed.
func (st *stream) subscribe() {
	now := st.now()
	st.try = st.chooseAttempt()
	st.offset = st.resumeOffset()
	if st.try.noOffset || st.looking {
		st.offset = ""
	}
	st.clockGood = st.mem.clockTrusted(now)
	if st.probing = st.suspiciouslyQuiet(now); st.probing {
		st.offset = "0"
		st.probe.place = st.place.cursor
	}
	message, err := st.dialect.subscribeMessage(subscription{
		id: st.n.id, chain: st.cfg.ChainCode, selection: st.try.selection, offset: st.offset,
		offsetType: st.try.offsetType, legacy: st.n.legacy,
	})
	if err == nil {
		err = st.n.send(message)
	}
	if err != nil {
		st.finish(st.n.closeEnding(err))
		return
	}
	st.phase, st.subscribed = phaseReplay, now
	st.board.State(pms.LinkCatchingUp, time.Time{})
	st.log.Info().Str("chain", st.cfg.ChainCode).Str("from_offset", st.offset).Str("selection", st.try.selection).
		Bool("probe", st.probing).Msg("pms subscription started")
	st.checkRetention(now)
	st.guard.begin(st.try.selection == selectLong)
	st.board.MonitorOnly(st.guard.reason(st.cfg.ChainCode))
	st.due[dutyAck] = time.Time{}
	// The replay can only be over once the server has said anything since the
	// subscription: a slow one has not even begun. A ping makes it speak.
	st.n.ping()
	st.due[dutySettle] = now.Add(st.waits.Settle)
	st.due[dutyCatchUp] = now.Add(st.waits.CatchUp)
	st.due[dutyHealthy] = now.Add(st.waits.Healthy)
	st.due[dutySave] = now.Add(st.waits.LiveSave)
	st.due[dutyAudit] = now.Add(auditEvery)
	st.planRotation(now)
	st.planQuiet(now)
}

// checkRetention warns when the server may have dropped events meanwhile.
func (st *stream) checkRetention(now time.Time) {
	if st.place.offset == "" || st.mem.LastLive.IsZero() || !st.clockGood {
		return
	}
	if away := now.Sub(st.mem.LastLive); away > st.cfg.Retention {
		st.board.Raise(alarmGap, fmt.Sprintf("the link was down for %s, longer than the server keeps events (%s): some may be lost; compare the rooms with the PMS",
			away.Round(time.Hour), st.cfg.Retention))
	}
}

// attend does what has fallen due.
func (st *stream) attend() {
	now := st.now()
	for d, at := range st.due {
		if st.finished || at.IsZero() || now.Before(at) {
			continue
		}
		st.due[d] = time.Time{}
		switch duty(d) {
		case dutyAck:
			st.finish(ending{signal: "ack timeout"})
		case dutySettle:
			st.settle(now)
		case dutyCatchUp:
			if st.phase == phaseReplay {
				st.log.Warn().Msg("pms stream never paused since the subscription; taken as live now")
				st.caughtUp(now)
			}
		case dutyHealthy:
			st.past.healthy()
			st.board.Clear(standingAlarms[:]...)
		case dutyRotate:
			st.fetchRenewal()
		case dutySave:
			st.saveLive(now)
		case dutyQuiet:
			st.board.Raise(alarmQuiet, quietText)
		case dutyAudit:
			st.audit("pms delivery")
			st.due[dutyAudit] = now.Add(auditEvery)
		case dutyGrace:
			st.finished = true
		}
	}
}
