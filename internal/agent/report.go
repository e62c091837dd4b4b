package agent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"edgeagent/offsetstore"
	"edgeagent/pms"
)

const (
	// tellAtOnce is how many answers may be under way to one PMS.
	tellAtOnce = 8
	// tellEvery is the shortest time between two words of a command's progress.
	tellEvery = time.Second
	// tellLimit bounds one call, whatever the source's own limits are.
	tellLimit = time.Minute
)

// reporter tells a PMS how its device commands stand. Each has a goroutine of
// its own, so that one answer which takes its time delays no other, and the
// words about one command keep their order.
type reporter struct {
	agent *Agent
	src   pms.Source
	slots chan struct{}

	mu   sync.Mutex
	open map[string]*telling // by the id of the device command
}

func newReporter(a *Agent, src pms.Source) *reporter {
	return &reporter{agent: a, src: src, slots: make(chan struct{}, tellAtOnce), open: map[string]*telling{}}
}

// report tells a PMS of its device commands until ctx is done.
func (a *Agent) report(ctx context.Context, r *reporter) error {
	tellers, ctx := errgroup.WithContext(ctx)
	tellers.Go(func() error { return r.watch(ctx, tellers) })
	return tellers.Wait()
}

// watch follows what the store knows.
func (r *reporter) watch(ctx context.Context, tellers *errgroup.Group) error {
	b := r.agent.beats.join("report to " + r.src.String())
	defer b.leave()
	for {
		b.work(storeLimit)
		asks, more, err := r.agent.store.Untold(r.src.String())
		if err != nil {
			return err
		}
		for _, t := range r.follow(asks) {
			tellers.Go(func() error { return r.tell(ctx, t) })
		}
		b.rest()
		select {
		case <-ctx.Done():
			return nil
		case <-more:
		}
	}
}

// follow notes how the asks stand, and returns those that are new. One that has
// been told is kept until the store lists it no more: a list that was read just
// before must not bring it back.
func (r *reporter) follow(asks []offsetstore.Ask) (fresh []*telling) {
	r.mu.Lock()
	defer r.mu.Unlock()
	listed := make(map[string]bool, len(asks))
	for _, ask := range asks {
		listed[ask.ID] = true
		t := r.open[ask.ID]
		if t == nil {
			// What an earlier process took in may have been told already.
			t = newTelling(!ask.At.Before(r.agent.started))
			r.open[ask.ID] = t
		}
		if t.ask.ID == "" {
			fresh = append(fresh, t)
		}
		t.follow(ask)
	}
	for id, t := range r.open {
		if t.done && !listed[id] {
			delete(r.open, id)
		}
	}
	return fresh
}

// progress notes how far a command is that is being carried out.
func (r *reporter) progress(id string, far float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.open[id]
	if t == nil { // begun before anybody has looked
		t = newTelling(true)
		r.open[id] = t
	}
	t.begun = true
	t.far = max(t.far, far)
	t.wake()
}

// tell tells of one device command until its outcome has been told.
func (r *reporter) tell(ctx context.Context, t *telling) error {
	b := r.agent.beats.join("an answer to " + r.src.String())
	defer b.leave()
	for {
		b.rest()
		r.mu.Lock()
		answer, pause := t.next(time.Now())
		r.mu.Unlock()
		if answer.State == "" {
			if t.rest(ctx, pause) != nil {
				return nil
			}
			continue
		}
		err := r.acknowledge(ctx, answer, b)
		if ctx.Err() != nil {
			return nil
		}
		r.mu.Lock()
		ask := t.ask
		news := t.heard(answer, err, time.Now(), r.agent.patience)
		r.mu.Unlock()
		if news {
			r.agent.log.Warn().Str("pms", r.src.String()).Str("ask", answer.CommandID).Str("state", string(answer.State)).
				Err(err).Msg("answer not delivered yet")
		}
		if err != nil || !answer.State.Final() {
			continue
		}
		if err := r.agent.store.Reported(ask); err != nil {
			return err
		}
		r.mu.Lock()
		t.done = true
		r.mu.Unlock()
		return nil
	}
}

// acknowledge makes one call, when it is its turn.
func (r *reporter) acknowledge(ctx context.Context, answer pms.Answer, b *beat) error {
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	b.work(tellLimit + storeLimit)
	ctx, cancel := context.WithTimeout(ctx, tellLimit)
	defer cancel()
	return r.src.Acknowledge(ctx, answer)
}

// AskView is a device command of the PMS that has not been answered.
type AskView struct {
	ID       string           `json:"id"`
	State    pms.CommandState `json:"state"`
	Progress float64          `json:"progress,omitempty"`
	Note     string           `json:"note,omitempty"`
	// Since is when it came, Settled when its outcome was known.
	Since   time.Time `json:"since"`
	Settled time.Time `json:"settled,omitzero"`
	// Problem is why the PMS could not be told, "" if it could.
	Problem string `json:"problem,omitempty"`
}

// view lists the device commands under way or unanswered.
func (r *reporter) view() ([]AskView, error) {
	asks, _, err := r.agent.store.Untold(r.src.String())
	r.mu.Lock()
	defer r.mu.Unlock()
	var list []AskView
	for _, ask := range asks {
		v := AskView{ID: ask.ID, State: commandState(ask.State()), Since: ask.At, Settled: ask.Settled}
		if v.State.Final() {
			v.Note = ask.Note
		}
		if t := r.open[ask.ID]; t != nil {
			if t.done {
				continue
			}
			v.Problem = t.problem
			if t.begun && !v.State.Final() {
				v.State, v.Progress = pms.CommandProcessing, t.far
			}
		}
		list = append(list, v)
	}
	return list, err
}

// unanswered says how many outcomes the PMS has not taken, and since when.
func unanswered(asks []AskView) (text string, since time.Time) {
	n, problem := 0, ""
	for _, ask := range asks {
		if !ask.State.Final() {
			continue
		}
		if n++; since.IsZero() || ask.Settled.Before(since) {
			since, problem = ask.Settled, ask.Problem
		}
	}
	switch {
	case n == 0:
		return "", since
	case n == 1:
		text = "the PMS has not taken the outcome of a device command"
	default:
		text = fmt.Sprintf("the PMS has not taken the outcomes of %d device commands", n)
	}
	if problem != "" {
		text += ": " + problem
	}
	return text, since
}

// commandState is a state of the store in the words of the PMS.
func commandState(s offsetstore.State) pms.CommandState {
	switch s {
	case offsetstore.Pending:
		return pms.CommandReceived
	case offsetstore.Processing:
		return pms.CommandProcessing
	case offsetstore.Processed:
		return pms.CommandProcessed
	case offsetstore.Cancelled:
		return pms.CommandCancelled
	}
	return pms.CommandError
}
