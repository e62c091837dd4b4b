package agent

import (
	"context"
	"time"

	"edgeagent/offsetstore"
	"edgeagent/pms"
)

// telling is what a PMS has been told of one device command, and what there is
// to tell. Only the outcome must arrive; of what comes before it the newest
// counts, and all of it is forgotten with the process.
type telling struct {
	ask offsetstore.Ask
	// begun and far are heard from the device, before or beyond what the store knows.
	begun bool
	far   float64
	// greet: it is to be told as received first, even if it has been begun.
	greet bool
	// last is what the PMS has, since at.
	last pms.Answer
	at   time.Time
	// After a failure nothing is told before retry.
	tries   int
	retry   time.Time
	problem string
	done    bool
	news    chan struct{}
}

func newTelling(greet bool) *telling { return &telling{greet: greet, news: make(chan struct{}, 1)} }

// follow takes over how the ask stands. An outcome waits for nothing: somebody
// stands at the desk.
func (t *telling) follow(ask offsetstore.Ask) {
	if ask.State().Final() && !t.ask.State().Final() {
		t.retry = time.Time{}
	}
	t.ask = ask
	t.begun = t.begun || ask.Begun
	t.wake()
}

func (t *telling) wake() {
	select {
	case t.news <- struct{}{}:
	default:
	}
}

// next is what is to be told now; without a State there is nothing, for the
// pause or, if that is 0, until there is news.
func (t *telling) next(now time.Time) (a pms.Answer, pause time.Duration) {
	if wait := t.retry.Sub(now); wait > 0 {
		return a, wait
	}
	a.CommandID = t.ask.ID
	switch state := t.ask.State(); {
	case state.Final():
		a.State, a.Note = commandState(state), t.ask.Note
		return a, 0
	case t.greet, !t.begun && t.last.State == "":
		a.State = pms.CommandReceived
		return a, 0
	case !t.begun:
		return pms.Answer{}, 0
	case t.last.State == pms.CommandProcessing && t.far <= t.last.Progress:
		return pms.Answer{}, 0
	case t.last.State == pms.CommandProcessing && now.Before(t.at.Add(tellEvery)):
		return pms.Answer{}, t.at.Add(tellEvery).Sub(now)
	}
	a.State, a.Progress = pms.CommandProcessing, t.far
	return a, 0
}

// heard notes what came of telling, and reports whether that is a trouble that
// has not been logged.
func (t *telling) heard(a pms.Answer, err error, now time.Time, p Patience) (news bool) {
	t.greet = false // once is enough: what counts next is how it stands by then
	if err == nil {
		t.last, t.at, t.tries, t.problem = a, now, 0, ""
		return false
	}
	t.tries++
	t.retry = now.Add(p.backoff(t.tries))
	if t.ask.State().Final() && !a.State.Final() {
		t.retry = time.Time{} // the outcome came meanwhile
	}
	news = t.problem != reason(err)
	t.problem = reason(err)
	return news
}

// rest waits for news, or for the pause to be over.
func (t *telling) rest(ctx context.Context, pause time.Duration) error {
	var timer <-chan time.Time
	if pause > 0 {
		clock := time.NewTimer(pause)
		defer clock.Stop()
		timer = clock.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.news:
	case <-timer:
	}
	return nil
}
