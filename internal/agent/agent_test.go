package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
	"edgeagent/pms"
	"edgeagent/rules"
)

// source is a PMS of which a test decides what it says.
type source struct {
	name string
	feed chan []pms.Notice
	mu   sync.Mutex
	from []string // offsets it was asked to resume after
	told []pms.Answer
	when []time.Time // each was told
	fail int         // answers to refuse first
	// slow is how long the PMS takes for the answers of a command.
	slow map[string]time.Duration
}

func newSource(name string) *source { return &source{name: name, feed: make(chan []pms.Notice, 64)} }

func (s *source) String() string { return s.name }
func (s *source) Link() pms.Link { return pms.Link{State: pms.LinkLive} }

func (s *source) Notices(ctx context.Context, after string) iter.Seq2[[]pms.Notice, error] {
	s.mu.Lock()
	s.from = append(s.from, after)
	s.mu.Unlock()
	return func(yield func([]pms.Notice, error) bool) {
		for {
			select {
			case <-ctx.Done():
				return
			case notices := <-s.feed:
				if notices == nil {
					yield(nil, errors.New("the line was cut"))
					return
				}
				if !yield(notices, nil) {
					return
				}
			}
		}
	}
}

func (s *source) Acknowledge(ctx context.Context, a pms.Answer) error {
	s.mu.Lock()
	slow := s.slow[a.CommandID]
	s.mu.Unlock()
	if err := wait(ctx, slow); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail > 0 {
		s.fail--
		return errors.New("503")
	}
	s.told, s.when = append(s.told, a), append(s.when, time.Now())
	return nil
}

// answers are the outcomes that the PMS was told.
func (s *source) answers() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, a := range s.told {
		if a.State.Final() {
			out = append(out, fmt.Sprintf("%s %s %s", a.CommandID, a.State, a.Note))
		}
	}
	return out
}

// heard is all that the PMS was told of a command, in order.
func (s *source) heard(id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, a := range s.told {
		word := string(a.State)
		if a.State == pms.CommandProcessing {
			word += fmt.Sprintf(" %.2f", a.Progress)
		}
		if a.CommandID == id {
			out = append(out, word)
		}
	}
	return out
}

// machine is a device of which a test decides what it does.
type machine struct {
	name string
	mu   sync.Mutex
	done []drivers.Command
	do   func(ctx context.Context, c drivers.Command) (drivers.Receipt, error)
	once sync.Once
	// halted closes with Halt, if it is not nil.
	halted chan struct{}
}

func (m *machine) String() string              { return m.name }
func (m *machine) Probe(context.Context) error { return nil }
func (m *machine) State() drivers.State        { return drivers.State{Condition: drivers.Online} }

func (m *machine) Halt() error {
	m.once.Do(func() {
		if m.halted != nil {
			close(m.halted)
		}
	})
	return nil
}

func (m *machine) Do(ctx context.Context, c drivers.Command) (drivers.Receipt, error) {
	m.mu.Lock()
	m.done = append(m.done, c)
	do := m.do
	m.mu.Unlock()
	if do == nil {
		return drivers.Receipt{Note: "done"}, nil
	}
	return do(ctx, c)
}

// saw lists what it was told, as "action subject".
func (m *machine) saw() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := []string{}
	for _, c := range m.done {
		out = append(out, c.Action+" "+c.Subject)
	}
	return out
}

func (m *machine) behave(do func(ctx context.Context, c drivers.Command) (drivers.Receipt, error)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.do = do
}

func actions(kind string) []drivers.Action {
	room := drivers.Param{Name: "room", Type: drivers.Text, Required: true, Default: "${room}"}
	stay := drivers.Param{Name: "stay", Type: drivers.Text, Default: "${stay}"}
	minute := time.Minute
	switch kind {
	case "keycard":
		return []drivers.Action{
			{Name: "encode", Subject: "room:${room}", Limit: minute, Within: 10 * minute, Params: []drivers.Param{room, stay,
				{Name: "until", Type: drivers.Instant, Required: true, Default: "${departure}"},
				{Name: "key", Type: drivers.Text, Default: "new"}, {Name: "copies", Type: drivers.Integer, Default: "1"}}},
			{Name: "cancel_room", Setting: true, Ends: true, Subject: "room:${room}", Limit: minute, Within: 10 * minute, Params: []drivers.Param{room}},
		}
	case "iptv":
		return []drivers.Action{
			{Name: "welcome", Setting: true, Subject: "room:${room}", Limit: minute, Params: []drivers.Param{room, stay,
				{Name: "guests", Type: drivers.Guests, Default: "${guests}"}}},
			{Name: "clear", Setting: true, Ends: true, Subject: "room:${room}", Limit: minute, Params: []drivers.Param{room, stay}},
			{Name: "message", Subject: "message:${room}", Limit: minute, Within: 10 * minute, Params: []drivers.Param{room, stay,
				{Name: "title", Type: drivers.Text}, {Name: "body", Type: drivers.Text}}},
		}
	}
	return []drivers.Action{
		{Name: "ensure", Setting: true, Subject: "stay:${stay}", Limit: minute, Params: []drivers.Param{stay,
			{Name: "until", Type: drivers.Instant, Required: true, Default: "${departure}"}}},
		{Name: "revoke", Setting: true, Ends: true, Subject: "stay:${stay}", Limit: minute, Params: []drivers.Param{stay, {Name: "cut", Type: drivers.Flag, Default: "true"}}},
	}
}

// stage is a whole agent on fakes, with the table that ships.
type stage struct {
	t              *testing.T
	path           string
	store          *offsetstore.Store
	pms            *source
	desk, tvs, lan *machine
	agent          *Agent
	soft, hard     context.CancelFunc
	ended          chan error
	offset         int
}

func newStage(t *testing.T) *stage {
	s := &stage{
		t: t, path: filepath.Join(t.TempDir(), "store.db"), pms: newSource("pms"),
		desk: &machine{name: "desk1"}, tvs: &machine{name: "tvs"}, lan: &machine{name: "wifi"},
	}
	s.start()
	return s
}

func (s *stage) start() {
	s.t.Helper()
	clock := NewClock()
	store, err := offsetstore.Open(s.path, offsetstore.Options{Trusted: clock.Trusted})
	if err != nil {
		s.t.Fatal(err)
	}
	list, err := rules.Parse(rules.Default())
	if err != nil {
		s.t.Fatal(err)
	}
	table, problems := rules.Compile(list, []rules.Device{
		{Name: "desk1", Kind: "keycard", Actions: actions("keycard")},
		{Name: "tvs", Kind: "iptv", Actions: actions("iptv")},
		{Name: "wifi", Kind: "wifi", Actions: actions("wifi")},
	}, "desk1")
	if len(problems) > 0 {
		s.t.Fatal(problems)
	}
	s.store = store
	var stays []pms.Stay
	if err := store.Records(func(_ string, record []byte) error {
		var stay pms.Stay
		err := json.Unmarshal(record, &stay)
		stays = append(stays, stay)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	s.agent = New(Options{
		Store: store, Table: table, Clock: clock, Log: zerolog.Nop(), Sources: []pms.Source{s.pms},
		Ledger: pms.NewLedger(pms.FoldOptions{Key: store.Key(), Zone: time.UTC}, slices.Values(stays)),
		Devices: []Device{
			{Driver: s.desk, Kind: "keycard", Actions: actions("keycard"), Width: 1},
			{Driver: s.tvs, Kind: "iptv", Actions: actions("iptv"), Width: 4},
			{Driver: s.lan, Kind: "wifi", Actions: actions("wifi"), Width: 2},
		},
	})
	soft, cancelSoft := context.WithCancel(s.t.Context())
	hard, cancelHard := context.WithCancel(s.t.Context())
	s.soft, s.hard, s.ended = cancelSoft, cancelHard, make(chan error, 1)
	go func() { s.ended <- s.agent.Run(soft, hard) }()
	synctest.Wait()
}

// stop ends the agent in an orderly way.
func (s *stage) stop() {
	s.t.Helper()
	s.soft()
	if err := <-s.ended; err != nil {
		s.t.Errorf("run: %v", err)
	}
	if err := s.store.Close(); err != nil {
		s.t.Errorf("close: %v", err)
	}
}

// say lets the PMS say something and waits until everything has come to rest.
func (s *stage) say(notices ...pms.Notice) {
	for i := range notices {
		n := &notices[i]
		s.offset++
		n.Source, n.Offset, n.ID = "pms", fmt.Sprint(s.offset), fmt.Sprintf("pms/1/%d", s.offset)
		n.Received = time.Now()
		if n.NotBefore.IsZero() {
			n.NotBefore = time.Now()
		}
	}
	s.pms.feed <- notices
	s.rest()
}

// rest gives the lanes time; only the bubble's clock moves.
func (s *stage) rest() {
	time.Sleep(time.Second)
	synctest.Wait()
}

func checkIn(reservation, room, last string) pms.Notice {
	return pms.Notice{Kind: pms.KindCheckIn, Reservation: reservation, Fields: []pms.Field{
		{Name: pms.FieldRoom, New: room}, {Name: pms.FieldLastName, New: last},
		{Name: pms.FieldDeparture, New: time.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)},
	}}
}

func checkOut(reservation, room string) pms.Notice {
	return pms.Notice{Kind: pms.KindCheckOut, Reservation: reservation, Fields: []pms.Field{{Name: pms.FieldRoom, Old: room, New: room}}}
}

func (s *stage) want(what string, got, want []string) {
	s.t.Helper()
	if !slices.Equal(got, want) {
		s.t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func TestCheckInReachesEveryDevice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.say(checkIn("R1", "101", "Silva"))
		s.want("encoder", s.desk.saw(), []string{"encode room:101"})
		s.want("TV", s.tvs.saw(), []string{"welcome room:101"})
		if got := s.lan.saw(); len(got) != 1 || got[0][:7] != "ensure " {
			t.Errorf("WiFi: %q", got)
		}
	})
}

func TestReplayedCheckInMovesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		n := checkIn("R1", "101", "Silva")
		s.say(n)
		s.offset-- // the PMS sends the very same notice once more
		s.say(n)
		s.want("encoder", s.desk.saw(), []string{"encode room:101"})
		s.want("TV", s.tvs.saw(), []string{"welcome room:101"})
	})
}

// A backlog is folded: the lanes see how the house is today.
func TestBacklogIsFoldedBeforeAnythingMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		old := func(n pms.Notice, hours int) pms.Notice {
			n.Replayed, n.NotBefore = true, time.Now().Add(-time.Duration(hours)*time.Hour)
			return n
		}
		s.say(old(checkIn("R1", "101", "Uno"), 20))
		s.say(old(checkOut("R1", "101"), 10))
		s.say(old(checkIn("R2", "101", "Due"), 5))
		s.want("TV while catching up", s.tvs.saw(), []string{})
		s.pms.feed <- []pms.Notice{} // caught up
		s.rest()
		s.want("encoder", s.desk.saw(), []string{})
		s.want("TV", s.tvs.saw(), []string{"welcome room:101"})
		if name := s.tvs.done[0].Params["guests"]; name != `[{"last":"Due"}]` {
			t.Errorf("the TV greets %s", name)
		}
	})
}

func TestUnknownOutcomeIsNotTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, fmt.Errorf("%w: no result came", drivers.ErrUnknown)
		})
		s.say(checkIn("R1", "101", "Silva"))
		time.Sleep(time.Hour)
		s.want("encoder", s.desk.saw(), []string{"encode room:101"})
		v, err := s.agent.Look()
		if err != nil {
			t.Fatal(err)
		}
		if len(v.Conditions) != 1 || v.Conditions[0].Code != "outcome-unknown" || v.Conditions[0].About != "desk1, room:101" {
			t.Errorf("conditions %+v, want outcome-unknown", v.Conditions)
		}
	})
}

func TestDeviceAwayUsesUpNoTries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		back := time.Now().Add(5 * time.Minute)
		s.desk.behave(func(_ context.Context, c drivers.Command) (drivers.Receipt, error) {
			if time.Now().Before(back) {
				return drivers.Receipt{}, &drivers.LinkDown{Err: errors.New("no such adapter")}
			}
			if c.Try != 1 {
				t.Errorf("the try that counts is number %d", c.Try)
			}
			return drivers.Receipt{}, nil
		})
		s.say(checkIn("R1", "101", "Silva"))
		s.want("TV, meanwhile", s.tvs.saw(), []string{"welcome room:101"})
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		open, _ := s.store.Open()
		if len(open) != 0 {
			t.Errorf("%d commands still wait", len(open))
		}
	})
}

func TestKeyThatCameTooLateIsNotCut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{}, &drivers.LinkDown{Err: errors.New("no such adapter")}
		})
		s.say(checkIn("R1", "101", "Silva"))
		time.Sleep(11 * time.Minute)
		s.desk.behave(nil)
		n := len(s.desk.saw())
		time.Sleep(time.Hour)
		if len(s.desk.saw()) != n {
			t.Error("a key was cut an hour after the guest had gone to the room")
		}
		done, _ := s.store.Done()
		if i := slices.IndexFunc(done, func(c offsetstore.Command) bool { return c.Lane == "desk1" }); i < 0 || done[i].State != offsetstore.Cancelled {
			t.Errorf("settled: %+v", done)
		}
	})
}

func TestPanickingDriverStopsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) { panic("bug") })
		s.say(checkIn("R1", "101", "Silva"))
		s.say(checkIn("R2", "102", "Weber"))
		s.want("encoder", s.desk.saw(), []string{"encode room:101", "encode room:102"})
		s.want("TV", s.tvs.saw(), []string{"welcome room:101", "welcome room:102"})
	})
}

func TestDarkTVHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.tvs.behave(func(ctx context.Context, c drivers.Command) (drivers.Receipt, error) {
			if c.Subject == "room:101" {
				<-ctx.Done()
				return drivers.Receipt{}, ctx.Err()
			}
			return drivers.Receipt{}, nil
		})
		s.say(checkIn("R1", "101", "Silva"))
		s.say(checkIn("R2", "102", "Weber"))
		s.want("TV", s.tvs.saw(), []string{"welcome room:101", "welcome room:102"})
		s.want("encoder", s.desk.saw(), []string{"encode room:101", "encode room:102"})
		s.stop() // waits for the dark TV's own limit
	})
}

// SIGTERM in mid-card: the card is finished and its result is written.
func TestStopFinishesTheCardInTheEncoder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.desk.behave(func(ctx context.Context, _ drivers.Command) (drivers.Receipt, error) {
			select {
			case <-time.After(20 * time.Second): // the guest takes a while to find the card
				return drivers.Receipt{}, nil
			case <-ctx.Done():
				return drivers.Receipt{}, fmt.Errorf("%w: cut short", drivers.ErrUnknown)
			}
		})
		s.say(checkIn("R1", "101", "Silva"))
		s.stop()
		s.start()
		defer s.stop()
		done, _ := s.store.Done()
		for _, c := range done {
			if c.Lane == "desk1" && c.State != offsetstore.Processed {
				t.Errorf("the card is %s: %s", c.State, c.Note)
			}
		}
		if n := len(s.desk.saw()); n != 1 {
			t.Errorf("%d cards were cut", n)
		}
	})
}

// A second SIGTERM waits for no card: the driver is halted, and a person is told.
func TestSecondStopCutsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.desk.halted = make(chan struct{})
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			<-s.desk.halted // an encoder whose card has been accepted heeds nothing else
			return drivers.Receipt{}, fmt.Errorf("%w: stopped in mid-card", drivers.ErrUnknown)
		})
		s.say(checkIn("R1", "101", "Silva"))
		s.soft()
		s.rest()
		select {
		case err := <-s.ended:
			t.Fatalf("the first stop did not wait for the card: %v", err)
		default:
		}
		s.hard()
		s.stop()
		s.start()
		defer s.stop()
		s.rest()
		if n := len(s.desk.saw()); n != 1 {
			t.Errorf("%d cards were begun", n)
		}
		done, _ := s.store.Done()
		for _, c := range done {
			if c.Lane == "desk1" && (c.State != offsetstore.Error || !strings.Contains(c.Note, "stopped in mid-card")) {
				t.Errorf("the card is %s: %s", c.State, c.Note)
			}
		}
	})
}

func TestStreamIsResumedAfterTheLastAccepted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.say(checkIn("R1", "101", "Silva"))
		s.pms.feed <- nil // the line breaks
		s.rest()
		s.say(checkIn("R2", "102", "Weber"))
		s.stop()
		s.start()
		s.stop()
		s.want("asked to resume after", s.pms.from, []string{"", "1", "2"})
	})
}

// Every command of the PMS gets an answer, also one that no rule knows, and
// the answer is repeated until the PMS has it.
func TestEveryCommandIsAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.pms.fail = 2
		s.say(checkIn("R1", "101", "Silva"))
		s.desk.behave(func(context.Context, drivers.Command) (drivers.Receipt, error) {
			return drivers.Receipt{Note: "card cut"}, nil
		})
		s.say(pms.Notice{Kind: pms.KindKeyRequest, CommandID: "K1", Reservation: "R1", Fields: []pms.Field{
			{Name: pms.FieldRoom, New: "101"}, {Name: pms.FieldKey, New: "duplicate"}, {Name: pms.FieldCopies, New: "1"},
		}})
		s.say(pms.Notice{Kind: pms.KindUnknown, Name: "PRINT INVOICE", CommandID: "K2"})
		time.Sleep(time.Minute)
		got := s.pms.answers()
		slices.Sort(got)
		s.want("answers", got, []string{"K1 Processed card cut", "K2 Error no rule of this property answers such a command"})
	})
}

func TestUndecodableGoesToQuarantine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.say(pms.Notice{Kind: pms.KindUndecodable, Raw: []byte("{{{")})
		s.say(checkIn("R1", "101", "Silva"))
		s.want("TV", s.tvs.saw(), []string{"welcome room:101"})
		if q, _ := s.store.Quarantined(); len(q) != 1 || string(q[0].Raw) != "{{{" {
			t.Errorf("quarantine %v", q)
		}
	})
}

func TestUnmappedNamesAreShown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		s.say(pms.Notice{Kind: pms.KindUnknown, Name: "SPA / BOOKING", Unmapped: []string{"SPA / BOOKING"}})
		if err := s.store.Flush(); err != nil {
			t.Fatal(err)
		}
		v, _ := s.agent.Look()
		if len(v.Unmapped) == 0 || v.Unmapped[0].Name != "SPA / BOOKING" {
			t.Errorf("unmapped %v", v.Unmapped)
		}
	})
}

func TestStoreThatFailsEndsTheAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.store.Fail(errors.New("no space left on device"))
		if err := <-s.ended; err == nil || err.Error() != "store: no space left on device" {
			t.Errorf("run ended with %v", err)
		}
		s.hard()
		s.store.Close()
	})
}

func TestCommandsOfARemovedDeviceAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		err := s.store.Accept(offsetstore.Batch{
			Source: "pms", Offset: "1",
			Commands: []offsetstore.Command{{ID: "old", Lane: "gone", Subject: "room:101", Source: "pms", Ask: "k1", Created: time.Now(), Body: []byte(`{"action":"encode"}`)}},
			Asks:     []offsetstore.Ask{{Source: "pms", ID: "k1", At: time.Now()}},
		})
		if err != nil {
			t.Fatal(err)
		}
		s.stop()
		s.start() // the property file names another encoder now
		s.rest()
		s.want("answers", s.pms.answers(), []string{`k1 Error the property file has no device "gone" any more`})
	})
}

// A card in a pocket cannot be extended: the desk is told, also after a restart.
func TestKeyThatEndsTooSoonIsShownAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		s.say(checkIn("R1", "101", "Silva"))
		departure := time.Now().Add(72 * time.Hour).UTC().Format(time.RFC3339)
		extend := pms.Notice{Kind: pms.KindReservationUpdate, Reservation: "R1", Fields: []pms.Field{
			{Name: pms.FieldRoom, Old: "101", New: "101"}, {Name: pms.FieldDeparture, Old: "x", New: departure},
		}}
		s.say(extend)
		for round := range 2 {
			v, err := s.agent.Look()
			if err != nil {
				t.Fatal(err)
			}
			if len(v.Conditions) != 1 || v.Conditions[0].Code != "key-short" || v.Conditions[0].About != "101" {
				t.Errorf("round %d: conditions %+v, want key-short", round, v.Conditions)
			}
			s.stop()
			if round == 0 {
				s.start()
			}
		}
	})
}

// The same after a short break, whose news are young enough for a card.
func TestShortBacklogCutsNoCardForWhoHasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		defer s.stop()
		replayed := func(n pms.Notice) pms.Notice {
			n.Replayed, n.NotBefore = true, time.Now().Add(-time.Minute)
			return n
		}
		s.say(replayed(checkIn("R1", "101", "Uno")), replayed(checkIn("R2", "102", "Due")))
		s.say(replayed(checkOut("R1", "101")))
		s.want("encoder while catching up", s.desk.saw(), []string{})
		s.pms.feed <- []pms.Notice{} // caught up
		s.rest()
		s.want("encoder", s.desk.saw(), []string{"encode room:102", "cancel_room room:101"})
	})
}
