package locksim

import (
	"context"
	"testing"
	"time"
)

// byHand is a lock system whose first encoder waits for a person.
func byHand(t *testing.T, wait time.Duration) (*System, *client) {
	t.Helper()
	s := start(t, quick(nil))
	s.ByHand("1", wait)
	c, _ := overTCP(t, s)
	return s, c
}

func (c *client) begin(command string) {
	c.T.Helper()
	c.Send(wireFrame(command))
	c.Want([]byte{0x06})
}

// until waits for something about encoder 1.
func until(t *testing.T, s *System, cond func(Encoder) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := s.Wait(ctx, func() bool { e, _ := s.Encoder("1"); return cond(e) }); err != nil {
		e, _ := s.Encoder("1")
		t.Fatalf("%v: %+v", err, e)
	}
}

func insert(t *testing.T, s *System, uid string) {
	t.Helper()
	if err := s.Insert("1", uid); err != nil {
		t.Fatal(err)
	}
}

func TestACardIsCutOnlyWhenAPersonPutsItIn(t *testing.T) {
	s, c := byHand(t, time.Minute)
	c.begin("CN|1|E|101|||||" + stay)
	until(t, s, func(e Encoder) bool { return e.WaitsForCard })
	if n := len(s.Cuts("101")); n != 0 {
		t.Fatalf("%d cards were cut before one was put in", n)
	}
	uid := s.AddCard(Blank)
	insert(t, s, uid)
	c.Want(wireFrame("CN|1"))
	if !s.OpensDoor(uid, "101", noon.Add(3*time.Hour)) {
		t.Error("the card does not open its door")
	}
	until(t, s, func(e Encoder) bool { return e.ByHand && e.Card == "" && !e.WaitsForCard }) // ejected
}

func TestACardMayLieThereBefore(t *testing.T) {
	s, c := byHand(t, time.Minute)
	uid := s.AddCard(Blank)
	insert(t, s, uid)
	c.ask("CN|1|E|101|||||"+stay, "CN|1")
	if !s.OpensDoor(uid, "101", noon.Add(3*time.Hour)) {
		t.Error("another card was cut")
	}
}

func TestNobodyPutsACardIn(t *testing.T) {
	s, c := byHand(t, 20*time.Millisecond)
	c.ask("CN|1|E|101|||||"+stay, "ED|1")
	if n := len(s.Cards()); n != 0 {
		t.Errorf("%d cards from nowhere", n)
	}
}

// A request that does not wait for the card leaves it in the slot; the next one
// must not write over the key that was just made.
func TestAFinishedCardIsNotTakenForTheNextOne(t *testing.T) {
	s, c := byHand(t, time.Minute)
	first := s.AddCard(Blank)
	insert(t, s, first)
	c.ask("CN|1|R|101|||||"+stay, "CN|1")
	until(t, s, func(e Encoder) bool { return e.Card == first })
	c.begin("CN|1|R|102|||||" + stay)
	until(t, s, func(e Encoder) bool { return e.WaitsForCard })
	second := s.AddCard(Blank)
	if err := s.Insert("1", second); err == nil || err.Error() != `a card is in "1" already` {
		t.Fatal("a second card beside the first:", err)
	}
	if got := s.Take("1"); got != first {
		t.Fatalf("took %q", got)
	}
	insert(t, s, second)
	c.Want(wireFrame("CN|1"))
	if !s.OpensDoor(first, "101", noon.Add(3*time.Hour)) || !s.OpensDoor(second, "102", noon.Add(3*time.Hour)) {
		t.Error("the cards do not open their doors")
	}
}

func TestACardThatIsTakenOutWhileItIsWrittenIsLost(t *testing.T) {
	s := start(t, quick(func(c *Config) { c.WorkTime = time.Minute }))
	s.ByHand("1", time.Minute)
	c, _ := overTCP(t, s)
	uid := s.AddCard(Blank)
	c.begin("CN|1|E|101|||||" + stay)
	until(t, s, func(e Encoder) bool { return e.WaitsForCard })
	insert(t, s, uid)
	until(t, s, func(e Encoder) bool { return e.Busy && !e.WaitsForCard })
	if got := s.Take("1"); got != uid {
		t.Fatalf("took %q", got)
	}
	c.Want(wireFrame("EF|1"))
	if len(s.Keys("101", noon.Add(3*time.Hour))) != 0 {
		t.Error("a key was made all the same")
	}
}

// What a person was told to do for the next card comes before the slot.
func TestAScriptComesBeforeTheSlot(t *testing.T) {
	s, c := byHand(t, time.Minute)
	s.Operator("1", Presentation{Never: true})
	insert(t, s, s.AddCard(Blank))
	c.ask("CN|1|E|101|||||"+stay, "ED|1")
	c.ask("CN|1|E|101|||||"+stay, "CN|1")
}

func TestStaffCardsAreRefusedInTheSlot(t *testing.T) {
	s, c := byHand(t, time.Minute)
	insert(t, s, s.AddCard(Staff))
	c.ask("CN|1|E|101|||||"+stay, "EV|1")
}

func TestInsertSaysWhyNot(t *testing.T) {
	s, _ := byHand(t, time.Minute)
	s.ByHand("2", time.Minute)
	uid := s.AddCard(Blank)
	insert(t, s, uid)
	for _, tt := range []struct{ encoder, uid, want string }{
		{"9", uid, `there is no encoder "9"`},
		{"2", "0000", `there is no card "0000"`},
		{"2", uid, `the card is in "1"`},
		{"1", s.AddCard(Blank), `a card is in "1" already`},
		{"Online Encoder 1", uid, `cards come to "Online Encoder 1" by themselves`},
	} {
		if err := s.Insert(tt.encoder, tt.uid); err == nil || err.Error() != tt.want {
			t.Errorf("got %v, want %s", err, tt.want)
		}
	}
	s.ByHand("1", 0)
	if e, _ := s.Encoder("1"); e.Card != "" || e.ByHand {
		t.Errorf("cards come by themselves again, and %+v", e)
	}
}

func TestWhyADoorStaysShut(t *testing.T) {
	s := start(t, quick(nil))
	c, _ := overTCP(t, s)
	inside := noon.Add(3 * time.Hour)
	first := cutOne(t, s, c, "CN|1|E|101|||||"+stay, "CN|1")
	staff, blank := s.AddCard(Staff), s.AddCard(Blank)
	why := func(uid, room string, at time.Time, want string) {
		t.Helper()
		if got := s.WhyShut(uid, room, at); got != want {
			t.Errorf("card %s at %s: %q, want %q", uid, room, got, want)
		}
	}
	why(first, "101", inside, "")
	why(staff, "101", inside, "")
	why(first, "102", inside, "it was made for 101")
	why(blank, "101", inside, "no key is on it")
	why("0000", "101", inside, "there is no such card")
	why(first, "999", inside, "there is no such door")
	why(first, "101", noon.AddDate(0, 0, 30), "it ended on 17 July 11:00")
	why(first, "101", noon.AddDate(0, 0, -30), "it opens only from 15 July 14:00")
	second := cutOne(t, s, c, "CN|1|E|101|||||"+stay, "CN|1")
	why(first, "101", inside, "a newer key was made for this room")
	c.ask("CO|0|101", "CO|0")
	why(second, "101", inside, "the keys of this room were cancelled")
	shot := cutOne(t, s, c, "CA|1|E|101|||||"+stay, "CA|1")
	s.UseCard(shot, "101", inside)
	why(shot, "101", inside, "it opens once, and has done so")
}
