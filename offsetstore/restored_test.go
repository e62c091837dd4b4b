package offsetstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// backedUp is the path of a copy of the store, as a backup of that moment has it.
func backedUp(t testing.TB, s *Store) string {
	t.Helper()
	var copied bytes.Buffer
	var said int64
	err := s.Snapshot(func(size int64) (io.Writer, error) { said = size; return &copied, nil })
	if err != nil || said != int64(copied.Len()) {
		t.Fatalf("%d bytes, announced %d, %v", copied.Len(), said, err)
	}
	path := filepath.Join(t.TempDir(), "restored.db")
	if err := os.WriteFile(path, copied.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func restore(t testing.TB, path string) *Store {
	t.Helper()
	if err := MarkRestored(path, time.Now().Add(-time.Hour), time.Now()); err != nil {
		t.Fatal(err)
	}
	return open(t, path)
}

// A card that was waiting when the backup was taken has been cut since, or not:
// nobody knows, and it is not cut again. What may be done again is.
func TestRestoredStoreDoubtsWhatWasOpen(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	late := setting("cancel", "room:104") // repeatable, but it can come too late
	late.Deadline = time.Now().Add(time.Hour)
	card := job("card", "room:101")
	card.Ask, card.Source = "c1", "pms"
	greeting := setting("welcome", "room:102")
	greeting.Source = "pms"
	if err := s.Accept(Batch{Source: "pms", Offset: "7", Commands: []Command{card, greeting, late, job("two", "room:103")},
		Asks: []Ask{{Source: "pms", ID: "c1", At: time.Now()}}}); err != nil {
		t.Fatal(err)
	}
	if c := next(t, s, "encoder"); c.ID != "card" {
		t.Fatalf("first is %s", c.ID)
	}
	path := backedUp(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	for round := range 2 { // the second start of the restored gateway is like the first
		if round == 0 {
			s = restore(t, path)
		} else {
			s = open(t, path)
		}
		for _, id := range []string{"card", "two", "cancel"} {
			if c := state(t, s, id); c.State != Error || !c.Unknown || c.Note != NoteRestored {
				t.Errorf("%s is %s (unknown %t), %q", id, c.State, c.Unknown, c.Note)
			}
		}
		nothing(t, s, "encoder")
		nothing(t, s, "tvs") // its guest may have left
		if unknown, err := s.Unknown(); err != nil || len(unknown) != 3 {
			t.Errorf("%d unknown, %v", len(unknown), err)
		}
		if asks, _, err := s.Untold("pms"); err != nil || len(asks) != 1 || asks[0].State() != Error || asks[0].Note != NoteRestored {
			t.Errorf("the PMS is told %+v, %v", asks, err)
		}
		if offset, err := s.Offset("pms"); offset != "7" || err != nil {
			t.Errorf("offset %q, %v", offset, err)
		}
		if round == 0 {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	defer s.Close()
	s.Release("pms")
	if c := next(t, s, "tvs"); c.ID != "welcome" {
		t.Errorf("after the PMS has caught up %s runs", c.ID)
	}
}

// What a source tells is in doubt until it has caught up, and what happened before
// the restored gateway was started is for ever.
func TestDoubtful(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	if s.Doubtful("pms", time.Now().Add(-time.Hour), true) || s.Behind("pms") {
		t.Error("a store that was never restored doubts")
	}
	path := backedUp(t, s)
	s.Close()
	s = restore(t, path)
	taken, since := s.Restored()
	if taken.IsZero() || since.IsZero() {
		t.Fatalf("restored %v, opened %v", taken, since)
	}
	type row struct {
		name     string
		at       time.Time
		replayed bool
		want     bool
	}
	check := func(when string, rows ...row) {
		t.Helper()
		for _, r := range rows {
			if got := s.Doubtful("pms", r.at, r.replayed); got != r.want {
				t.Errorf("%s, %s: doubtful %t", when, r.name, got)
			}
		}
	}
	before, after := since.Add(-time.Second), since.Add(time.Second)
	check("behind",
		row{"replayed", before, true, true},
		row{"replayed by a PMS whose clock is ahead", after, true, true},
		row{"replayed, nobody knows of when", time.Time{}, true, true},
		row{"asked for before the start", before, false, true},
		row{"asked for now", after, false, false},
		row{"now, nobody knows of when", time.Time{}, false, false})
	s.Release("other")
	if !s.Behind("pms") || s.Behind("other") {
		t.Errorf("behind %t, %t", s.Behind("pms"), s.Behind("other"))
	}
	s.Release("pms")
	s.Close() // writes what waits for company
	s = open(t, path)
	defer s.Close()
	if s.Behind("pms") {
		t.Error("behind again after a restart")
	}
	check("caught up",
		row{"replayed of before", before, true, true},
		row{"replayed of a later break", after, true, false},
		row{"replayed, nobody knows of when", time.Time{}, true, true},
		row{"asked for before the start", before, false, true},
		row{"asked for now", after, false, false})
}

// Devices have seen the numbers of the time between backup and restore: locks of
// our own refuse a key with an older one.
func TestRestoredNumbersGoOn(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	path := backedUp(t, s)
	accept(t, s, "1", job("since", "room:101"))
	seen := state(t, s, "since").Seq
	s.Close()
	s = restore(t, path)
	defer s.Close()
	accept(t, s, "1", job("now", "room:101"))
	if got := state(t, s, "now").Seq; got <= seen {
		t.Errorf("the number %d of a restored store is not above %d", got, seen)
	}
}

// A command that is entered as unknown is carried out by nobody, answers its ask,
// and waits for a person.
func TestAcceptUnknown(t *testing.T) {
	for _, waits := range []bool{false, true} { // for the device, or the device for it
		s := open(t, filepath.Join(t.TempDir(), "store.db"))
		if waits {
			s.mu.Lock()
			l := s.lane("encoder")
			l.waiting = append(l.waiting, &waiter{handed: make(chan Command, 1)})
			s.mu.Unlock()
		}
		c := job("card", "room:101")
		c.Ask, c.Source, c.Unknown, c.Note = "c1", "pms", true, NoteRestored
		b := Batch{Source: "pms", Offset: "1", Commands: []Command{c}, Asks: []Ask{{Source: "pms", ID: "c1", At: time.Now(), Note: "no rule"}}}
		for range 2 { // told once more it is the same
			if err := s.Accept(b); err != nil {
				t.Fatal(err)
			}
		}
		nothing(t, s, "encoder")
		if unknown, err := s.Unknown(); err != nil || len(unknown) != 1 || unknown[0].Note != NoteRestored || len(unknown[0].Body) == 0 {
			t.Errorf("unknown %+v, %v", unknown, err)
		}
		if asks, _, err := s.Untold("pms"); err != nil || len(asks) != 1 || asks[0].State() != Error || asks[0].Note != NoteRestored {
			t.Errorf("the PMS is told %+v, %v", asks, err)
		}
		if open, err := s.Open(); len(open) != 0 || err != nil {
			t.Errorf("%d wait, %v", len(open), err)
		}
		s.Close()
	}
}

func TestMarkRestoredRefuses(t *testing.T) {
	path := one(t)
	db := file(t, path)
	if err := db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucketMeta).Put([]byte("format"), binary.BigEndian.AppendUint32(nil, Format+1))
	}); err != nil {
		t.Fatal(err)
	}
	busy := path + " is in use: another edgeagent is running on it; stop that one first"
	if err := MarkRestored(path, time.Now(), time.Now()); err == nil || err.Error() != busy {
		t.Errorf("in use: %v, want %q", err, busy)
	}
	none := func(int64) (io.Writer, error) { return nil, errors.New("not to be read") }
	if err := SnapshotFile(path, none); err == nil || err.Error() != busy {
		t.Errorf("in use: %v, want %q", err, busy)
	}
	db.Close()
	want := "open " + path + ": the file has format 2, this edgeagent knows up to 1: install the newer edgeagent again"
	if err := MarkRestored(path, time.Now(), time.Now()); err == nil || err.Error() != want {
		t.Errorf("newer: %v, want %q", err, want)
	}
	empty := filepath.Join(t.TempDir(), "empty.db")
	want = "open " + empty + ": it is no store of edgeagent"
	if err := MarkRestored(empty, time.Now(), time.Now()); err == nil || err.Error() != want {
		t.Errorf("empty: %v, want %q", err, want)
	}
}

// A file that nobody has open is copied as it is, and not changed.
func TestSnapshotFile(t *testing.T) {
	path := one(t)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "copy.db")
	f, err := os.Create(copied)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(SnapshotFile(path, func(int64) (io.Writer, error) { return f, nil }), f.Close()); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the file was changed, %v", err)
	}
	s := open(t, copied)
	defer s.Close()
	if offset, err := s.Offset("pms"); offset != "7" || err != nil {
		t.Errorf("offset %q of the copy, %v", offset, err)
	}
}

// What was found not to be done before the backup may have been done since.
func TestRestoredStoreDoubtsWhatWasNotDone(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "store.db"))
	accept(t, s, "1", job("card", "room:101"))
	c := next(t, s, "encoder")
	c.Unknown = true
	if err := errors.Join(s.Settle(c, Error), s.Resolve("card", "it was not", nil)); err != nil {
		t.Fatal(err)
	}
	if notDone, err := s.NotDone(); err != nil || len(notDone) != 1 || len(notDone[0].Body) == 0 {
		t.Errorf("%+v %v", notDone, err)
	}
	path := backedUp(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if i == 0 {
			s = restore(t, path)
		} else {
			s = open(t, path) // which doubts nothing anew
		}
		unknown, err := s.Unknown()
		notDone, err2 := s.NotDone()
		if errors.Join(err, err2) != nil || len(unknown) != 1-i || len(notDone) != i {
			t.Errorf("%+v, %+v, %v", unknown, notDone, err)
		}
		if i == 0 {
			if err := errors.Join(s.Resolve("card", "it was not", nil), s.Close()); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Close()
}
