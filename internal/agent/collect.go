package agent

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"edgeagent/offsetstore"
)

// collectFor is how long people are told of a card that is to be collected:
// about a shift, since by then somebody has it or nobody finds it any more.
const collectFor = 4 * time.Hour

// collectMemory is what the store calls the cards to collect. No link is called
// so: their names have no blanks.
const collectMemory = "cards to collect"

// strayCard is a card made of a command that the PMS had taken back. It opens the
// room, lies on the encoder, and belongs to nobody.
type strayCard struct {
	Device  string    `json:"device"`
	Subject string    `json:"subject"`
	Since   time.Time `json:"since"`
}

// collection is the stray cards, across restarts.
type collection struct {
	mu     sync.Mutex
	memory *offsetstore.Memory
	cards  []strayCard
}

// open finds what an earlier process has noted; unreadable notes are no reason
// to stand still.
func (k *collection) open(store *offsetstore.Store) {
	k.memory = store.Memory(collectMemory)
	text, err := k.memory.Load()
	if err != nil || json.Unmarshal(text, &k.cards) != nil {
		k.cards = nil
	}
}

// keyMade notes that a command has made a key, withdrawn or wanted: that of a
// withdrawn one is to be collected, until the room gets its next key. It is
// written before the command is settled, so that no crash forgets a card.
func (a *Agent) keyMade(d *device, c offsetstore.Command, withdrawn bool) error {
	var b body
	if d.Kind != "keycard" || c.Setting || json.Unmarshal(c.Body, &b) != nil || b.Action != "encode" {
		return nil
	}
	k, now := &a.collect, time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	before := len(k.cards)
	k.cards = slices.DeleteFunc(k.cards, func(s strayCard) bool { return s.Subject == c.Subject || now.Sub(s.Since) >= collectFor })
	if withdrawn {
		k.cards = append(k.cards, strayCard{d.name, c.Subject, now})
	} else if len(k.cards) == before {
		return nil
	}
	text, err := json.Marshal(k.cards)
	if err != nil {
		return err
	}
	return k.memory.Save(text)
}

// conditions tells of the cards that wait for somebody.
func (k *collection) conditions(now time.Time) []Condition {
	k.mu.Lock()
	defer k.mu.Unlock()
	var found []Condition
	for _, s := range k.cards {
		if now.Sub(s.Since) < collectFor {
			text := fmt.Sprintf("a card for room %s was made after the desk had called it off", strings.TrimPrefix(s.Subject, "room:"))
			found = append(found, Condition{Code: "card-to-collect", About: s.Device, Text: text, Since: s.Since})
		}
	}
	return found
}
