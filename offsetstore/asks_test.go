package offsetstore

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// asked is a job that answers a device command of the same id.
func asked(id, subject string) Command {
	c := job(id, subject)
	c.Ask, c.Source = id, "pms"
	return c
}

func ask(t testing.TB, s *Store, commands ...Command) {
	t.Helper()
	b := Batch{Source: "pms", Commands: commands}
	for _, c := range commands {
		b.Asks = append(b.Asks, Ask{Source: "pms", ID: c.Ask, At: time.Now()})
	}
	if err := s.Accept(b); err != nil {
		t.Fatal(err)
	}
}

func withdraw(t testing.TB, s *Store, ids ...string) {
	t.Helper()
	if err := s.Accept(Batch{Source: "pms", Withdrawn: ids}); err != nil {
		t.Fatal(err)
	}
}

// stands lists the untold asks with their states and notes.
func stands(t testing.TB, s *Store) string {
	t.Helper()
	asks, _, err := s.Untold("pms")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range asks {
		out = append(out, strings.TrimSpace(fmt.Sprint(a.ID, " ", a.State(), " ", a.Note)))
	}
	return strings.Join(out, "; ")
}

func wantStands(t testing.TB, s *Store, want string) {
	t.Helper()
	if got := stands(t, s); got != want {
		t.Errorf("asks: %q, want %q", got, want)
	}
}

// commits is the number of transactions that the file has seen.
func commits(t testing.TB, s *Store) (n int) {
	t.Helper()
	if err := s.db.View(func(tx *bbolt.Tx) error { n = tx.ID(); return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

const lostNote = "outcome unknown: the agent stopped while the device was at work; look before doing it again"

// The power goes between marking and answering: nobody knows, and the PMS is
// told so once.
func TestAskWhoseOutcomeIsLostIsToldOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	ask(t, s, asked("K1", "room:101"))
	wantStands(t, s, "K1 Pending")
	next(t, s, "encoder")
	wantStands(t, s, "K1 Processing")
	crash(t, s)
	s = open(t, path)
	wantStands(t, s, "K1 Error "+lostNote)
	nothing(t, s, "encoder")
	asks, _, _ := s.Untold("pms")
	if err := s.Reported(asks[0]); err != nil {
		t.Fatal(err)
	}
	crash(t, s)
	s = open(t, path)
	defer s.Close()
	wantStands(t, s, "")
	ask(t, s, asked("K1", "room:101")) // the PMS has it in its list still
	nothing(t, s, "encoder")
	wantStands(t, s, "")
}

// That a job is begun is known from the commit that marks it.
func TestBeginningCostsNoCommitOfItsOwn(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	got := waiting(t, t.Context(), s, "encoder")
	before := commits(t, s)
	ask(t, s, asked("K1", "room:101"))
	c := <-got
	wantStands(t, s, "K1 Processing")
	if n := commits(t, s) - before; n != 1 {
		t.Errorf("%d commits to accept and mark a job, want 1", n)
	}
	ask(t, s, asked("K2", "room:102"))
	before = commits(t, s)
	_, more, _ := s.Untold("pms")
	next(t, s, "encoder")
	if n := commits(t, s) - before; n != 1 {
		t.Errorf("%d commits to mark a job, want 1", n)
	}
	select {
	case <-more:
	default:
		t.Error("nobody was woken to tell that it is begun")
	}
	if err := s.Settle(c, Processed); err != nil {
		t.Fatal(err)
	}
	wantStands(t, s, "K1 Processed; K2 Processing")
}

// A device command that is answered as it comes moves nothing.
func TestRefusedAskIsAnsweredAtOnce(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	if err := s.Accept(Batch{Source: "pms", Commands: []Command{asked("K1", "room:101")}, Asks: []Ask{
		{Source: "pms", ID: "K1", Outcome: Cancelled, Note: "too old"}, {Source: "pms", ID: "K2", Outcome: Error, Note: "no printer"},
	}}); err != nil {
		t.Fatal(err)
	}
	wantStands(t, s, "K1 Cancelled too old; K2 Error no printer")
	nothing(t, s, "encoder")
}

func TestAskTwiceInABatchIsOne(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	ask(t, s, asked("K1", "room:101"), asked("K1", "room:101"))
	wantStands(t, s, "K1 Pending")
	if err := s.Settle(next(t, s, "encoder"), Processed); err != nil {
		t.Fatal(err)
	}
	wantStands(t, s, "K1 Processed")
	nothing(t, s, "encoder")
}

func TestWithdrawnBeforeItIsBegun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	first, second := asked("K1", "room:101"), asked("K2", "room:101")
	other := asked("K2", "room:102")
	other.ID, other.Due = "K2b", time.Now().Add(time.Hour)
	if err := s.Accept(Batch{Source: "pms", Commands: []Command{first, second, other}, Asks: []Ask{{Source: "pms", ID: "K1"}, {Source: "pms", ID: "K2"}}}); err != nil {
		t.Fatal(err)
	}
	c := next(t, s, "encoder")
	before := commits(t, s)
	_, more, _ := s.Untold("pms")
	withdraw(t, s, "K2")
	wantStands(t, s, "K1 Processing; K2 Cancelled "+NoteWithdrawn)
	select {
	case <-more:
	default:
		t.Error("nobody was woken to answer")
	}
	if n := commits(t, s) - before; n != 1 {
		t.Errorf("%d commits, want 1", n)
	}
	withdraw(t, s, "K2", "unheard of")
	if n := commits(t, s) - before; n != 1 {
		t.Error("what changes nothing was written")
	}
	crash(t, s)
	s = open(t, path)
	defer s.Close()
	nothing(t, s, "encoder")
	wantStands(t, s, "K1 Error "+lostNote+"; K2 Cancelled "+NoteWithdrawn)
	if state(t, s, c.ID).Unknown != true || state(t, s, "K2b").Note != NoteWithdrawn {
		t.Error(state(t, s, c.ID), state(t, s, "K2b"))
	}
}

func TestAskAndWithdrawalOfOneBatch(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	if err := s.Accept(Batch{Source: "pms", Commands: []Command{asked("K1", "room:101")}, Asks: []Ask{{Source: "pms", ID: "K1"}}, Withdrawn: []string{"K1"}}); err != nil {
		t.Fatal(err)
	}
	nothing(t, s, "encoder")
	wantStands(t, s, "K1 Cancelled "+NoteWithdrawn)
}

// What is under way goes on. If it comes back for another try, there is none,
// neither now nor after a power cut.
func TestWithdrawnWhileUnderWay(t *testing.T) {
	for _, cut := range []bool{false, true} {
		t.Run(fmt.Sprint("power cut ", cut), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.db")
			s := open(t, path)
			ask(t, s, asked("K1", "room:101"))
			c := next(t, s, "encoder")
			withdraw(t, s, "K1")
			wantStands(t, s, "K1 Processing")
			if !s.Withdrawn("pms", "K1") || s.Withdrawn("other", "K1") || s.Withdrawn("pms", "") {
				t.Error("whether it was withdrawn is not known")
			}
			if err := s.Retry(c, time.Now()); err != nil {
				t.Fatal(err)
			}
			if cut {
				if err := s.Memory("x").Save(nil); err != nil { // a commit behind it makes it durable
					t.Fatal(err)
				}
				crash(t, s)
				s = open(t, path)
				nothing(t, s, "encoder")
			} else {
				c = next(t, s, "encoder")
				if c.State != Cancelled || c.Note != NoteWithdrawn {
					t.Errorf("handed out once more: %s %s", c.State, c.Note)
				}
				if err := s.Settle(c, c.State); err != nil {
					t.Fatal(err)
				}
			}
			defer func() { s.Close() }()
			wantStands(t, s, "K1 Cancelled "+NoteWithdrawn)
		})
	}
}

// Thousands of old answers cost nothing when somebody looks for new ones.
func TestToldAsksAreNotReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	if err := s.db.Update(func(tx *bbolt.Tx) error { // as an older edgeagent left them
		for i := range 3000 {
			id := fmt.Sprint("old", i)
			if err := put(tx.Bucket(bucketAsks), pairKey("pms", id), Ask{Source: "pms", ID: id, At: time.Now(), Outcome: Processed, Told: true}); err != nil {
				return err
			}
		}
		return put(tx.Bucket(bucketAsks), pairKey("pms", "new"), Ask{Source: "pms", ID: "new", At: time.Now(), Outcome: Processed})
	}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	s = open(t, path)
	defer s.Close()
	wantStands(t, s, "new Processed")
	if n := kept(t, s, bucketAsks); n != 1 {
		t.Errorf("%d asks are read at each look, want 1", n)
	}
	ask(t, s, asked("old7", "room:101"))
	nothing(t, s, "encoder")
	asks, _, _ := s.Untold("pms")
	if err := s.Reported(asks[0]); err != nil {
		t.Fatal(err)
	}
	if read, told := kept(t, s, bucketAsks), kept(t, s, bucketTold); read != 0 || told != 3001 {
		t.Errorf("%d asks to read, %d told", read, told)
	}
	if err := s.Tick(time.Now().Add(15 * 24 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	if told := kept(t, s, bucketTold); told != 0 {
		t.Errorf("%d told asks are kept for ever", told)
	}
}

func kept(t testing.TB, s *Store, bucket []byte) (n int) {
	t.Helper()
	if err := s.db.View(func(tx *bbolt.Tx) error { n = tx.Bucket(bucket).Stats().KeyN; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func BenchmarkUntold(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "s.db"))
	defer s.Close()
	for i := range 5000 {
		c := asked(fmt.Sprint("K", i), "room:101")
		ask(b, s, c)
		ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
		c, err := s.Next(ctx, "encoder")
		cancel()
		if err != nil || s.Settle(c, Processed) != nil {
			b.Fatal(err)
		}
		asks, _, _ := s.Untold("pms")
		if err := s.Reported(asks[0]); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if _, _, err := s.Untold("pms"); err != nil {
			b.Fatal(err)
		}
	}
}
