package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
)

// drive carries out what a device has to do, one command after the other.
// When ctx is done it takes no new one; the one under way goes on under hard.
func (a *Agent) drive(ctx, hard context.Context, d *device) error {
	b := a.beats.join("the lane of " + d.name)
	defer b.leave()
	for {
		b.rest()
		if d.lane.wait(ctx) != nil {
			return nil
		}
		c, err := a.store.Next(ctx, d.name)
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		b.work(storeLimit)
		if c.State == offsetstore.Cancelled { // nobody waits for it any more
			if c.Note != offsetstore.NoteWithdrawn {
				c.Note = a.tooLate(d, c)
			}
			if err := a.finish(d, c, offsetstore.Cancelled); err != nil {
				return err
			}
			continue
		}
		receipt, err := a.do(hard, d, c, b)
		b.work(storeLimit)
		if err := a.settle(d, c, receipt, err); err != nil {
			return err
		}
	}
}

// do tries once, within the action's limit. A driver that panics has not
// stopped the others.
func (a *Agent) do(ctx context.Context, d *device, c offsetstore.Command, b *beat) (receipt drivers.Receipt, err error) {
	cmd, action, err := d.command(c)
	if err != nil {
		return receipt, err
	}
	defer func() {
		if p := recover(); p != nil {
			a.log.Error().Str("device", d.name).Str("command", c.ID).Bytes("stack", debug.Stack()).Msg("driver panicked")
			err = fmt.Errorf("%w: the driver broke off (a fault of edgeagent; please report it)", drivers.ErrUnknown)
		}
	}()
	ctx, takeBack := context.WithCancelCause(ctx)
	defer takeBack(nil)
	ctx, cancel := context.WithTimeout(ctx, action.Limit)
	defer cancel()
	d.now.begin(c, takeBack)
	defer d.now.end(c)
	if a.store.Withdrawn(c.Source, c.Ask) { // between the marking and now
		return receipt, errWithdrawn
	}
	a.counts.tries.Add(1)
	far := a.progress(c, cmd)
	cmd.Progress = func(s drivers.Step) {
		d.now.step(c, s)
		far(s)
	}
	b.work(action.Limit + finishLimit)
	return d.Driver.Do(ctx, cmd)
}

// errWithdrawn is why a Do is called off whose command the PMS took back.
var errWithdrawn = errors.New("withdrawn in the PMS")

// tooLate says why a command was not carried out in time.
func (a *Agent) tooLate(d *device, c offsetstore.Command) string {
	note := fmt.Sprintf("not carried out: %s was not free before %s", d.name, a.hour(c.Deadline))
	if c.Note != "" { // it was tried
		note = fmt.Sprintf("not carried out before %s: %s", a.hour(c.Deadline), c.Note)
	}
	if c.Ask != "" {
		note += "; ask again"
	}
	return note
}

// command is the store's command in the driver's words, with its action.
func (d *device) command(c offsetstore.Command) (drivers.Command, drivers.Action, error) {
	cmd, err := Command(c)
	if err != nil {
		return cmd, drivers.Action{}, fmt.Errorf("%w: %w", drivers.ErrRefused, err)
	}
	if d.Driver == nil {
		return cmd, drivers.Action{}, fmt.Errorf("%w: the property file has no device %q any more", drivers.ErrRefused, d.name)
	}
	for _, action := range d.Actions {
		if action.Name == cmd.Action {
			return cmd, action, nil
		}
	}
	return cmd, drivers.Action{}, fmt.Errorf("%w: %s has no action %q", drivers.ErrRefused, d.name, cmd.Action)
}

// Command is a command of the store in the driver's words.
func Command(c offsetstore.Command) (drivers.Command, error) {
	var b body
	if err := json.Unmarshal(c.Body, &b); err != nil {
		return drivers.Command{}, fmt.Errorf("the stored command cannot be read: %w", err)
	}
	return drivers.Command{
		ID: c.ID, Seq: c.Seq, Device: c.Lane, Action: b.Action, Subject: c.Subject, Params: b.Params, Due: c.Due, Accepted: c.Created, Try: c.Tries,
	}, nil
}

// settle records what came of a try, and decides whether there is another.
func (a *Agent) settle(d *device, c offsetstore.Command, receipt drivers.Receipt, err error) error {
	unknown := errors.Is(err, drivers.ErrUnknown)
	withdrawn := a.store.Withdrawn(c.Source, c.Ask)
	switch {
	case err == nil:
		d.lane.worked()
		c.Note = receipt.Note
		if withdrawn {
			c.Note += tooLateToWithdraw(d, c)
		}
		receipt = withEnd(receipt, c)
		if c.Receipt, err = json.Marshal(receipt); err != nil {
			return err
		}
		if len(receipt.Values) > 0 {
			c.Known = c.Receipt
		}
		if err := a.keyMade(d, c, withdrawn); err != nil {
			return err
		}
		return a.finish(d, c, offsetstore.Processed)
	case unknown && !c.Setting:
		c.Note, c.Unknown = reason(err), true
		if c.Receipt, err = json.Marshal(withEnd(receipt, c)); err != nil { // should a person find that it was done
			return err
		}
		return a.finish(d, c, offsetstore.Error)
	case errors.Is(err, drivers.ErrRefused):
		d.lane.worked()
		c.Note = reason(err)
		if len(receipt.Values) > 0 { // the first cards of several were cut
			if c.Receipt, err = json.Marshal(withEnd(receipt, c)); err != nil {
				return err
			}
			c.Known = c.Receipt
			if withdrawn {
				c.Note += tooLateToWithdraw(d, c)
			}
			if err := a.keyMade(d, c, withdrawn); err != nil {
				return err
			}
		}
		return a.finish(d, c, offsetstore.Error)
	case withdrawn: // nothing has happened, and nothing shall
		c.Note = "withdrawn in the PMS before anything was done"
		return a.finish(d, c, offsetstore.Cancelled)
	}
	c.Note = reason(err)
	return a.later(d, c, err)
}

// later decides when a command is tried again, and whether its lane has to wait
// for that too.
func (a *Agent) later(d *device, c offsetstore.Command, err error) error {
	var down *drivers.LinkDown
	var busy *drivers.RetryAfter
	switch {
	case errors.As(err, &down):
		c.Tries-- // the device was away: that was no try
		d.lane.pause(a.patience)
		return a.again(d, c, 0)
	case errors.As(err, &busy) && !busy.Alone:
		c.Tries-- // it was asked to wait, whichever command this is
		d.lane.rest(busy.Wait, a.patience)
		return a.again(d, c, 0)
	case errors.As(err, &busy) && busy.Wait > 0:
		return a.again(d, c, busy.Wait)
	}
	return a.again(d, c, a.patience.backoff(c.Tries))
}

// tooLateToWithdraw is what people must know of a command that was carried out
// although the PMS took it back.
func tooLateToWithdraw(d *device, c offsetstore.Command) string {
	if d.Kind == "keycard" && !c.Setting {
		return "; withdrawn in the PMS too late: take the card back"
	}
	return "; withdrawn in the PMS too late"
}

func (a *Agent) finish(d *device, c offsetstore.Command, state offsetstore.State) error {
	line := a.log.Info()
	switch {
	case c.Unknown:
		a.counts.unknown.Add(1)
		line = a.log.Warn()
	case state == offsetstore.Error:
		a.counts.failed.Add(1)
		line = a.log.Warn()
	case state == offsetstore.Cancelled:
		a.counts.cancelled.Add(1)
	default:
		a.counts.processed.Add(1)
	}
	line.Str("device", d.name).Str("command", c.ID).Str("subject", c.Subject).
		Str("state", string(state)).Int("tries", c.Tries).Str("note", c.Note).
		Dur("took", time.Since(c.Created)).Msg("command settled")
	c.State, c.Settled = state, time.Now()
	a.recent.add(c)
	a.outcomes.add(d.Kind, c)
	if err := a.store.Settle(c, state); err != nil {
		return err
	}
	a.changes.Add(1) // now it may be tried again by hand
	if len(c.Known) > 0 {
		a.learned(d.name, c.Subject)
	}
	return nil
}

// learned tells the devices that show what others have made.
func (a *Agent) learned(device, subject string) {
	for _, d := range a.devices {
		if f, ok := d.Driver.(drivers.Follower); ok && d.name != device {
			f.Follow(device, subject)
		}
	}
}

// again puts the command back. The same trouble is logged once, then counted.
func (a *Agent) again(d *device, c offsetstore.Command, after time.Duration) error {
	if d.lane.news(c.Note) {
		a.log.Warn().Str("device", d.name).Str("command", c.ID).Str("subject", c.Subject).
			Int("tries", c.Tries).Str("note", c.Note).Msg("will be tried again")
	}
	return a.store.Retry(c, time.Now().Add(after))
}

// reason is an error as a note for people, bounded in length. That a device
// refused is what the state says already.
func reason(err error) string {
	const most = 300
	text := []rune(strings.TrimPrefix(err.Error(), drivers.ErrRefused.Error()+": "))
	if len(text) > most {
		return string(text[:most]) + "…"
	}
	return string(text)
}
