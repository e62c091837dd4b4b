package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeagent/drivers"
	"edgeagent/pms"
)

// cut is a device command for a key.
func cut(id, room string) pms.Notice {
	return pms.Notice{Kind: pms.KindKeyRequest, CommandID: id, Reservation: "R" + room, Expires: time.Now().Add(5 * time.Minute), Fields: []pms.Field{
		{Name: pms.FieldRoom, New: room}, {Name: pms.FieldCopies, New: "2"}, {Name: pms.FieldKey, New: "new"},
		{Name: pms.FieldDeparture, New: time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)},
	}}
}

// encoder takes its time, and says what it does.
func encoder(steps ...time.Duration) func(context.Context, drivers.Command) (drivers.Receipt, error) {
	return func(ctx context.Context, c drivers.Command) (drivers.Receipt, error) {
		c.Progress(drivers.StepSent)
		c.Progress(drivers.StepAccepted)
		for _, d := range steps {
			if wait(ctx, d) != nil {
				return drivers.Receipt{}, fmt.Errorf("given up: %w", context.Cause(ctx))
			}
			c.Progress(drivers.StepCardDone)
		}
		return drivers.Receipt{Note: "2 cards"}, nil
	}
}

// course is what the PMS heard of a command that was carried out: received, then
// ever further, about once a second, and then done.
func (s *stage) course(id string) []string {
	s.t.Helper()
	s.pms.mu.Lock()
	var far float64
	var last time.Time
	for i, a := range s.pms.told {
		if a.CommandID != id || a.State != pms.CommandProcessing {
			continue
		}
		if a.Progress < far || s.pms.when[i].Sub(last) < time.Second {
			s.t.Errorf("%s: progress %.2f after %.2f, %s later", id, a.Progress, far, s.pms.when[i].Sub(last))
		}
		far, last = a.Progress, s.pms.when[i]
	}
	s.pms.mu.Unlock()
	got := s.pms.heard(id)
	if n := len(got); n < 3 || got[0] != "Received" || got[n-1] != "Processed" {
		s.t.Errorf("%s: told %q", id, got)
		return got
	}
	for _, word := range got[1 : len(got)-1] {
		if !strings.HasPrefix(word, "Processing ") {
			s.t.Errorf("%s: told %q", id, got)
		}
	}
	return got
}

func TestCommandIsReceivedProcessedAndDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.desk.behave(encoder(5*time.Second, 5*time.Second))
		s.say(cut("K1", "101"))
		if got := s.pms.heard("K1"); len(got) < 2 || got[0] != "Received" || !strings.HasPrefix(got[1], "Processing 0.0") {
			t.Errorf("within a second: %q", got)
		}
		time.Sleep(20 * time.Second)
		got := s.course("K1")
		for _, word := range []string{"Processing 0.05", "Processing 0.50"} {
			if !slices.Contains(got, word) {
				t.Errorf("%q lacks %s", got, word)
			}
		}
		s.want("answers", s.pms.answers(), []string{"K1 Processed 2 cards"})
	})
}

// Nine cards within a second are no nine calls.
func TestProgressIsToldOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		tenth := 100 * time.Millisecond
		s.desk.behave(encoder(tenth, tenth, tenth, tenth, tenth, tenth, tenth, tenth, 1500*time.Millisecond))
		n := cut("K1", "101")
		n.Fields[1].New = "9"
		s.say(n)
		time.Sleep(time.Minute)
		if got := s.course("K1"); !slices.Contains(got, "Processing 0.89") || len(got) > 6 {
			t.Errorf("told %q", got)
		}
	})
}

// A PMS that takes a minute for one answer hears at once of the next command.
func TestSlowAnswerDelaysNoOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.desk.behave(encoder(time.Minute))
		s.pms.slow = map[string]time.Duration{"K1": 50 * time.Second}
		s.say(cut("K1", "101"))
		s.say(cut("K2", "102"))
		s.want("first", s.pms.heard("K1"), nil)
		s.want("second", s.pms.heard("K2"), []string{"Received"})
		time.Sleep(5 * time.Minute)
		s.course("K1")
	})
}

// What nobody waits for any more is not done, and the desk reads why.
func TestExpiredCommand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		time.Sleep(time.Until(time.Date(2000, 1, 1, 9, 0, 0, 0, time.UTC)))
		s.agent.clock.trusted.Store(true) // the bubble lives long ago
		late := cut("K0", "100")
		late.Expires = time.Now().Add(-time.Second)
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			time.Sleep(10 * time.Minute) // a card that nobody presents, whatever the limit
			return drivers.Receipt{}, nil
		})
		s.say(cut("K1", "101"), cut("K2", "102"), late)
		s.want("late", s.pms.answers(), []string{"K0 Cancelled not carried out: it came after 08:59, when nobody waited for it any more; ask again"})
		time.Sleep(time.Hour)
		got := s.pms.answers()[1:]
		slices.Sort(got)
		s.want("waited", got, []string{"K1 Processed ", "K2 Cancelled not carried out: desk1 was not free before 09:05; ask again"})
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, &drivers.LinkDown{Err: errors.New("no such adapter")}
		})
		s.say(cut("K3", "103"))
		time.Sleep(time.Hour)
		s.want("tried", s.pms.answers()[3:], []string{"K3 Cancelled not carried out before 10:05: no such adapter; ask again"})
		for _, did := range s.desk.saw() {
			if did == "encode room:102" || did == "encode room:100" {
				t.Error(did)
			}
		}
	})
}

// The rule's own limit counts where it is shorter than what the PMS gives, and
// what no command of the PMS stands behind is not asked for again.
func TestExpiryOfTheRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.agent.clock.trusted.Store(true)
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, &drivers.LinkDown{Err: errors.New("no such adapter")}
		})
		n := cut("K1", "101")
		n.Expires = time.Now().Add(time.Hour)
		s.say(n)
		s.say(checkIn("R2", "102", "Silva"))
		time.Sleep(20 * time.Minute)
		s.want("answers", s.pms.answers(), []string{"K1 Cancelled not carried out before 00:10: no such adapter; ask again"})
		done, _ := s.store.Done()
		for _, c := range done {
			if c.Ask == "" && c.Lane == "desk1" && c.Note != "not carried out before 00:10: no such adapter" {
				t.Error(c.Note)
			}
		}
	})
}

func TestRefusedCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		refuse := cut("K1", "101")
		refuse.Refuse = "this gateway drives no printers"
		gone := cut("K2", "101")
		gone.Refuse, gone.RefuseAs = "the reservation has ended", pms.CommandCancelled
		old := cut("K4", "104")
		old.NotBefore = time.Now().Add(-time.Hour)
		s.say(refuse, gone, pms.Notice{Kind: pms.KindDeviceCommand, CommandID: "K3"}, old)
		got := s.pms.answers()
		slices.Sort(got)
		s.want("answers", got, []string{
			"K1 Error this gateway drives no printers", "K2 Cancelled the reservation has ended",
			"K3 Error no rule of this property answers such a command", "K4 Error not carried out: it is too old; ask again",
		})
		s.want("words", s.pms.heard("K1"), []string{"Error"})
		s.want("encoder", s.desk.saw(), []string{})
	})
}

func TestCommandToldTwiceIsCarriedOutOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.say(cut("K1", "101"), cut("K1", "101"))
		s.say(cut("K1", "101"))
		time.Sleep(time.Minute)
		s.want("encoder", s.desk.saw(), []string{"encode room:101"})
		s.want("answers", s.pms.answers(), []string{"K1 Processed done"})
	})
}

// The process dies between marking and answering: the outcome is unknown, no
// card is cut again, and the PMS is told once.
func TestOutcomeLostWithTheProcessIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dead := newStage(t)
		dead.desk.behave(encoder(time.Minute))
		dead.say(cut("K1", "101"))
		file, err := os.ReadFile(dead.path)
		if err != nil {
			t.Fatal(err)
		}
		s := &stage{t: t, path: filepath.Join(t.TempDir(), "store.db"), pms: newSource("pms"), desk: &machine{name: "desk1"}, tvs: &machine{name: "tvs"}, lan: &machine{name: "wifi"}}
		if err := os.WriteFile(s.path, file, 0o600); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			s.start()
			s.rest()
			s.stop()
		}
		s.want("told", s.pms.heard("K1"), []string{"Error"})
		s.want("encoder", s.desk.saw(), []string{})
		dead.stop()
	})
}

// After a restart the PMS hears how a command stands now, not how it began.
func TestReceivedIsNotToldAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, &drivers.RetryAfter{Wait: time.Minute, Err: errors.New("busy")}
		})
		s.say(cut("K1", "101"))
		s.want("first", s.pms.heard("K1"), []string{"Received", "Processing 0.00"})
		s.stop()
		s.desk.behave(nil)
		s.start()
		defer s.stop()
		time.Sleep(2 * time.Minute)
		s.want("all", s.pms.heard("K1"), []string{"Received", "Processing 0.00", "Processing 0.00", "Processed"})
	})
}

// Only the outcome must arrive. Until it has, a person is told.
func TestOutcomeIsToldUntilThePMSHasIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.pms.fail = 6
		s.desk.behave(encoder(3*time.Second, 3*time.Second))
		s.say(cut("K1", "101"))
		look := func() (LinkView, []Condition) {
			v, err := s.agent.Look()
			if err != nil {
				t.Fatal(err)
			}
			return v.Links[0], v.Conditions
		}
		link, _ := look()
		began := time.Now().Add(-time.Second)
		if diff := cmp.Diff([]AskView{{ID: "K1", State: pms.CommandProcessing, Progress: 0.05, Since: began, Problem: "503"}}, link.Commands); diff != "" {
			t.Error(diff)
		}
		s.pms.mu.Lock()
		s.pms.fail = 1000
		s.pms.mu.Unlock()
		time.Sleep(6 * time.Minute)
		link, conditions := look()
		if diff := cmp.Diff([]AskView{{ID: "K1", State: pms.CommandProcessed, Note: "2 cards", Since: began, Settled: began.Add(6 * time.Second), Problem: "503"}}, link.Commands); diff != "" {
			t.Error(diff)
		}
		if len(conditions) != 1 || conditions[0].Code != "answer-waiting" || conditions[0].About != "pms" ||
			conditions[0].Text != "the PMS has not taken the outcome of a device command: 503" ||
			conditions[0].Do != "see in the PMS which commands are still open; they are answered as soon as it takes the answers" {
			t.Errorf("conditions %+v", conditions)
		}
		s.pms.mu.Lock()
		s.pms.fail = 0
		s.pms.mu.Unlock()
		time.Sleep(6 * time.Minute)
		s.want("told", s.pms.heard("K1"), []string{"Processed"})
		if link, conditions = look(); len(link.Commands)+len(conditions) > 0 {
			t.Errorf("%+v, %+v", link.Commands, conditions)
		}
	})
}

func TestUnansweredCommandsInWords(t *testing.T) {
	now := time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)
	text, since := unanswered([]AskView{
		{State: pms.CommandProcessed, Settled: now}, {State: pms.CommandReceived, Since: now.Add(-time.Hour)},
		{State: pms.CommandError, Settled: now.Add(-time.Minute), Problem: "429"},
	})
	if text != "the PMS has not taken the outcomes of 2 device commands: 429" || !since.Equal(now.Add(-time.Minute)) {
		t.Error(text, since)
	}
}

// What has been told is forgotten with what comes next.
func TestReporterKeepsNothingOfOldCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		for i := range 20 {
			s.say(cut(fmt.Sprint("K", i), fmt.Sprint(100+i)))
		}
		r := s.agent.reporters["pms"]
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(s.pms.answers()) != 20 || len(r.open) > 1 {
			t.Errorf("%d answers, %d commands kept", len(s.pms.answers()), len(r.open))
		}
	})
}
