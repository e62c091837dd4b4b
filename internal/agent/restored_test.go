package agent

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
	"edgeagent/pms"
)

// saved is a backup of a stage.
type saved struct {
	content bytes.Buffer
	at      time.Time
	offset  int
}

func (s *stage) backUp() *saved {
	s.t.Helper()
	b := &saved{at: time.Now(), offset: s.offset}
	if err := s.store.Snapshot(func(int64) (io.Writer, error) { return &b.content, nil }); err != nil {
		s.t.Fatal(err)
	}
	return b
}

// restore is the same house on a new card. What the devices did is forgotten by
// the test, not by them.
func (s *stage) restore(b *saved) {
	s.t.Helper()
	s.stop()
	if err := os.WriteFile(s.path, b.content.Bytes(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := offsetstore.MarkRestored(s.path, b.at, time.Now()); err != nil {
		s.t.Fatal(err)
	}
	s.offset = b.offset
	for _, m := range []*machine{s.desk, s.tvs, s.lan} {
		m.mu.Lock()
		m.done = nil
		m.mu.Unlock()
	}
	s.pms.mu.Lock()
	s.pms.told = nil
	s.pms.mu.Unlock()
	time.Sleep(time.Second)
	s.start()
}

// replayed is a notice of the replay; the link was live last at that time.
func replayed(n pms.Notice, live time.Time) pms.Notice {
	n.Replayed, n.NotBefore = true, live
	return n
}

// caughtUp lets the PMS say that it has nothing older.
func (s *stage) caughtUp() {
	s.pms.feed <- []pms.Notice{}
	s.rest()
}

func (s *stage) unknown() []string {
	s.t.Helper()
	list, err := s.store.Unknown()
	if err != nil {
		s.t.Fatal(err)
	}
	subjects := []string{}
	for _, c := range list {
		if c.Note != offsetstore.NoteRestored {
			s.t.Errorf("%s: note %q", c.ID, c.Note)
		}
		subjects = append(subjects, c.Subject)
	}
	slices.Sort(subjects)
	return subjects
}

// The card died minutes after a key was cut, and the gateway is back within the
// freshness window: the PMS tells of the check-in once more, and it counts as news.
func TestRestoreCutsNoSecondCard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer func() { s.stop() }()
		s.say(checkIn("R0", "100", "Before"))
		b := s.backUp()
		in := checkIn("R1", "101", "Since")
		s.say(in)
		s.want("encoder before", s.desk.saw(), []string{"encode room:100", "encode room:101"})
		s.restore(b)

		s.say(replayed(in, b.at))
		s.want("encoder", s.desk.saw(), []string{})
		s.want("a person looks", s.unknown(), []string{"room:101"})
		time.Sleep(3 * time.Minute) // what comes of a replay is held as long
		s.want("encoder", s.desk.saw(), []string{})
		s.want("TV, which may be told twice", s.tvs.saw(), []string{"welcome room:101"})
		s.caughtUp()

		// A person has looked, and life goes on: what is new is done.
		v, err := s.agent.Look()
		if err != nil || len(v.Unknown) != 1 || len(v.Recent) == 0 {
			t.Fatalf("the page shows %+v, %v", v.Unknown, err)
		}
		if err := s.agent.Resolve(v.Unknown[0].ID, true); err != nil {
			t.Fatal(err)
		}
		s.say(checkIn("R2", "102", "New"))
		s.want("encoder", s.desk.saw(), []string{"encode room:102"})
	})
}

// A PMS whose clock is ahead gives times that lie after the restore.
func TestRestoreWithThePMSClockAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer func() { s.stop() }()
		b := s.backUp()
		in := checkIn("R1", "101", "Since")
		s.say(in)
		s.restore(b)
		time.Sleep(time.Minute)
		s.say(replayed(in, time.Now())) // after the start
		time.Sleep(3 * time.Minute)
		s.want("encoder", s.desk.saw(), []string{})
		s.want("a person looks", s.unknown(), []string{"room:101"})

		// Of a later break of the link nothing is in doubt.
		s.caughtUp()
		s.say(replayed(checkIn("R2", "102", "New"), time.Now()))
		s.caughtUp()
		s.want("encoder", s.desk.saw(), []string{"encode room:102"})
	})
}

// A key that the PMS asked for was cut, and the answer died with the card: the PMS
// still lists it as open.
func TestRestoreAnswersWhatMayHaveBeenDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer func() { s.stop() }()
		s.desk.behave(encoder(time.Minute))
		s.say(cut("K0", "100"))
		b := s.backUp() // K0 is in the making
		since, old := cut("K1", "101"), cut("K2", "102")
		since.NotBefore = time.Now()
		s.say(since)
		time.Sleep(5 * time.Minute)
		s.restore(b)
		since.Expires = time.Now().Add(5 * time.Minute) // it still waits
		old.NotBefore = b.at                            // nobody waits for that one
		s.say(since, old)
		s.want("encoder", s.desk.saw(), []string{})
		answers := s.pms.answers()
		slices.Sort(answers)
		s.want("answers", answers, []string{
			"K0 Error " + offsetstore.NoteRestored, "K1 Error " + offsetstore.NoteRestored, "K2 Error " + offsetstore.NoteRestored,
		})
		s.want("a person looks", s.unknown(), []string{"room:100", "room:101"})
		s.say(cut("K3", "103"))
		s.want("encoder", s.desk.saw(), []string{"encode room:103"})
	})
}

// The keys of a room that was left before the crash are the next guest's by now:
// to cancel them once more would lock him out.
func TestRestoreEndsNoKeyOfTheNextGuest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer func() { s.stop() }()
		s.say(checkIn("R0", "101", "Before"))
		b := s.backUp()
		out, in := checkOut("R0", "101"), checkIn("R1", "101", "Since")
		s.say(out)
		s.say(in)
		s.restore(b)
		s.say(replayed(out, b.at), replayed(in, b.at))
		s.caughtUp()
		time.Sleep(time.Hour)
		s.want("encoder", s.desk.saw(), []string{})
		s.want("a person looks", s.unknown(), []string{"room:101", "room:101"})
	})
}

// Until the PMS has told what has happened since, the house is as it was: nobody is
// greeted in a room that he may have left.
func TestRestoredHouseWaitsForThePMS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer func() { s.stop() }()
		s.tvs.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, &drivers.LinkDown{Err: errors.New("no such broker")}
		})
		s.say(checkIn("R0", "101", "Before"))
		b := s.backUp() // the TV has not been told
		s.tvs.behave(nil)
		out, in := checkOut("R0", "101"), checkIn("R1", "101", "Since")
		s.say(out, in)
		s.restore(b)

		time.Sleep(6 * time.Hour) // the PMS is away
		s.want("TV", s.tvs.saw(), []string{})
		v, err := s.agent.Look()
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(v.Conditions, func(c Condition) bool { return c.Code == "restored" })
		if i < 0 || !v.Conditions[i].Serious || v.Conditions[i].About != "pms" ||
			v.Conditions[i].Text != "this gateway came back from a backup of "+b.at.UTC().Format("2 January 2006, 15:04")+", and has not heard yet what has happened since" {
			t.Errorf("conditions %+v", v.Conditions)
		}
		s.say(replayed(out, b.at), replayed(in, b.at))
		s.caughtUp()
		s.want("TV", s.tvs.saw(), []string{"welcome room:101"})
		if v, err = s.agent.Look(); err != nil || slices.ContainsFunc(v.Conditions, func(c Condition) bool { return c.Code == "restored" }) {
			t.Errorf("conditions %+v, %v", v.Conditions, err)
		}
		s.tvs.mu.Lock()
		guests := s.tvs.done[0].Params["guests"]
		s.tvs.mu.Unlock()
		if !strings.Contains(guests, "Since") {
			t.Errorf("greeted: %s", guests)
		}
	})
}

// A device command comes past what is read again: it does not say that the house is
// known as it is.
func TestCommandIsNoCatchingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer func() { s.stop() }()
		s.restore(s.backUp())
		time.Sleep(time.Minute)
		s.say(cut("K1", "101"))
		s.want("encoder", s.desk.saw(), []string{"encode room:101"})
		if !s.store.Behind("pms") {
			t.Error("a device command counts as all that has happened")
		}
		s.caughtUp()
		if s.store.Behind("pms") {
			t.Error("still behind")
		}
	})
}
