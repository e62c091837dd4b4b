package offsetstore

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// A setting that was carried out must not be carried out again after a later
// job of its subject: "cancel the room's keys" would end the new key.
func TestSettingIsNotRepeatedAfterALaterJob(t *testing.T) {
	for _, ask := range []string{"", "c1"} {
		t.Run("ask"+ask, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "s.db")
			s := patient(t, path)
			accept(t, s, "1", setting("cancel", "room:101"))
			settled(t, s, next(t, s, "tvs"))
			j := job("encode", "room:101")
			j.Lane = "tvs"
			j.Ask, j.Source = ask, "pms"
			b := Batch{Source: "pms", Offset: "2", Commands: []Command{j}}
			if ask != "" {
				b.Asks = []Ask{{Source: "pms", ID: ask, At: time.Now()}}
			}
			if err := s.Accept(b); err != nil {
				t.Fatal(err)
			}
			settled(t, s, next(t, s, "tvs"))
			crash(t, s)
			s = patient(t, path)
			defer s.Close()
			open, _ := s.Open()
			for _, c := range open {
				t.Errorf("after the power cut %s waits again (%s)", c.ID, c.State)
			}
		})
	}
}

func TestAskOfReplacedSettingIsAnswered(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	c := setting("a", "room:101")
	c.Ask, c.Source = "c1", "pms"
	if err := s.Accept(Batch{Source: "pms", Offset: "1", Commands: []Command{c}, Asks: []Ask{{Source: "pms", ID: "c1", At: time.Now()}}}); err != nil {
		t.Fatal(err)
	}
	accept(t, s, "2", setting("b", "room:101"))
	settled(t, s, next(t, s, "tvs"))
	s.Flush()
	asks, _, _ := unreported(s, "pms")
	if len(asks) != 1 {
		t.Errorf("asks to report: %+v", asks)
	}
}

func TestAskOfSettingReplacedUnderWayIsAnswered(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	c := setting("a", "room:101")
	c.Ask, c.Source = "c1", "pms"
	if err := s.Accept(Batch{Source: "pms", Offset: "1", Commands: []Command{c}, Asks: []Ask{{Source: "pms", ID: "c1", At: time.Now()}}}); err != nil {
		t.Fatal(err)
	}
	a := next(t, s, "tvs")
	accept(t, s, "2", setting("b", "room:101"))
	settled(t, s, a)
	settled(t, s, next(t, s, "tvs"))
	s.Flush()
	asks, _, _ := unreported(s, "pms")
	if len(asks) != 1 {
		t.Errorf("asks to report: %+v", asks)
	}
}

func TestKnownOfSettingReplacedUnderWay(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	accept(t, s, "1", setting("ensure", "stay:1"))
	a := next(t, s, "tvs")
	accept(t, s, "2", setting("revoke", "stay:1"))
	a.Known = []byte(`{"values":{"code":"1"}}`)
	settled(t, s, a)
	s.Flush()
	s.Flush()
	accept(t, s, "3", setting("x", "stay:2"))
	known, _ := s.Known("tvs", "stay:1")
	if len(known) == 0 {
		t.Error("what the carried-out setting made is forgotten")
	}
}

func TestWantedIsNeverAnOlderOne(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	accept(t, s, "1", setting("old", "room:101"))
	settled(t, s, next(t, s, "tvs"))
	s.Flush()
	accept(t, s, "2", setting("n0", "room:101"))
	var stop atomic.Bool
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 1; i < 3000 && !stop.Load(); i++ {
			if err := s.Accept(Batch{Source: "pms", Offset: fmt.Sprint(i), Commands: []Command{setting(fmt.Sprint("n", i), "room:101")}}); err != nil {
				t.Error(err)
				return
			}
		}
		stop.Store(true)
	}()
	bad, looks := 0, 0
	for !stop.Load() {
		w, err := s.Wanted("tvs")
		if err != nil {
			t.Fatal(err)
		}
		looks++
		if len(w) != 1 || w[0].ID == "old" {
			bad++
		}
	}
	<-done
	if bad > 0 {
		t.Errorf("%d of %d looks saw a setting that was replaced long before", bad, looks)
	}
}

// Who looked into a lost outcome has acted when the next job of the subject is done.
func TestUnknownEndsWithALaterSuccess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s.db")
	s := open(t, path)
	accept(t, s, "1", job("lost", "room:101"), job("other", "room:102"))
	for range 2 {
		c := next(t, s, "encoder")
		c.Unknown = true
		if err := s.Settle(c, Error); err != nil {
			t.Fatal(err)
		}
	}
	accept(t, s, "2", job("again", "room:101"))
	if err := s.Settle(next(t, s, "encoder"), Processed); err != nil {
		t.Fatal(err)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	unknown, err := s.Unknown()
	if err != nil || len(unknown) != 1 || unknown[0].ID != "other" {
		t.Errorf("unknown %+v, %v; want other only", unknown, err)
	}
	s.Close()
}

// A device command that the PMS repeats under another notice is the same command.
func TestRepeatedAskIsNotCarriedOutTwice(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	for i, id := range []string{"n1/key", "n2/key"} {
		c := job(id, "room:101")
		c.Ask, c.Source = "K1", "pms"
		if err := s.Accept(Batch{Source: "pms", Offset: fmt.Sprint(i), Commands: []Command{c}, Asks: []Ask{{Source: "pms", ID: "K1"}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Settle(next(t, s, "encoder"), Processed); err != nil {
		t.Fatal(err)
	}
	nothing(t, s, "encoder")
	if asks, _, _ := unreported(s, "pms"); len(asks) != 1 || asks[0].Outcome != Processed {
		t.Errorf("asks %+v", asks)
	}
}

func TestUnmappedNameIsShownAtOnce(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "s.db"))
	defer s.Close()
	for range 2 {
		if err := s.Accept(Batch{Source: "pms", Offset: "1", Quiet: 1, Unmapped: []Sample{{Name: "SPA"}}}); err != nil {
			t.Fatal(err)
		}
	}
	if u, err := s.Unmapped(); err != nil || len(u) != 1 || u[0].Count != 2 {
		t.Errorf("unmapped %+v, %v", u, err)
	}
}

// In a replay the later word counts: no card is cut for who has left since.
func TestHeldJobIsOvertakenByASetting(t *testing.T) {
	for _, batches := range []int{1, 2} {
		t.Run(fmt.Sprint(batches, " batches"), func(t *testing.T) {
			s := open(t, filepath.Join(t.TempDir(), "s.db"))
			defer s.Close()
			encode, other, cancel := job("encode", "room:101"), job("other", "room:102"), setting("cancel", "room:101")
			encode.Hold, other.Hold, cancel.Hold = time.Now().Add(time.Hour), time.Now().Add(time.Hour), time.Now().Add(time.Hour)
			encode.Source, other.Source, cancel.Source, cancel.Lane = "pms", "pms", "pms", "encoder"
			if batches == 1 {
				accept(t, s, "1", encode, other, cancel)
			} else {
				accept(t, s, "1", encode, other)
				accept(t, s, "2", cancel)
			}
			if c := state(t, s, "encode"); c.State != Cancelled {
				t.Errorf("the card of who has left is %s", c.State)
			}
			s.Release("pms")
			a, b := next(t, s, "encoder"), next(t, s, "encoder")
			if a.ID+b.ID != "othercancel" && a.ID+b.ID != "cancelother" {
				t.Errorf("handed out %s, %s", a.ID, b.ID)
			}
			nothing(t, s, "encoder")
		})
	}
}
