package pn532

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/pn532sim"

	"github.com/google/go-cmp/cmp"
)

// suiteCards are blank cards of all kinds that can be keys.
func suiteCards() []*pn532sim.Card {
	return []*pn532sim.Card{
		pn532sim.NewCard(pn532sim.Classic1K, classicUID, pn532sim.Traits{}),
		pn532sim.NewCard(pn532sim.Classic1K, ntagUID, pn532sim.Traits{}),
		pn532sim.NewCard(pn532sim.Classic4K, classicUID, pn532sim.Traits{}),
		pn532sim.NewCard(pn532sim.NTAG213, ntagUID, pn532sim.Traits{}),
		pn532sim.NewCard(pn532sim.NTAG215, ntagUID, pn532sim.Traits{}),
		pn532sim.NewCard(pn532sim.NTAG216, ntagUID, pn532sim.Traits{}),
	}
}

// A card's life: made, read, made anew for the next guest, for two rooms, erased,
// and made again. The lock of room 101 is asked each time.
func TestSuiteLifeOfACard(t *testing.T) {
	t.Parallel()
	onBuses(t, func(s *station) {
		s.patient()
		for _, card := range suiteCards() {
			s.lay(card)
			first := roomKey(7, "101")
			res, err := s.reader.Encode(s.t.Context(), first, s.how())
			if err != nil || res.UID != fmt.Sprintf("%X", card.UID()) || res.Model != string(card.Kind()) || len(res.Hints) > 0 {
				s.t.Errorf("%s: %+v, %v", card, res, err)
			}
			s.inOrder(drivers.StepAccepted, StepCardFound, drivers.StepCardDone)
			room, other := newDoor("101"), newDoor("102")
			if o := room.enter(card.UID(), card.Dump(), time.Now()); o != (opening{generation: 7}) {
				s.t.Errorf("%s: room 101: %+v", card, o)
			}
			for _, shut := range []struct {
				door *door
				at   time.Time
				want string
			}{
				{other, time.Now(), "other rooms"},
				{room, first.Until, "no longer"},
				{room, first.From.Add(-time.Second), "not yet"},
				{&door{name: "101", house: "hilltop", keys: room.keys}, time.Now(), "another house"},
				{&door{name: "101", house: "seaview"}, time.Now(), "unknown signer"},
			} {
				if o := shut.door.try(card.UID(), card.Dump(), shut.at); o.shut != shut.want {
					s.t.Errorf("%s: %+v, want %s", card, o, shut.want)
				}
			}
			s.reads(card, first)
			old := card.Dump()
			next := roomKey(8, "Spa 2", "101")
			s.lay(card)
			if err := s.encode(next); err != nil {
				s.t.Errorf("%s: made anew: %v", card, err)
			}
			if a, b := room.enter(card.UID(), card.Dump(), time.Now()), newDoor("Spa 2").try(card.UID(), card.Dump(), time.Now()); a.generation != 8 || b.generation != 8 {
				s.t.Errorf("%s: made anew: %+v, %+v", card, a, b)
			}
			if o := room.try(card.UID(), old, time.Now()); o.shut != "an earlier guest" {
				s.t.Errorf("%s: the guest before: %+v", card, o)
			}
			s.reads(card, next)
			s.erases(card)
			s.lay(card)
			if err := s.encode(roomKey(9, "101")); err != nil {
				s.t.Errorf("%s: after it was erased: %v", card, err)
			}
			s.expect(card, 9, "after it was erased")
			s.onlyFreeBytes(card)
		}
		if st := s.reader.State(); st.Condition != drivers.Online {
			s.t.Errorf("state %+v", st)
		}
		s.polite()
	})
}

// reads checks what the driver reads of a key.
func (s *station) reads(card *pn532sim.Card, want Credential) {
	s.t.Helper()
	want.Property, want.KeyID = "seaview", 1
	got, err := s.reader.ReadCard(s.t.Context(), How{})
	if err != nil || got.Content != OurKey || got.UID != fmt.Sprintf("%X", card.UID()) {
		s.t.Errorf("%s: read %+v, %v", card, got, err)
	}
	if diff := cmp.Diff(want, got.Key); diff != "" {
		s.t.Errorf("%s: %s", card, diff)
	}
}

func (s *station) erases(card *pn532sim.Card) {
	s.t.Helper()
	s.lay(card)
	if _, err := s.reader.Erase(s.t.Context(), How{}); err != nil {
		s.t.Errorf("%s: erased: %v", card, err)
	}
	s.expect(card, 0, "erased")
	blank := make([]byte, 144)
	if !isClassic(card.Dump()) {
		copy(blank, []byte{0x03, 0x00, 0xFE}) // an empty message, as from the factory
	}
	if got := freeBytes(card.Dump(), isClassic(card.Dump())); !bytes.Equal(got, blank) {
		s.t.Errorf("%s: erased, and holds % X", card, got)
	}
	if got, err := s.reader.ReadCard(s.t.Context(), How{}); err != nil || got.Content != Blank {
		s.t.Errorf("%s: erased: read %+v, %v", card, got, err)
	}
}

// onlyFreeBytes checks that nothing but what a key may take was ever written.
func (s *station) onlyFreeBytes(card *pn532sim.Card) {
	s.t.Helper()
	for _, w := range card.Writes() {
		free := w.Unit >= 4 && w.Unit < 40
		if isClassic(card.Dump()) {
			free = w.Unit >= 4 && w.Unit < 15 && w.Unit%4 != 3
		}
		if !free {
			s.t.Errorf("%s: block or page %d was written", card, w.Unit)
		}
	}
}

// with is a card with these bytes where a key would stand.
func with(kind pn532sim.Kind, uid []byte, area ...byte) *pn532sim.Card {
	card := pn532sim.NewCard(kind, uid, pn532sim.Traits{})
	dump := card.Dump()
	unit := 4
	if isClassic(dump) {
		unit = 16
	}
	for i, b := range area { // of a Classic, behind each three blocks one is left out
		at := 4*unit + i
		if unit == 16 {
			at += i / 48 * 16
		}
		dump[at] = b
	}
	if err := card.Load(dump); err != nil {
		panic(err)
	}
	return card
}

// holding is a card with a key on it, of a property.
func holding(kind pn532sim.Kind, uid []byte, property string, key Credential) *pn532sim.Card {
	key.Property = property
	blob, err := key.Seal(uid, Signer{1, signingKey})
	if err != nil {
		panic(err)
	}
	return with(kind, uid, wrap(blob)...)
}

// What is not blank and not ours is left as it is.
func TestSuiteRefusesCards(t *testing.T) {
	t.Parallel()
	staff := Credential{Kind: Staff, Rooms: []string{"101"}, Until: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}
	guest := Credential{Kind: Guest, Rooms: []string{"101"}, Until: staff.Until, Generation: 3}
	copied := holding(pn532sim.NTAG213, []byte{4, 9, 9, 9, 9, 9, 9}, "seaview", staff).Dump()
	onBuses(t, func(s *station) {
		s.patient()
		const notOurs = "refused: the card holds something that we did not write: take a blank card"
		for _, tc := range []struct {
			card   *pn532sim.Card
			reason Reason
			want   string
		}{
			{pn532sim.NewStaffCard(classicUID), AuthRefused, "refused: the card is not blank or not ours: take a blank card (status 14)"},
			{holding(pn532sim.NTAG213, ntagUID, "seaview", staff), CardIsStaff, "refused: this is a staff card: take a blank one"},
			{holding(pn532sim.Classic1K, classicUID, "seaview", staff), CardIsStaff, "refused: this is a staff card: take a blank one"},
			{holding(pn532sim.Classic4K, classicUID, "hilltop", guest), CardWrongType,
				"refused: the card holds a key that is not ours (a key of another property): take a blank card"},
			{with(pn532sim.NTAG216, ntagUID, copied[16:160]...), CardWrongType,
				"refused: the card holds a key that is not ours (the signature does not fit: forged, copied from another card, or damaged): take a blank card"},
			{with(pn532sim.NTAG215, ntagUID, 3, 15, 0xD1, 1, 11, 'T', 2, 'e', 'n', 'l', 'o', 'y', 'a', 'l', 't', 'y', '!', 0xFE), CardWrongType, notOurs},
			{with(pn532sim.NTAG213, ntagUID, 0x12, 0x34), CardWrongType, notOurs},
			{with(pn532sim.Classic1K, classicUID, 0x12), CardWrongType, notOurs},
			{pn532sim.NewCard(pn532sim.DESFire, ntagUID, pn532sim.Traits{}), CardWrongType,
				"refused: this is a DESFire or another card with a system of its own (SAK 20): take an NTAG213 or a MIFARE Classic 1K"},
			{pn532sim.NewCard(pn532sim.UltralightE, ntagUID, pn532sim.Traits{}), CardWrongType,
				"refused: a key of 96 bytes does not fit this card (MIFARE Ultralight EV1, 48 bytes, 48 bytes): take an NTAG213 or a MIFARE Classic 1K"},
			{pn532sim.NewCard(pn532sim.Ultralight, ntagUID, pn532sim.Traits{}), CardWrongType,
				"refused: a key of 96 bytes does not fit this card (MIFARE Ultralight, 48 bytes): take an NTAG213 or a MIFARE Classic 1K"},
			{pn532sim.NewCard(pn532sim.Classic1K, classicUID, pn532sim.Traits{RefuseAuth: true}), AuthRefused,
				"refused: the card is not blank or not ours: take a blank card (status 14)"},
		} {
			before := tc.card.Dump()
			s.lay(tc.card)
			s.refused(s.encode(roomKey(9, "101")), tc.reason, tc.want, tc.card)
			if !bytes.Equal(before, tc.card.Dump()) {
				s.t.Errorf("%s is not what it was", tc.card)
			}
		}
		s.lay(holding(pn532sim.NTAG213, ntagUID, "seaview", guest))
		if err := s.encode(roomKey(9, "101")); err != nil {
			s.t.Errorf("a guest's old key: %v", err)
		}
		s.polite()
	})
}

// With two cards on the encoder, nobody knows which one the guest will be given.
func TestSuiteTwoCards(t *testing.T) {
	t.Parallel()
	onBuses(t, func(s *station) {
		for _, pair := range [][2]*pn532sim.Card{
			{numbered(pn532sim.NTAG213, 1, pn532sim.Traits{}), numbered(pn532sim.NTAG213, 2, pn532sim.Traits{})},
			{numbered(pn532sim.Classic1K, 1, pn532sim.Traits{}), numbered(pn532sim.NTAG215, 2, pn532sim.Traits{})},
		} {
			s.lay(pair[0], pair[1])
			s.refused(s.encode(roomKey(9, "101")), CardDamaged, "refused: two cards lie on the encoder: one card only", pair[0], pair[1])
			s.chip.Take(pair[0])
			if err := s.encode(roomKey(9, "101")); err != nil {
				s.t.Errorf("one was taken off: %v", err)
			}
			s.expect(pair[1], 9, "alone")
		}
		// One comes while the other is written: the first is finished.
		first, second := numbered(pn532sim.NTAG213, 3, pn532sim.Traits{}), numbered(pn532sim.NTAG213, 4, pn532sim.Traits{})
		s.lay(first)
		hold := s.chip.HoldAfterAck([]byte{cmdInDataExchange, 1, cardWritePage, 8})
		go func() {
			<-hold.Reached
			s.chip.Present(second)
			hold.Release()
		}()
		err := s.encode(roomKey(9, "101"))
		s.judge(first, err, 0, 9, 0, "a second card comes")
		if n := len(second.Writes()); n > 0 {
			s.t.Errorf("the second card was written %d times", n)
		}
	})
}

// Copies of cards work, and are told: block 0 or the first pages can be changed.
func TestSuiteClones(t *testing.T) {
	t.Parallel()
	onBuses(t, func(s *station) {
		for _, tc := range []struct {
			card *pn532sim.Card
			want []string
		}{
			{pn532sim.NewCard(pn532sim.Classic1K, classicUID, pn532sim.Traits{Magic: pn532sim.Gen1a}), nil},
			{pn532sim.NewCard(pn532sim.NTAG213, []byte{0x5F, 1, 2, 3, 4, 5, 6}, pn532sim.Traits{}), []string{"its number is not of NXP: a copy by another maker"}},
		} {
			s.lay(tc.card)
			res, err := s.reader.Encode(s.t.Context(), roomKey(9, "101"), How{})
			if diff := cmp.Diff(tc.want, res.Hints); err != nil || diff != "" {
				s.t.Errorf("%s: %v %s", tc.card, err, diff)
			}
			s.expect(tc.card, 9, "a clone")
		}
		// The whole of a key, copied onto another card, opens nothing.
		made, empty := numbered(pn532sim.NTAG213, 1, pn532sim.Traits{}), numbered(pn532sim.NTAG213, 2, pn532sim.Traits{})
		s.lay(made)
		if err := s.encode(roomKey(9, "101")); err != nil {
			s.t.Error(err)
		}
		copied := with(pn532sim.NTAG213, empty.UID(), freeBytes(made.Dump(), false)...)
		s.expect(made, 9, "the original")
		s.expect(copied, 0, "copied")
		s.lay(copied)
		if got, err := s.reader.ReadCard(s.t.Context(), How{}); err != nil || got.Content != OtherKey || got.Problem != ErrBadSignature {
			s.t.Errorf("copied: read %+v, %v", got, err)
		}
	})
}
