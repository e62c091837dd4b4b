package mews

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"edgeagent/pms"
)

// desk tells Mews how its device commands stand. Staff look at that.
type desk struct {
	api *client
	src *Source

	mu   sync.Mutex
	told map[string]*telling
}

// telling is what this process has told of a command.
type telling struct {
	state pms.CommandState
	// doubtful: the last answer may have arrived, or not.
	doubtful bool
	// ended: Mews has a final state.
	ended bool
}

// maxTold bounds the memory of commands that have ended.
const maxTold = 5000

func newDesk(s *Source) *desk { return &desk{api: s.api, src: s, told: map[string]*telling{}} }

// Acknowledge tells Mews how a device command stands. nil: Mews has it, or
// knows a final state already.
func (s *Source) Acknowledge(ctx context.Context, a pms.Answer) error {
	return s.desk.tell(ctx, a)
}

// of is what was told of a command; first says that this process tells it of
// the command for the first time.
func (d *desk) of(key string) (t *telling, first bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if t := d.told[key]; t != nil {
		return t, false
	}
	if len(d.told) >= maxTold {
		for other, t := range d.told {
			if t.ended {
				delete(d.told, other)
			}
		}
	}
	t = &telling{}
	d.told[key] = t
	return t, true
}

func (d *desk) change(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
}

func (d *desk) tell(ctx context.Context, a pms.Answer) error {
	key := id(a.CommandID)
	t, first := d.of(key)
	d.mu.Lock()
	ended, doubtful, begun := t.ended, t.doubtful, t.state == "" && !a.State.Final()
	t.state = a.State
	d.mu.Unlock()
	if ended {
		return nil
	}
	if begun { // from now on the queue is looked at more often
		d.src.in.change(func() { d.src.in.begun = true })
	}
	// A process before this one, or an answer that got lost on its way back, may
	// have told it already: staff should not see it end twice.
	// Before work begins on one that this process did not take, it may have been
	// cancelled while nobody listened.
	if a.State.Final() && doubtful || first && a.State != pms.CommandReceived {
		over, err := d.look(ctx, t, key)
		if over && !a.State.Final() {
			d.cancelled(key)
		}
		if over || err != nil {
			return err
		}
	}
	err := d.send(ctx, t, a, update(key, a))
	status := statusOf(err)
	if status != http.StatusBadRequest && status != http.StatusForbidden && status != http.StatusConflict {
		return err
	}
	// Perhaps it has ended in the meantime: then nothing is left to say.
	over, lookErr := d.look(ctx, t, key)
	switch {
	case lookErr != nil:
		return lookErr
	case over && !a.State.Final():
		d.cancelled(key)
		return nil
	case over:
		return nil
	case status != http.StatusConflict && (a.State.Final() && a.Note != "" || a.State == pms.CommandProcessing):
		// Or else it is what goes with the state, and the state is what matters.
		return d.send(ctx, t, a, fields{"CommandId": key, "State": string(a.State)})
	}
	return err
}

// send tells Mews a state once.
func (d *desk) send(ctx context.Context, t *telling, a pms.Answer, body fields) error {
	err := d.api.call(ctx, urgent, "commands/update", body, nil)
	switch status := statusOf(err); {
	case err == nil:
		d.change(func() { t.doubtful, t.ended = false, a.State.Final() })
	case status != http.StatusTooManyRequests && reactionTo(status).again:
		d.change(func() { t.doubtful = true })
	}
	return err
}

// cancelled lets the follower hand over that nobody wants the command any more.
func (d *desk) cancelled(key string) {
	d.src.in.change(func() { d.src.in.commands[key] = string(pms.CommandCancelled) })
}

// update is the body of an answer. Progress counts while the command is being
// carried out, and notes with a final state; Mews ignores them otherwise.
func update(key string, a pms.Answer) fields {
	body := fields{"CommandId": key, "State": string(a.State)}
	if a.State == pms.CommandProcessing {
		body["Progress"] = a.Progress
	}
	if a.State.Final() && a.Note != "" {
		body["Notes"] = printable(a.Note, 250)
	}
	return body
}

// look asks Mews how a command stands; over says that it has ended there, or
// that Mews does not know it any more.
func (d *desk) look(ctx context.Context, t *telling, key string) (over bool, err error) {
	var list []commandRow
	switch err := d.src.readCommands(ctx, []string{key}, &list); {
	case forbidden(err):
		return false, nil // then Mews has to notice itself
	case err != nil:
		return false, fmt.Errorf("before it is answered again: %w", err)
	}
	over = len(list) == 0 || pms.CommandState(list[0].State).Final()
	if over {
		d.change(func() { t.ended, t.doubtful = true, false })
	}
	return over, nil
}

// answering reports whether we have told, or are telling, a final state: the
// event that says so is the echo of that.
func (d *desk) answering(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.told[key]
	return t != nil && t.state.Final()
}

// knows reports whether anything was told of a command that has not ended.
func (d *desk) knows(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.told[key]
	return t != nil && !t.ended
}

// over notes that a command has ended in Mews, so that nothing is told of it.
func (d *desk) over(key string) {
	t, _ := d.of(key)
	d.change(func() { t.ended = true })
}

// held lists the commands that are being carried out, or wait for that.
func (d *desk) held() (list []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for key, t := range d.told {
		if t.inHand() {
			list = append(list, key)
		}
	}
	return list
}

func (t *telling) inHand() bool { return !t.ended && t.state != "" && !t.state.Final() }

// lost lists the commands held that somebody else may have ended while the event
// was missed: those told as received that are not among the active ones any
// more, and all told as being processed, for the list has none of those.
func (d *desk) lost(held []string, active []commandRow) []string {
	waiting := make(map[string]bool, len(active))
	for i := range active {
		waiting[id(active[i].ID)] = true
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []string
	for _, key := range held {
		if t := d.told[key]; t != nil && t.inHand() && (t.state != pms.CommandReceived || !waiting[key]) && len(list) < maxIDs {
			list = append(list, key)
		}
	}
	return list
}
