package pn532sim

import (
	"slices"
	"time"
)

// Visit is what the person at the reader does when the chip looks for a card
// and none lies there. The zero value does nothing and ends at once.
type Visit struct {
	// Cards are laid down together.
	Cards []*Card
	// After is how long after the chip has first looked they are laid down, and
	// Tries how often it looks in vain before. Both count from the end of the
	// visit before.
	After time.Duration
	Tries int

	// How it ends; with none of these, the cards lie there until Take.

	// Stay takes them off so long after they were laid down.
	Stay time.Duration
	// Writes takes a card off once it has taken so many writes. With Torn, it is
	// taken off in the middle of the next write after them, of which only the
	// first Torn bytes get onto the card; the rest of the block or page stays as
	// it was, and there is no answer.
	Writes, Torn int
	// Exchanges takes a card off after so many commands to it, of whatever kind.
	// Listing it does not count.
	Exchanges int
	// Then are laid down in the place of the one that goes: it was swapped.
	Then []*Card
}

// desk is the person at the reader.
type desk struct {
	script []Visit
	tries  int       // how often the chip has looked for the next visit
	due    time.Time // when its cards come; zero before the chip has looked
	lying  *Visit    // the visit whose cards lie there
	leave  time.Time // when they go; zero for never
}

// Present lays cards in front of the antenna, beside those that lie there.
func (c *Chip) Present(cards ...*Card) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, card := range cards {
		card.bound(limit{})
	}
	c.lay(cards)
}

// Take takes cards off, or all if none is named.
func (c *Chip) Take(cards ...*Card) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(cards) == 0 {
		cards = slices.Clone(c.field)
	}
	for _, card := range cards {
		c.lift(card)
	}
}

// Cards are those that lie in front of the antenna.
func (c *Chip) Cards() []*Card {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.field)
}

// Operator says what the person does for the next cards, in that order, after
// what was said before. Who is to present none says nothing.
func (c *Chip) Operator(next ...Visit) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.desk.script = append(c.desk.script, next...)
}

// PendingVisits is what is left of the script.
func (c *Chip) PendingVisits() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.desk.script)
}

// lay puts cards into the field. The caller holds c.mu.
func (c *Chip) lay(cards []*Card) {
	for _, card := range cards {
		if c.inField(card) {
			continue
		}
		c.field = append(c.field, card)
		if c.core.fieldOn {
			card.power()
		}
		c.write("", Note, nil, "presented: "+card.String())
	}
}

// lift takes a card out of the field. The caller holds c.mu.
func (c *Chip) lift(card *Card) {
	i := slices.Index(c.field, card)
	if i < 0 {
		return
	}
	c.field = slices.Delete(c.field, i, i+1)
	card.unpower()
	c.write("", Note, nil, "taken off: "+card.String())
	if len(c.field) == 0 {
		c.desk.lying, c.desk.leave = nil, time.Time{}
	}
}

// goes is lift for a card whose visit has come to its end. The caller holds c.mu.
func (c *Chip) goes(card *Card) {
	var then []*Card
	if v := c.desk.lying; v != nil {
		then, v.Then = v.Then, nil
	}
	c.lift(card)
	for _, next := range then {
		next.bound(limit{})
	}
	c.lay(then)
}

// overstayed takes a card off whose time is up. The caller holds c.mu.
func (c *Chip) overstayed(card *Card, now time.Time) bool {
	if c.desk.leave.IsZero() || now.Before(c.desk.leave) {
		return false
	}
	c.goes(card)
	return true
}

// deskPolls is told that the chip looks for a card. The caller holds c.mu.
func (c *Chip) deskPolls() {
	now := c.cfg.Clock.Now()
	for _, card := range slices.Clone(c.field) {
		c.overstayed(card, now)
	}
	d := &c.desk
	if len(c.field) > 0 || len(d.script) == 0 {
		return
	}
	v := d.script[0]
	if d.due.IsZero() {
		d.due = now.Add(v.After)
	}
	d.tries++
	if now.Before(d.due) || d.tries <= v.Tries {
		return
	}
	d.script, d.tries, d.due = d.script[1:], 0, time.Time{}
	for _, card := range v.Cards {
		card.bound(limit{on: v.Writes > 0 || v.Torn > 0, writes: v.Writes, torn: v.Torn, exchanges: v.Exchanges})
	}
	d.lying = &v
	if v.Stay > 0 {
		d.leave = now.Add(v.Stay)
	}
	c.lay(v.Cards)
}
