package agent

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"edgeagent/offsetstore"
	"edgeagent/pms"
	"edgeagent/rules"
)

// ingest takes in what a PMS says. A broken stream is the source's business:
// it knows how long the PMS wants to be left alone. An error of the store is
// ours, and ends the process.
func (a *Agent) ingest(ctx context.Context, src pms.Source) error {
	b := a.beats.join("ingest from " + src.String())
	defer b.leave()
	var last string
	for ctx.Err() == nil {
		b.work(storeLimit)
		offset, err := a.store.Offset(src.String())
		if err != nil {
			return err
		}
		b.rest()
		for notices, err := range src.Notices(ctx, offset) {
			b.work(storeLimit)
			if err != nil {
				if last != err.Error() { // the same trouble is said once
					last = err.Error()
					a.log.Warn().Str("pms", src.String()).Err(err).Msg("stream ended")
				}
				break
			}
			if err := a.take(src, notices); err != nil {
				return err
			}
			last = ""
			b.rest()
		}
		b.rest()
		if wait(ctx, 100*time.Millisecond) != nil { // a source that fails at once must not spin
			break
		}
	}
	return a.store.Flush()
}

// take folds a group of notices and commits what they come to in one
// transaction. When the source has caught up, held settings may go.
func (a *Agent) take(src pms.Source, notices []pms.Notice) error {
	a.turn.Lock()
	defer a.turn.Unlock()
	batch := newBatch(src.String())
	now := time.Now()
	a.mu.Lock()
	for i := range notices {
		n := &notices[i]
		change := a.ledger.Fold(*n, now)
		a.absorb(&batch, change, n, now)
		batch.Offset = n.Offset
	}
	a.mu.Unlock()
	a.counts.notices.Add(int64(len(notices)))
	a.counts.quiet.Add(int64(batch.Quiet))
	if err := a.store.Accept(batch.seal()); err != nil {
		return err
	}
	if err := a.tellDoubts(batch.Commands); err != nil {
		return err
	}
	for _, id := range batch.Withdrawn { // the store has settled what waited
		for _, d := range a.devices {
			d.now.takeBack(src.String(), id)
		}
	}
	if caughtUp(notices) {
		a.store.Release(src.String())
	}
	return nil
}

// caughtUp reports whether a group of notices says that nothing older waits. A
// device command does not: it has a way of its own, past what is read again.
func caughtUp(notices []pms.Notice) bool {
	if len(notices) == 0 {
		return true
	}
	last := &notices[len(notices)-1]
	return !last.Replayed && last.CommandID == ""
}

// batch gathers what a group of notices came to. A stay that changed twice is
// written once.
type batch struct {
	offsetstore.Batch
	stays map[string]pms.Stay
	// nth counts the notices: the commands of each have an instant of their own,
	// since Retry asks what came later.
	nth time.Duration
}

func newBatch(source string) batch {
	return batch{Batch: offsetstore.Batch{Source: source}}
}

// absorb adds a notice's change to the batch and to the ledger. a.mu is held.
func (a *Agent) absorb(b *batch, change pms.Change, n *pms.Notice, now time.Time) {
	a.ledger.Apply(change)
	b.nth++
	for _, stay := range change.Stays {
		if b.stays == nil {
			b.stays = map[string]pms.Stay{}
		}
		b.stays[stay.ID] = stay
	}
	for _, id := range change.Forget {
		delete(b.stays, id)
		b.put(id, nil)
	}
	if a.ask(b, change.Events, n, now) {
		for i := range change.Events {
			a.answer(b, &change.Events[i], n, now)
		}
	}
	if n.Kind == pms.KindUndecodable {
		b.Quarantine = append(b.Quarantine, offsetstore.Sample{Source: n.Source, Name: n.Name, At: now, Raw: n.Raw})
	}
	for _, name := range change.Unmapped {
		b.Unmapped = append(b.Unmapped, offsetstore.Sample{Source: n.Source, Name: name, At: now, Raw: n.Raw})
	}
	if len(change.Stays)+len(change.Forget)+len(change.Events) == 0 {
		b.Quiet++
	}
	a.counts.events.Add(int64(len(change.Events)))
}

// ask enters a device command of the PMS, or takes one back. It returns false
// where nothing is to be carried out of the notice.
func (a *Agent) ask(b *batch, events []pms.Event, n *pms.Notice, now time.Time) bool {
	switch {
	case n.CommandID == "":
		return true
	case n.Kind == pms.KindCommandWithdrawn:
		b.Withdrawn = append(b.Withdrawn, n.CommandID)
		return false
	case slices.ContainsFunc(b.Asks, func(other offsetstore.Ask) bool { return other.ID == n.CommandID }):
		return false // told of twice, by the stream and by its list
	}
	ask := offsetstore.Ask{
		Source: n.Source, ID: n.CommandID, At: now, Note: "no rule of this property answers such a command",
	}
	switch {
	case n.Refuse != "":
		ask.Outcome, ask.Note = refusal(n.RefuseAs), n.Refuse
	case a.doubtful(n):
		ask.Note = offsetstore.NoteRestored // what rules make of it is not carried out
	case !n.Expires.IsZero() && now.After(n.Expires) && a.clock.Trusted():
		ask.Outcome = offsetstore.Cancelled
		ask.Note = "not carried out: it came after " + a.hour(n.Expires) + ", when nobody waited for it any more; ask again"
	case len(events) > 0 && !events[0].Fresh:
		ask.Note = "not carried out: it is too old; ask again" // rules for keys want news
	}
	b.Asks = append(b.Asks, ask)
	return ask.Outcome == ""
}

// refusal is the outcome with which a device command is refused.
func refusal(as pms.CommandState) offsetstore.State {
	switch as {
	case pms.CommandCancelled:
		return offsetstore.Cancelled
	case pms.CommandProcessed:
		return offsetstore.Processed
	}
	return offsetstore.Error
}

// hour is a time of day for the hotel's people.
func (a *Agent) hour(t time.Time) string { return t.In(a.ledger.Zone()).Format("15:04") }

// answer turns an event into the commands that the rules want.
func (a *Agent) answer(b *batch, e *pms.Event, n *pms.Notice, now time.Time) {
	since := e.At
	if !n.Replayed || since.IsZero() || since.After(now) || !e.Expires.IsZero() {
		// What comes live happens now, whatever the PMS's clock says; so does what
		// says itself how long somebody waits for it.
		since = now
	}
	var ids []string
	for _, planned := range a.table.Eval(e) {
		c := command(planned, e.Stay.Key, since)
		c.Source, c.Ask, c.Created = e.Source, e.CommandID, now.Add(b.nth)
		if !e.Expires.IsZero() && (c.Deadline.IsZero() || e.Expires.Before(c.Deadline)) {
			c.Deadline = e.Expires
		}
		if n.Replayed {
			c.Hold = now.Add(a.patience.Hold)
		}
		if a.doubtful(n) {
			doubt(&c, now)
		}
		b.Commands = append(b.Commands, c)
		ids = append(ids, c.ID)
		a.counts.commands.Add(1)
	}
	a.happened.add(e, now, ids)
}

// command is a planned command as the store keeps it. Its times count from
// when the event happened, so an old wish has expired and an old delay is over.
func command(p rules.Planned, stay string, since time.Time) offsetstore.Command {
	body, err := json.Marshal(body{Action: p.Command.Action, Params: p.Command.Params, Rule: p.Rule, Stay: stay})
	if err != nil {
		panic(err) // strings in a struct always marshal
	}
	c := offsetstore.Command{
		ID: p.Command.ID, Lane: p.Command.Device, Subject: p.Command.Subject, Setting: p.Setting,
		Body: body, Due: since.Add(p.After),
	}
	if p.Within > 0 {
		c.Deadline = since.Add(p.Within)
	}
	return c
}

// body is what the store keeps of a command without looking into it.
type body struct {
	Action string            `json:"action"`
	Params map[string]string `json:"params"`
	Rule   string            `json:"rule"`
	// Stay is the key of the stay that the event was about.
	Stay string `json:"stay,omitempty"`
}

func (b *batch) put(id string, record []byte) {
	if b.Records == nil {
		b.Records = map[string][]byte{}
	}
	b.Records[id] = record
}

// seal writes the changed stays out as records.
func (b *batch) seal() offsetstore.Batch {
	for id, stay := range b.stays {
		record, err := json.Marshal(stay)
		if err != nil {
			panic(err) // text and times always marshal
		}
		b.put(id, record)
	}
	return b.Batch
}
