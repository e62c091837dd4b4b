package pn532

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"edgeagent/drivers"

	"github.com/google/go-cmp/cmp"
)

func TestEncodeAndRead(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		for _, c := range freshCards() {
			b.steps = nil
			b.chip.put(c)
			key := guestKey()
			res, err := b.reader.Encode(b.t.Context(), key, b.how())
			if err != nil {
				b.t.Fatalf("%s: %v", c.name, err)
			}
			if !c.opens() {
				b.t.Errorf("%s: does not open its room", c.name)
			}
			if want := []drivers.Step{drivers.StepAccepted, StepCardFound, drivers.StepCardDone}; !cmp.Equal(want, b.steps) {
				b.t.Errorf("%s: steps %q", c.name, b.steps)
			}
			if len(res.Hints) > 0 {
				b.t.Errorf("%s: hints %q about a good card", c.name, res.Hints)
			}
			card, err := b.reader.ReadCard(b.t.Context(), b.how())
			if err != nil || card.Content != OurKey || card.UID != res.UID || card.Model != res.Model {
				b.t.Fatalf("%s: read %+v, %v", c.name, card, err)
			}
			key.Property, key.KeyID = "seaview", 1
			if diff := cmp.Diff(key, card.Key); diff != "" {
				b.t.Error(diff)
			}
			b.chip.put()
			if err := b.reader.AwaitRemoval(b.t.Context(), nil); err != nil {
				b.t.Fatal(err)
			}
		}
		if st := b.reader.State(); st.Condition != drivers.Online {
			b.t.Errorf("state %+v", st)
		}
		if f, err := b.reader.Probe(b.t.Context()); err != nil || f.String() != "PN532, firmware 1.6" {
			b.t.Errorf("probe: %v, %v", f, err)
		}
	})
}

func TestNoCard(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		start := time.Now()
		err := b.encode(guestKey())
		refusal(b.t, err, NoCard, "refused: no card was presented: ask again and hold a card to the encoder")
		if took := time.Since(start); took < 10*time.Second || took > 12*time.Second {
			b.t.Errorf("waited %s, want 10s", took)
		}
	})
}

func refusal(t *testing.T, err error, reason Reason, text string) {
	t.Helper()
	f, ok := errors.AsType[*Failure](err)
	if !ok || !errors.Is(err, drivers.ErrRefused) || f.Reason != reason || err.Error() != text {
		t.Errorf("got %v\nwant %s: %s", err, reason, text)
	}
}

// The finished card lies there still when the second key is asked for: it must
// be taken off first.
func TestSecondKeyWaitsForAnotherCard(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		cards := freshCards()
		b.chip.put(cards[0])
		if err := b.encode(guestKey()); err != nil {
			b.t.Fatal(err)
		}
		before := bytes.Clone(cards[0].memory)
		time.AfterFunc(2*time.Second, func() { b.chip.put() })
		time.AfterFunc(4*time.Second, func() { b.chip.put(cards[1]) })
		b.steps = nil
		key := guestKey()
		key.Generation = 8
		if err := b.encode(key); err != nil {
			b.t.Fatal(err)
		}
		if want := []drivers.Step{drivers.StepAccepted, StepTakeOff, StepCardFound, drivers.StepCardDone}; !cmp.Equal(want, b.steps) {
			b.t.Errorf("steps %q", b.steps)
		}
		if !cards[0].unchanged(before) || !cards[1].opens() {
			b.t.Error("the first card was touched, or the second does not open")
		}
		err := b.encode(key)
		refusal(b.t, err, NoCard, "refused: the finished card was not taken off: take it, ask again and hold a new one to the encoder")
	})
}

// The same key on the same card again is done without a single write.
func TestSameKeyAgain(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		c := freshCards()[0]
		key := guestKey()
		sealOn(b.t, c, "seaview", key)
		b.chip.put(c)
		if err := b.encode(key); err != nil || c.writes != 0 {
			b.t.Errorf("%v, %d writes", err, c.writes)
		}
	})
}

func TestCardsThatAreRefused(t *testing.T) {
	staff := guestKey()
	staff.Kind, staff.Until = Staff, time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	uid := []byte{4, 1, 2, 3, 4, 5, 6}
	for _, tc := range []struct {
		name   string
		card   func(*testing.T) *testCard
		reason Reason
		want   string
	}{
		{"staff", func(t *testing.T) *testCard { c := newNTAG("213", uid...); sealOn(t, c, "seaview", staff); return c }, CardIsStaff,
			"refused: this is a staff card: take a blank one"},
		{"another property's", func(t *testing.T) *testCard { c := newNTAG("213", uid...); sealOn(t, c, "hilltop", staff); return c }, CardWrongType,
			"refused: the card holds a key that is not ours (a key of another property): take a blank card"},
		{"copied from another card", func(t *testing.T) *testCard {
			c, d := newNTAG("213", uid...), newNTAG("213", 4, 9, 9, 9, 9, 9, 9)
			sealOn(t, d, "seaview", staff)
			copy(c.memory[16:160], d.memory[16:160])
			return c
		}, CardWrongType, "refused: the card holds a key that is not ours (the signature does not fit: forged, copied from another card, or damaged): take a blank card"},
		{"message", func(*testing.T) *testCard {
			c := newNTAG("215", uid...)
			c.fill([]byte{3, 15, 0xD1, 1, 11, 'T', 2, 'e', 'n', 'l', 'o', 'y', 'a', 'l', 't', 'y', '!', 0xFE})
			return c
		}, CardWrongType, "refused: the card holds something that we did not write: take a blank card"},
		{"raw bytes", func(*testing.T) *testCard { c := newNTAG("213", uid...); c.fill([]byte{0x12, 0x34, 0x56}); return c }, CardWrongType,
			"refused: the card holds something that we did not write: take a blank card"},
		{"locked", func(*testing.T) *testCard { c := newNTAG("213", uid...); c.memory[11] = 1; return c }, CardDamaged,
			"refused: the card is write-protected for ever: take another"},
		{"locked behind page 15", func(*testing.T) *testCard { c := newNTAG("213", uid...); c.memory[160] = 1; return c }, CardDamaged,
			"refused: the card is write-protected for ever: take another"},
		{"password", func(*testing.T) *testCard {
			c := newNTAG("213", uid...)
			c.memory[0x29*4+3], c.pwd = 4, []byte{1, 2, 3, 4}
			return c
		}, AuthRefused, "refused: the card is protected by a password: take a blank card"},
		{"too small", func(*testing.T) *testCard {
			c := newNTAG("213", uid...)
			c.version[2], c.version[6] = 3, 0x0B
			return c
		}, CardWrongType, "refused: a key of 96 bytes does not fit this card (MIFARE Ultralight EV1, 48 bytes, 48 bytes): take an NTAG213 or a MIFARE Classic 1K"},
		{"old Ultralight", func(*testing.T) *testCard { c := newNTAG("213", uid...); c.version = nil; return c }, CardWrongType,
			"refused: a key of 96 bytes does not fit this card (MIFARE Ultralight, 48 bytes): take an NTAG213 or a MIFARE Classic 1K"},
		{"DESFire", func(*testing.T) *testCard { c := newNTAG("213", uid...); c.sak = 0x20; return c }, CardWrongType,
			"refused: this is a DESFire or another card with a system of its own (SAK 20): take an NTAG213 or a MIFARE Classic 1K"},
		{"unknown SAK", func(*testing.T) *testCard { c := newNTAG("213", uid...); c.sak = 0x09; return c }, CardWrongType,
			"refused: cards of this type (SAK 09) cannot be written: take an NTAG213 or a MIFARE Classic 1K"},
		{"unknown version", func(*testing.T) *testCard { c := newNTAG("213", uid...); c.version[6] = 0x15; return c }, CardWrongType,
			"refused: cards of this type (version 00 04 04 02 01 00 15 03) cannot be written: take an NTAG213 or a MIFARE Classic 1K"},
		{"phone", func(*testing.T) *testCard { return newClassic(0x08, 8, 1, 2, 3) }, CardWrongType,
			"refused: the card shows another number each time (a phone, or a card with random UID): take a plain card"},
		{"Classic with other keys", func(*testing.T) *testCard {
			c := newClassic(0x08, 1, 2, 3, 4)
			copy(c.memory[7*16:], []byte{1, 2, 3, 4, 5, 6})
			return c
		}, AuthRefused, "refused: the card is not blank or not ours: take a blank card (status 14)"},
		{"Classic in use", func(*testing.T) *testCard { c := newClassic(0x08, 1, 2, 3, 4); c.memory[20] = 0x48; return c }, CardWrongType,
			"refused: the card serves another application: take a blank card"},
		{"Classic with data", func(*testing.T) *testCard { c := newClassic(0x08, 1, 2, 3, 4); c.memory[64] = 0x48; return c }, CardWrongType,
			"refused: the card holds something that we did not write: take a blank card"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			onAll(t, nil, func(b *bench) {
				c := tc.card(b.t)
				before := bytes.Clone(c.memory)
				b.chip.put(c)
				refusal(b.t, b.encode(guestKey()), tc.reason, tc.want)
				if !c.unchanged(before) || c.writes > 0 {
					b.t.Error("the card was written")
				}
			})
		})
	}
}

func TestOverwriteIsTold(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		c := freshCards()[0]
		c.fill([]byte{0x12, 0x34})
		b.chip.put(c)
		if _, err := b.reader.Encode(b.t.Context(), guestKey(), How{Overwrite: true}); err != nil || !c.opens() {
			b.t.Errorf("%v, opens: %t", err, c.opens())
		}
	})
}

func TestPassword(t *testing.T) {
	onAll(t, func(o *Options) { o.Password = &Password{Pwd: [4]byte{1, 2, 3, 4}, Ack: [2]byte{0xAA, 0x55}} }, func(b *bench) {
		c := freshCards()[0]
		c.memory[0x29*4+3], c.pwd = 4, []byte{1, 2, 3, 4}
		b.chip.put(c)
		if err := b.encode(guestKey()); err != nil || !c.opens() {
			b.t.Errorf("%v, opens: %t", err, c.opens())
		}
		other := newNTAG("213", 4, 7, 7, 7, 7, 7, 7)
		other.memory[0x29*4+3], other.pwd = 4, []byte{9, 9, 9, 9}
		b.chip.put(other)
		refusal(b.t, b.encode(guestKey()), AuthRefused, "refused: the card is protected by another password: take a blank card")
	})
}

func TestRequestsThatAreRefused(t *testing.T) {
	for _, tc := range []struct {
		change func(*Credential)
		want   string
	}{
		{func(c *Credential) { c.Rooms = nil }, "refused: no room is given: the PMS assigned none"},
		{func(c *Credential) { c.Rooms = []string{"1", "2", "3", "4", "5"} }, "refused: 5 rooms: one card opens at most 4"},
		{func(c *Credential) { c.Rooms = []string{"1", "1"} }, "refused: room 1 is given twice"},
		{func(c *Credential) { c.Rooms = []string{"Zürich"} }, `refused: room name "Zürich" cannot be written: 1 to 24 plain ASCII characters`},
		{func(c *Credential) { c.Until = time.Time{} }, "refused: no end of validity is known: the PMS sent no departure"},
		{func(c *Credential) { c.Until = c.From }, "refused: the key would end before it starts: correct the stay in the PMS"},
		{func(c *Credential) { c.Until, c.From = time.Now().Add(-time.Hour), time.Time{} }, "refused: the key would have ended already: correct the departure in the PMS"},
		{func(c *Credential) { c.Until = time.Date(2107, 1, 1, 0, 0, 0, 0, time.UTC) }, "refused: the validity lies outside the years 1970 to 2106"},
		{func(c *Credential) { c.Kind = 0 }, "refused: kind 0 of a key does not exist"},
	} {
		b := &bench{t: t}
		b.reader, _ = Open(buses["SPI"](newDouble(), Lines{}), options())
		key := guestKey()
		tc.change(&key)
		refusal(t, b.encode(key), BadRequest, tc.want)
	}
}

func TestErase(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		for _, c := range freshCards() {
			blank := bytes.Clone(c.memory)
			sealOn(b.t, c, "seaview", guestKey())
			b.chip.put(c)
			if _, err := b.reader.Erase(b.t.Context(), b.how()); err != nil {
				b.t.Fatal(err)
			}
			if !bytes.Equal(c.memory, blank) {
				b.t.Errorf("%s is not as it was sold", c.name)
			}
		}
	})
}

// Wherever a card is taken away while it is written, it is no half-valid key,
// the outcome says what it is, and it can be written again.
func TestTornWrites(t *testing.T) {
	for _, what := range []string{"", "lost", "half"} {
		t.Run(what, func(t *testing.T) {
			onAll(t, nil, func(b *bench) {
				for kind := range freshCards() {
					for n := 1; ; n++ {
						c := freshCards()[kind]
						old := guestKey()
						old.Generation = 3
						sealOn(b.t, c, "seaview", old)
						torn := false
						c.onWrite = func(d *double, k int, _ byte) string {
							if k == n {
								torn, d.cards = true, nil
								return what
							}
							return ""
						}
						b.chip.put(c)
						err := b.encode(guestKey())
						if !torn {
							if err != nil {
								b.t.Fatalf("%s: not torn, and %v", c.name, err)
							}
							b.chip.put()
							break
						}
						b.judge(c, err, n)
						c.onWrite = nil
						b.chip.put(c)
						if err := b.encode(guestKey()); err != nil || !c.opens() {
							b.t.Fatalf("%s: torn at write %d (%v): not written again: %v", c.name, n, b.chip.cards, err)
						}
						b.chip.put()
						_ = b.reader.AwaitRemoval(b.t.Context(), nil)
					}
				}
			})
		})
	}
}

// judge holds an outcome against what the card holds.
func (b *bench) judge(c *testCard, err error, n int) {
	b.t.Helper()
	f, ok := errors.AsType[*Failure](err)
	if !ok {
		b.t.Fatalf("%s: torn at write %d: %v", c.name, n, err)
	}
	key, opens := holds(c)
	switch {
	case f.Spoilt && opens == nil:
		b.t.Errorf("%s: torn at write %d: said to be spoilt, and opens", c.name, n)
	case !f.Spoilt && n > 1 && !errors.Is(err, drivers.ErrUnknown):
		b.t.Errorf("%s: torn at write %d: neither spoilt nor unknown: %v", c.name, n, err)
	case errors.Is(err, drivers.ErrUnknown) && n == 1:
		b.t.Errorf("%s: torn at the first write: %v", c.name, err)
	case errors.Is(err, drivers.ErrUnknown) && f.Spoilt:
		b.t.Errorf("%s: torn at write %d: both unknown and spoilt", c.name, n)
	case f.Reason != CardRemoved:
		b.t.Errorf("%s: torn at write %d: %v", c.name, n, err)
	}
	if n > 1 && opens == nil && key.Generation == 3 {
		b.t.Errorf("%s: torn at write %d: the old key still opens", c.name, n)
	}
}

// The card is taken off when its last unit has been written, and comes back: the
// reader looks, and knows.
func TestLastUnitIsSettled(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		for _, c := range freshCards() {
			seen := 0
			c.onWrite = func(d *double, _ int, addr byte) string {
				if addr != 4 {
					return ""
				}
				if seen++; seen < 2 {
					return ""
				}
				if seen == 2 {
					d.cards = nil
					time.AfterFunc(1200*time.Millisecond, func() { b.chip.put(c) })
				}
				return "lost"
			}
			b.chip.put(c)
			if err := b.encode(guestKey()); err != nil || !c.opens() {
				b.t.Errorf("%s: %v, opens: %t", c.name, err, c.opens())
			}
		}
	})
}

func TestExchangedCard(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		c, other := freshCards()[0], newNTAG("213", 4, 5, 5, 5, 5, 5, 5)
		c.onWrite = func(d *double, n int, _ byte) string {
			if n == 5 {
				d.cards = []*testCard{other}
			}
			return ""
		}
		before := bytes.Clone(other.memory)
		b.chip.put(c)
		refusal(b.t, b.encode(guestKey()), CardRemoved,
			"refused: another card lies on the encoder than before: use one card and hold it until the beep; the card opens nothing now and can be written again")
		if !other.unchanged(before) || c.opens() {
			b.t.Error("the other card was written, or the first one opens")
		}
	})
}

func TestBadCards(t *testing.T) {
	for _, tc := range []struct{ what, want string }{
		{"ignored", "refused: the card does not keep what is written to page 9: take another; the card opens nothing now and can be written again"},
		{"status", "refused: the card does not take page 9: it is write-protected or worn out, take another; the card opens nothing now and can be written again"},
	} {
		t.Run(tc.what, func(t *testing.T) {
			onAll(t, nil, func(b *bench) {
				c := freshCards()[0]
				c.onWrite = func(_ *double, _ int, addr byte) string {
					if addr == 9 {
						return tc.what
					}
					return ""
				}
				b.chip.put(c)
				refusal(b.t, b.encode(guestKey()), CardDamaged, tc.want)
				if c.opens() {
					b.t.Error("it opens")
				}
			})
		})
	}
}

func TestClonesAreNoted(t *testing.T) {
	onAll(t, nil, func(b *bench) {
		clone, copied, foreign := freshCards()[0], freshCards()[1], freshCards()[2]
		clone.memory[3]++
		copied.version[1] = 0x53
		foreign.memory[4]++
		for _, tc := range []struct {
			card *testCard
			want string
		}{
			{clone, "its first pages do not agree with its number: a clone"},
			{copied, "the chip is a copy by another maker (vendor 53)"},
			{foreign, "its first block does not agree with its number: a clone"},
		} {
			b.chip.put(tc.card)
			res, err := b.reader.Encode(b.t.Context(), guestKey(), b.how())
			if err != nil || !slices.Contains(res.Hints, tc.want) {
				b.t.Errorf("%q, %v; want %q", res.Hints, err, tc.want)
			}
		}
	})
}
