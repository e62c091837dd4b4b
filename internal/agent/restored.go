package agent

import (
	"slices"
	"time"

	"edgeagent/offsetstore"
	"edgeagent/pms"
)

// A gateway that came back from a backup hears again what has happened since that
// was taken, and may have acted on it: see offsetstore. What can be repeated is.
// What happens once only, or can come too late, is not: a person has to look.

// doubtful reports whether a notice may have been acted on before the restore.
func (a *Agent) doubtful(n *pms.Notice) bool {
	return a.store.Doubtful(n.Source, n.NotBefore, n.Replayed)
}

// doubt enters a command as one of which nobody knows whether it was carried out,
// unless it may be carried out again, or nobody waits for it any more.
func doubt(c *offsetstore.Command, now time.Time) {
	once := !c.Setting || !c.Deadline.IsZero()
	if over := !c.Deadline.IsZero() && now.After(c.Deadline); once && !over {
		c.Unknown, c.Note = true, offsetstore.NoteRestored
	}
}

// tellDoubts tells people of the commands of a batch that were entered as unknown.
func (a *Agent) tellDoubts(commands []offsetstore.Command) error {
	if !slices.ContainsFunc(commands, func(c offsetstore.Command) bool { return c.Unknown }) {
		return nil
	}
	unknown, err := a.store.Unknown() // one that was known from before is not new
	if err != nil {
		return err
	}
	for _, c := range unknown {
		i := slices.IndexFunc(commands, func(of offsetstore.Command) bool { return of.Unknown && of.ID == c.ID && of.Created.Equal(c.Created) })
		if i < 0 {
			continue
		}
		a.counts.unknown.Add(1)
		a.recent.add(c)
		if d := a.device(c.Lane); d != nil {
			a.outcomes.add(d.Kind, c)
		}
		a.log.Warn().Str("device", c.Lane).Str("command", c.ID).Str("subject", c.Subject).Str("note", c.Note).Msg("command settled")
	}
	return nil
}

// behind lists the links that have yet to tell what has happened since the backup.
func (a *Agent) behind() (links []string) {
	for _, src := range a.sources {
		if a.store.Behind(src.String()) {
			links = append(links, src.String())
		}
	}
	return links
}

// restoredConditions tell that the house is known as it was, not as it is.
func (a *Agent) restoredConditions() (found []Condition) {
	taken, since := a.store.Restored()
	for _, link := range a.behind() {
		found = append(found, Condition{
			Code: "restored", About: link, Since: since,
			Text: "this gateway came back from a backup of " + taken.In(a.ledger.Zone()).Format("2 January 2006, 15:04") + ", and has not heard yet what has happened since",
		})
	}
	return found
}
