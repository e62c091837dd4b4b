package offsetstore

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.etcd.io/bbolt"
)

func open(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(path, Options{Linger: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// crash drops the store as a power cut would: what no commit has made durable is gone.
func crash(t testing.TB, s *Store) {
	t.Helper()
	if err := s.db.Close(); err != nil {
		t.Fatal(err)
	}
	close(s.writes)
	<-s.closed
}

func job(id, subject string) Command {
	return Command{ID: id, Lane: "encoder", Subject: subject, Body: json.RawMessage(`{}`), Created: time.Now(), Due: time.Now()}
}

func setting(id, subject string) Command {
	c := job(id, subject)
	c.Lane, c.Setting = "tvs", true
	return c
}

func accept(t testing.TB, s *Store, offset string, commands ...Command) {
	t.Helper()
	if err := s.Accept(Batch{Source: "pms", Offset: offset, Commands: commands}); err != nil {
		t.Fatal(err)
	}
}

func next(t testing.TB, s *Store, lane string) Command {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := s.Next(ctx, lane)
	if err != nil {
		t.Fatalf("next on %s: %v", lane, err)
	}
	return c
}

// nothing checks that no command of the lane may run now.
func nothing(t testing.TB, s *Store, lane string) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if c, _ := s.lane(lane).take(time.Now(), true); c != nil {
		t.Fatalf("%s may run, want nothing", c.ID)
	}
}

func state(t testing.TB, s *Store, id string) Command {
	t.Helper()
	done, err := s.Done()
	if err != nil {
		t.Fatal(err)
	}
	openCommands, err := s.Open()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range append(done, openCommands...) {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("command %s is lost", id)
	return Command{}
}

func TestAcceptedSurvivesPowerCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	if err := s.Accept(Batch{
		Source: "pms", Offset: "17",
		Records:  map[string][]byte{"stay": []byte(`{"room":"101"}`)},
		Commands: []Command{job("n1/key/1", "room:101")},
	}); err != nil {
		t.Fatal(err)
	}
	key := string(s.Key())
	crash(t, s)

	s = open(t, path)
	defer s.Close()
	if offset, _ := s.Offset("pms"); offset != "17" {
		t.Errorf("offset %q, want 17", offset)
	}
	records := map[string]string{}
	err := s.Records(func(id string, v []byte) error { records[id] = string(v); return nil })
	if err != nil || len(records) != 1 || records["stay"] != `{"room":"101"}` {
		t.Errorf("records %v, %v", records, err)
	}
	if got := next(t, s, "encoder"); got.ID != "n1/key/1" {
		t.Errorf("next is %s", got.ID)
	}
	if string(s.Key()) != key {
		t.Error("the property's key changed")
	}
}

func TestJobIsMarkedBeforeItIsTried(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	accept(t, s, "1", job("n1/key/1", "room:101"), job("n1/key/2", "room:101"))
	next(t, s, "encoder")
	crash(t, s)

	s = open(t, path)
	defer s.Close()
	if c := state(t, s, "n1/key/1"); c.State != Error || !c.Unknown {
		t.Errorf("after a power cut in mid-card: %s, unknown %v; want Error, unknown", c.State, c.Unknown)
	}
	if c := next(t, s, "encoder"); c.ID != "n1/key/2" {
		t.Errorf("next is %s: a marked job was handed out again", c.ID)
	}
}

func TestSettingIsRepeatedAfterPowerCut(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	accept(t, s, "1", setting("n1/tv/1", "room:101"))
	next(t, s, "tvs")
	crash(t, s)

	s = open(t, path)
	defer s.Close()
	if c := next(t, s, "tvs"); c.ID != "n1/tv/1" {
		t.Errorf("next is %s", c.ID)
	}
}

func TestReplayedCommandIsTheSameCommand(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	accept(t, s, "1", job("n1/key/1", "room:101"))
	accept(t, s, "1", job("n1/key/1", "room:101")) // while open
	c := next(t, s, "encoder")
	if err := s.Settle(c, Processed); err != nil {
		t.Fatal(err)
	}
	accept(t, s, "1", job("n1/key/1", "room:101")) // when settled
	nothing(t, s, "encoder")
}

func TestNewerSettingReplacesUnsent(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	accept(t, s, "1", setting("old", "room:101"), setting("other", "room:102"))
	accept(t, s, "2", setting("new", "room:101"))
	if c := state(t, s, "old"); c.State != Cancelled {
		t.Errorf("the replaced setting is %s, want Cancelled", c.State)
	}
	if a, b := next(t, s, "tvs"), next(t, s, "tvs"); a.ID != "other" || b.ID != "new" {
		t.Errorf("handed out %s, %s; want other, new", a.ID, b.ID)
	}
	wanted, err := s.Wanted("tvs")
	if err != nil || len(wanted) != 2 || wanted[0].ID != "new" || wanted[1].ID != "other" {
		t.Errorf("wanted %v, %v", wanted, err)
	}
}

func TestNewerSettingOfTheSameBatchReplaces(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	accept(t, s, "1", setting("first", "room:101"), setting("second", "room:101"), setting("third", "room:101"))
	if c := next(t, s, "tvs"); c.ID != "third" {
		t.Errorf("next is %s, want third", c.ID)
	}
	nothing(t, s, "tvs")
}

func TestSettingUnderWayIsNotOvertaken(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	accept(t, s, "1", setting("old", "room:101"))
	running := next(t, s, "tvs")
	accept(t, s, "2", setting("new", "room:101"))
	nothing(t, s, "tvs") // the room has an older one under way
	if err := s.Retry(running, time.Now()); err != nil {
		t.Fatal(err)
	}
	if c := next(t, s, "tvs"); c.ID != "new" {
		t.Errorf("next is %s: a replaced setting was tried again", c.ID)
	}
}

func TestOrderIsKeptPerSubjectOnly(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	accept(t, s, "1", job("101a", "room:101"), job("101b", "room:101"), job("102", "room:102"))
	first := next(t, s, "encoder")
	if first.ID != "101a" {
		t.Fatalf("first is %s", first.ID)
	}
	if err := s.Retry(first, time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if c := next(t, s, "encoder"); c.ID != "102" {
		t.Errorf("second is %s: one room held up another", c.ID)
	}
	nothing(t, s, "encoder") // 101b must not overtake 101a
}

func TestExpiryWaitsForTrustworthyClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		trusted := false
		s, err := Open(filepath.Join(t.TempDir(), "store.db"), Options{Trusted: func() bool { return trusted }})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		late, free := job("late", "room:101"), job("free", "room:102")
		late.Deadline = time.Now().Add(-time.Minute)
		accept(t, s, "1", late, free)
		if c := next(t, s, "encoder"); c.ID != "free" {
			t.Fatalf("next is %s", c.ID)
		}
		if c := state(t, s, "late"); c.State != Pending {
			t.Fatalf("expired by a clock that nobody believes: %s", c.State)
		}
		trusted = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		expired, err := s.Next(ctx, "encoder")
		if err != nil || expired.ID != "late" || expired.State != Cancelled || expired.Tries != 0 {
			t.Fatalf("next is %+v, %v; want late, Cancelled", expired, err)
		}
		if err := s.Settle(expired, Cancelled); err != nil {
			t.Fatal(err)
		}
		if c := state(t, s, "late"); c.State != Cancelled {
			t.Errorf("%s %q", c.State, c.Note)
		}
	})
}

func TestHeldSettingsWaitForRelease(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	held := setting("held", "room:101")
	held.Source, held.Hold = "pms", time.Now().Add(time.Hour)
	accept(t, s, "1", held)
	nothing(t, s, "tvs")
	s.Release("another")
	nothing(t, s, "tvs")
	s.Release("pms")
	if c := next(t, s, "tvs"); c.ID != "held" {
		t.Errorf("next is %s", c.ID)
	}
}

func TestQuietNoticesAreNotWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	accept(t, s, "1", job("j", "room:101"))
	before := s.db.Stats()
	for i := range 500 {
		if err := s.Accept(Batch{Source: "pms", Offset: fmt.Sprint(i + 2), Quiet: 1}); err != nil {
			t.Fatal(err)
		}
	}
	after := s.db.Stats()
	if n := after.TxStats.GetWrite() - before.TxStats.GetWrite(); n != 0 {
		t.Errorf("%d writes for quiet notices", n)
	}
	if offset, _ := s.Offset("pms"); offset != "501" {
		t.Errorf("offset in memory %s", offset)
	}
	if err := s.Accept(Batch{Source: "pms", Offset: "1100", Quiet: 600}); err != nil { // past the bound
		t.Fatal(err)
	}
	crash(t, s)
	s = open(t, path)
	defer s.Close()
	if offset, _ := s.Offset("pms"); offset != "1100" {
		t.Errorf("offset after the flush %s, want 1100", offset)
	}
}

func TestCloseKeepsQuietOffset(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	if err := s.Accept(Batch{Source: "pms", Offset: "9", Quiet: 1, Unmapped: []Sample{{Name: "SPA BOOKING"}}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, path)
	defer s.Close()
	if offset, _ := s.Offset("pms"); offset != "9" {
		t.Errorf("offset %q", offset)
	}
	unmapped, err := s.Unmapped()
	if err != nil || len(unmapped) != 1 || unmapped[0].Count != 1 {
		t.Errorf("unmapped %v, %v", unmapped, err)
	}
}

func TestSecondProcessIsTold(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	defer s.Close()
	_, err := Open(path, Options{})
	want := path + " is in use: another edgeagent is running on it; stop that one first"
	if err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s := open(t, path)
	if err := s.db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put([]byte("format"), []byte{0, 0, 0, 9})
	}); err != nil {
		t.Fatal(err)
	}
	s.Close()
	_, err := Open(path, Options{})
	want := "open " + path + ": the file has format 9, this edgeagent knows up to 1: install the newer edgeagent again"
	if err == nil || err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestFailedWriteEndsTheStore(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	s.db.Close() // the disk is gone
	if err := s.Accept(Batch{Source: "pms", Offset: "1", Commands: []Command{job("j", "room:101")}}); err == nil {
		t.Fatal("accepted without a disk")
	}
	<-s.Failed()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := s.Next(ctx, "encoder"); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("next: %v, want the store's error", err)
	}
}

func TestAsks(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	one, two := job("a1", "room:101"), job("a2", "room:101")
	one.Ask, two.Ask, one.Source, two.Source = "A", "A", "pms", "pms"
	if err := s.Accept(Batch{
		Source: "pms", Offset: "1", Commands: []Command{one, two},
		Asks: []Ask{{Source: "pms", ID: "A", Note: "no rule"}, {Source: "pms", ID: "B", Note: "no rule"}},
	}); err != nil {
		t.Fatal(err)
	}
	ready := func() string {
		asks, _, err := unreported(s, "pms")
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, a := range asks {
			out = append(out, fmt.Sprintf("%s %s %s", a.ID, a.Outcome, a.Note))
		}
		return strings.Join(out, "; ")
	}
	if got := ready(); got != "B Error no rule" {
		t.Errorf("at first: %s", got)
	}
	c := next(t, s, "encoder")
	c.Note = "cut"
	s.Settle(c, Processed)
	if got := ready(); got != "B Error no rule" {
		t.Errorf("half done: %s", got)
	}
	c = next(t, s, "encoder")
	c.Note = "no card was presented"
	s.Settle(c, Error)
	if got := ready(); got != "A Error no card was presented; B Error no rule" {
		t.Errorf("done: %s", got)
	}
	asks, _, _ := unreported(s, "pms")
	for _, a := range asks {
		if err := s.Reported(a); err != nil {
			t.Fatal(err)
		}
	}
	if got := ready(); got != "" {
		t.Errorf("told, but still there: %s", got)
	}
}

func TestTickPrunes(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	accept(t, s, "1", job("old", "room:101"), job("open", "room:102"))
	s.Settle(next(t, s, "encoder"), Processed)
	if err := s.Tick(time.Now().Add(15 * 24 * time.Hour)); err != nil {
		t.Fatal(err)
	}
	done, _ := s.Done()
	left, _ := s.Open()
	if len(done) != 0 || len(left) != 1 {
		t.Errorf("%d settled, %d open; want 0, 1", len(done), len(left))
	}
	if s.Clock().Before(time.Now()) {
		t.Error("the time was not recorded")
	}
}

func TestQuarantineIsBounded(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	for i := range 130 {
		if err := s.Accept(Batch{Source: "pms", Offset: "1", Quarantine: []Sample{{Name: fmt.Sprint(i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	q, err := s.Quarantined()
	if err != nil || len(q) != maxQuarantine || q[0].Name != "30" {
		t.Errorf("%d kept from %s on, %v", len(q), q[0].Name, err)
	}
}

func TestUnwantedIsForgotten(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	defer s.Close()
	accept(t, s, "1", setting("a", "stay:1"), setting("b", "stay:2"), setting("c", "stay:3"))
	for range 3 { // what has not been done yet stays wanted
		settled(t, s, next(t, s, "tvs"))
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.Accept(Batch{Source: "pms", Unwanted: []string{"stay:1", "stay:3"}}); err != nil {
		t.Fatal(err)
	}
	wanted, err := s.Wanted("tvs")
	if err != nil || len(wanted) != 1 || wanted[0].Subject != "stay:2" {
		t.Errorf("wanted %v, %v", wanted, err)
	}
}

func TestOpenSaysWhatToDo(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	text := bytes.Repeat([]byte("this is no store\n"), 2000)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path, Options{})
	want := path + " is damaged or no store (invalid database): move it aside and start again; " +
		"what devices still had to do is lost, and rooms fill as the PMS speaks of them"
	if err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	for cause, want := range map[error]string{
		&os.PathError{Op: "write", Path: "s.db", Err: syscall.ENOSPC}: "s.db: no space is left on the device; free some and start again",
		&os.PathError{Op: "open", Path: "s.db", Err: syscall.EROFS}:   "s.db cannot be written: read-only file system; let this user write there, or name another store",
		&os.PathError{Op: "open", Path: "s.db", Err: syscall.EACCES}:  "s.db cannot be written: permission denied; let this user write there, or name another store",
	} {
		if got := openProblem("s.db", cause).Error(); got != want {
			t.Errorf("%v: %s, want %s", cause, got, want)
		}
	}
}

// unreported are the asks that are answered and not told.
func unreported(s *Store, source string) ([]Ask, <-chan struct{}, error) {
	asks, more, err := s.Untold(source)
	return slices.DeleteFunc(asks, func(a Ask) bool { return !a.State().Final() }), more, err
}
