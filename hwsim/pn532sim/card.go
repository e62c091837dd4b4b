package pn532sim

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// cardState is that of ISO/IEC 14443-3, 6.3.
type cardState int

const (
	cardOff cardState = iota // outside the field
	cardIdle
	cardReady
	cardActive
	cardHalted
)

// Card is one card. It obeys the data sheet of its kind, whoever talks to it.
// Its methods may be called from several goroutines.
type Card struct {
	model  *model
	uid    []byte
	traits Traits

	mu     sync.Mutex
	mem    []byte
	writes []Write
	limit  limit
	pulled bool // was taken away in mid-exchange

	state  cardState
	halted bool // falls back to halted instead of idle
	level  int  // cascade levels done
	// pending is a command whose second part is due, for the block behind it.
	pending byte
	block   int
	sector  int // open sector of a Classic, -1 for none
	keyB    bool
	unlock  int // steps of a Gen1a's back door
	value   []byte
	known   bool // the password of an NTAG was given
	misses  int  // wrong passwords in a row
}

// Write is one write that a card has taken.
type Write struct {
	At       time.Time
	Unit     int    // block or page
	Old, New []byte // what was there, and what is there now
	// Wanted is what the host has sent. It differs from New where lock bits, one-
	// way bits or access conditions have their say.
	Wanted []byte
	// Torn: the card was taken away in the middle. Stale: it was confirmed, and
	// nothing changed.
	Torn, Stale bool
}

// NewCard returns a card from the factory. A UID has 4 or 7 bytes, for an
// Ultralight or NTAG 7. It panics on a UID or kind that cannot be, since only a
// test can name one.
func NewCard(kind Kind, uid []byte, traits Traits) *Card {
	i := slices.IndexFunc(models, func(m model) bool { return m.kind == kind })
	if i < 0 || len(uid) != 7 && (len(uid) != 4 || !models[i].classic()) {
		panic(fmt.Sprintf("there is no %s with a UID of %d bytes", kind, len(uid)))
	}
	k := &Card{model: &models[i], uid: bytes.Clone(uid), traits: traits, sector: -1}
	k.format()
	return k
}

// NewStaffCard returns a Classic 1K that belongs to somebody else: every sector
// has keys of its own, access bits that make it read-only for key A, and data.
func NewStaffCard(uid []byte) *Card {
	k := NewCard(Classic1K, uid, Traits{})
	for b := 1; b < k.model.units; b++ {
		block := k.mem[16*b : 16*b+16]
		for i := range block {
			block[i] = byte(7*b + 13*i)
		}
		if b%4 == 3 {
			copy(block[6:], []byte{0x78, 0x77, 0x88, 0x5F}) // data 100, trailer 011
		}
	}
	return k
}

// Kind is the card's kind.
func (k *Card) Kind() Kind { return k.model.kind }

// UID is what the card answers in the anticollision: on a clone, what its first
// block or pages say.
func (k *Card) UID() []byte {
	if k.traits.Magic == Genuine {
		return bytes.Clone(k.uid)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.model.type2() {
		return append(bytes.Clone(k.mem[:3]), k.mem[4:8]...)
	}
	return bytes.Clone(k.mem[:len(k.uid)])
}

// SAK is the card's answer to its selection.
func (k *Card) SAK() byte { return k.model.sak }

// String names a card by kind and UID.
func (k *Card) String() string {
	return string(k.model.kind) + " " + strings.ToUpper(hex.EncodeToString(k.UID()))
}

// Dump is all that is on the card, keys and passwords included: blocks of 16
// bytes, as in an .mfd file, or pages of 4.
func (k *Card) Dump() []byte {
	k.mu.Lock()
	defer k.mu.Unlock()
	return bytes.Clone(k.mem)
}

// Load puts a dump on the card, as if it had been written elsewhere; it must be
// as long as Dump. The UID stays what it is unless the card is a clone.
func (k *Card) Load(dump []byte) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(dump) != len(k.mem) {
		return fmt.Errorf("a dump of %s has %d bytes, not %d", k.model.kind, len(k.mem), len(dump))
	}
	copy(k.mem, dump)
	return nil
}

// Writes are all writes that the card has taken, in order.
func (k *Card) Writes() []Write {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.writes)
}

// Lock is a lock as its card reader sees a card: would it open? dump is laid
// out as Card.Dump.
type Lock func(uid, dump []byte, at time.Time) bool

// Opens asks a lock about the card.
func (k *Card) Opens(lock Lock, at time.Time) bool { return lock(k.UID(), k.Dump(), at) }

func (k *Card) isoDEP() bool { return k.model.sak&0x20 != 0 }

// atqa is the answer to REQA, low byte first, as it goes through the air.
func (k *Card) atqa() [2]byte {
	a := k.model.atqa
	if len(k.uid) == 7 {
		a |= 0x0040
	}
	return [2]byte{byte(a), byte(a >> 8)}
}

func (k *Card) set(f func()) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f()
}

// power and unpower put the card into the field and take it out.
func (k *Card) power()   { k.set(func() { k.forget(); k.state, k.halted = cardIdle, false }) }
func (k *Card) unpower() { k.set(func() { k.forget(); k.state = cardOff }) }

// deselect ends the talk of a card that speaks ISO 14443-4.
func (k *Card) deselect() { k.set(func() { k.forget(); k.state = cardHalted }) }

func (k *Card) dropOut() { k.set(k.fallBack) }

func (k *Card) waits() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state == cardReady
}

func (k *Card) listens() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state == cardActive
}

// forget ends whatever was under way. The caller holds k.mu.
func (k *Card) forget() {
	k.level, k.pending, k.sector, k.unlock, k.value, k.known = 0, 0, -1, 0, nil, false
}

// fallBack is what a card does on an error. The caller holds k.mu.
func (k *Card) fallBack() {
	if k.state == cardOff {
		return
	}
	k.forget()
	k.state = cardIdle
	if k.halted {
		k.state = cardHalted
	}
}
