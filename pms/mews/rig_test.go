package mews

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

// patience ends a test that would hang; nothing is expected to take that long.
const patience = 2 * time.Minute

// hotel is the simulated property that most tests use.
type hotel struct {
	stay, parking        string            // services
	double, bunks, spots string            // categories
	room                 map[string]string // by name: 101 to 106, the dorm D1, its beds D1-1 and D1-2, the spot P1
	cutter               string            // device
}

// rig is a source on a simulated Mews, and what an agent would make of it.
type rig struct {
	t     *testing.T
	sim   *mewssim.Server
	hotel hotel
	cfg   Config
	deps  Deps
	log   lockedBuffer
	// tolerated are the breaches that belong to the test.
	tolerated []string

	mu      sync.Mutex
	changed chan struct{} // closed and replaced at each batch
	secrets map[string]string
	notices []pms.Notice
	batches int
	caught  int // empty batches
	offset  string
	ledger  *pms.Ledger
	events  []pms.Event
	// noLedger leaves the folding out, where a test has more guests than rooms.
	noLedger bool
	// halt, if set, is asked before a batch is committed; true ends the reader there.
	halt func([]pms.Notice) bool
	err  error

	src  *Source
	stop func()
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// quick are waits for a machine that is never slow on purpose. Polls do not
// fall due while the socket is open, unless a test wants them to.
func quick() Waits {
	return Waits{
		BackoffMin: 5 * time.Millisecond, BackoffMax: 40 * time.Millisecond, Stable: time.Hour,
		Refused: 30 * time.Millisecond, RefusedMax: 60 * time.Millisecond,
		Handshake: 10 * time.Second, Quick: 10 * time.Second, Bulk: 20 * time.Second,
		Ping: 10 * time.Second, Dead: 30 * time.Second, Gather: 5 * time.Millisecond, Lag: 20 * time.Millisecond, Overlap: 3 * time.Second,
		Commands: time.Hour, CommandsDown: 30 * time.Millisecond, Stays: time.Hour, StaysDown: 30 * time.Millisecond,
		Rooms: time.Hour, RoomsDown: 30 * time.Millisecond, Guests: time.Hour, GuestsDown: 30 * time.Millisecond,
		House: time.Hour, ClockTolerance: time.Minute,
	}
}

func newRig(t *testing.T, options ...func(*rig)) *rig {
	t.Helper()
	sim, err := mewssim.Start(mewssim.Options{})
	if err != nil {
		t.Fatal(err)
	}
	budapest, err := time.LoadLocation("Europe/Budapest")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{
		t: t, sim: sim, changed: make(chan struct{}), secrets: map[string]string{"client": sim.ClientToken(), "access": sim.AccessToken()},
		cfg: Config{
			PlatformURL: sim.PlatformURL(), SocketURL: sim.SocketURL(), ClientTokenFile: "client", AccessTokenFile: "access",
			Devices: []Cutter{{Mews: "Front desk", Device: "lobby"}}, ReconnectAt: never, Waits: quick(),
			Budget: 9000, // polls are some hundred times as often as in a hotel
		},
		ledger: pms.NewLedger(pms.FoldOptions{Zone: budapest, Key: []byte("k")}, nil),
	}
	r.deps = Deps{Zone: budapest, Version: "9.9", Secret: r.secret, InHouse: r.inHouse, Now: time.Now,
		Log: zerolog.New(&r.log).Level(zerolog.DebugLevel)}
	r.hotel = furnish(t, sim)
	sim.Change(func(f *mewssim.Faults) { f.Limit.Requests = 9000 })
	for _, o := range options {
		o(r)
	}
	t.Cleanup(func() {
		if r.stop != nil {
			r.stop()
		}
		for _, v := range sim.Violations() {
			if !slices.Contains(r.tolerated, v.Rule) {
				t.Errorf("breach of the contract: %s", v)
			}
		}
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			text := r.log.String()
			t.Logf("link %+v\nlog:\n%s", r.src.Link(), text[max(0, len(text)-4000):])
		}
	})
	r.make()
	return r
}

func tolerate(rules ...string) func(*rig) { return func(r *rig) { r.tolerated = rules } }

func waits(change func(*Waits)) func(*rig) { return func(r *rig) { change(&r.cfg.Waits) } }

func config(change func(*Config)) func(*rig) { return func(r *rig) { change(&r.cfg) } }

func furnish(t *testing.T, sim *mewssim.Server) hotel {
	h := hotel{room: map[string]string{}}
	h.stay, h.parking = sim.AddService("Stay"), sim.AddService("Parking")
	sim.AddProductService("Restaurant")
	h.double, h.bunks = must(sim.AddCategory(h.stay, "Room", "Double"))(t), must(sim.AddCategory(h.stay, "Bed", "Bunk"))(t)
	dorm := must(sim.AddCategory(h.stay, "Dorm", "Dorm"))(t)
	h.spots = must(sim.AddCategory(h.parking, "ParkingSpot", "Spot"))(t)
	for _, name := range []string{"101", "102", "103", "104", "105", "106"} {
		h.room[name] = must(sim.AddRoom(name, h.double, "1", ""))(t)
	}
	h.room["D1"] = must(sim.AddRoom("D1", dorm, "2", ""))(t)
	for _, name := range []string{"D1-1", "D1-2"} {
		h.room[name] = must(sim.AddRoom(name, h.bunks, "2", h.room["D1"]))(t)
	}
	h.room["P1"] = must(sim.AddRoom("P1", h.spots, "0", ""))(t)
	h.cutter = sim.AddDevice(mewssim.KeyCutter, "Front desk", "enc-1")
	check(t, sim.Link(h.cutter))
	return h
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		check(t, err)
		return value
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) secret(file string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if text, ok := r.secrets[file]; ok {
		return text, nil
	}
	return "", errors.New("no file " + file)
}

func (r *rig) setSecret(file, text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.secrets[file] = text
}

func (r *rig) inHouse() (list []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for s := range r.ledger.InHouse() {
		list = append(list, s.Reservation)
	}
	return list
}

// make makes the source anew, as a restart of the agent does.
func (r *rig) make() {
	r.t.Helper()
	src, err := New("pms", r.cfg, r.deps)
	check(r.t, err)
	r.src = src
}

// run reads notices from the stored offset on.
func (r *rig) run() *rig {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	r.mu.Lock()
	after := r.offset
	r.mu.Unlock()
	go func() {
		defer close(done)
		for batch, err := range r.src.Notices(ctx, after) {
			if !r.take(batch, err) {
				return
			}
		}
	}()
	r.stop = sync.OnceFunc(func() { cancel(); <-done })
	return r
}

// take folds and commits a batch as the agent does.
func (r *rig) take(batch []pms.Notice, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer func() { close(r.changed); r.changed = make(chan struct{}) }()
	if r.halt != nil && r.halt(batch) {
		return false
	}
	r.batches++
	if r.err = err; err != nil {
		return true
	}
	if len(batch) == 0 {
		r.caught++
	}
	for _, n := range batch {
		r.notices = append(r.notices, n)
		r.offset = n.Offset
		if r.noLedger {
			continue
		}
		change := r.ledger.Fold(n, r.deps.Now())
		r.ledger.Apply(change)
		r.events = append(r.events, change.Events...)
	}
	return true
}

// restart ends the source and goes on with a new one from the stored offset.
func (r *rig) restart() {
	r.stop()
	r.make()
	r.run()
}

// wait returns once cond holds. It is asked at each batch, and every few
// milliseconds for what makes no batch.
func (r *rig) wait(what string, cond func() bool) {
	r.t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		if cond() {
			return
		}
		select {
		case <-changed:
		case <-tick.C:
		case <-timeout.C:
			r.t.Fatalf("no %s", what)
		}
	}
}

func (r *rig) live() *rig {
	r.t.Helper()
	r.wait("live link", func() bool {
		return r.src.Link().State == pms.LinkLive && r.count(func(pms.Notice) bool { return true }) >= 0
	})
	return r
}

// count is how many notices fit.
func (r *rig) count(fits func(pms.Notice) bool) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.notices {
		if fits(one) {
			n++
		}
	}
	return n
}

// all are the notices so far, place is the offset stored.
func (r *rig) all() []pms.Notice {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.notices)
}

func (r *rig) place() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.offset
}

// setPlace changes the offset that the next run begins at.
func (r *rig) setPlace(offset string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offset = offset
}

func kind(k pms.Kind) func(pms.Notice) bool { return func(n pms.Notice) bool { return n.Kind == k } }

func ofCommand(id string) func(pms.Notice) bool {
	return func(n pms.Notice) bool { return n.CommandID == id }
}

// last is the newest notice that fits.
func (r *rig) last(fits func(pms.Notice) bool) (pms.Notice, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range slices.Backward(r.notices) {
		if fits(n) {
			return n, true
		}
	}
	return pms.Notice{}, false
}

func (r *rig) await(what string, fits func(pms.Notice) bool) (n pms.Notice) {
	r.t.Helper()
	r.wait(what, func() (ok bool) { n, ok = r.last(fits); return ok })
	return n
}

// told are the events of a kind, in order.
func (r *rig) told(k pms.EventKind) (list []pms.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		if e.Kind == k {
			list = append(list, e)
		}
	}
	return list
}

// in are the family names of who is in a room, main guest first.
func (r *rig) in(room string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, s := range r.ledger.Room(room) {
		for _, g := range s.Guests {
			names = append(names, g.Last)
		}
		if len(s.Guests) == 0 {
			names = append(names, "?")
		}
	}
	return strings.Join(names, " ")
}

func (r *rig) waitIn(room, names string) {
	r.t.Helper()
	r.wait("guest "+names+" in "+room, func() bool { return r.in(room) == names })
}

func (r *rig) alarm(code string) string {
	for _, a := range r.src.Link().Alarms {
		if a.Code == code {
			return a.Text
		}
	}
	return ""
}

func (r *rig) waitAlarm(code, text string) {
	r.t.Helper()
	r.wait("alarm "+code, func() bool { return r.alarm(code) != "" })
	if got := r.alarm(code); got != text {
		r.t.Errorf("alarm %s says\n%s\nwant\n%s", code, got, text)
	}
}

func (r *rig) waitProblem(part string) {
	r.t.Helper()
	r.wait("problem "+part, func() bool { return strings.Contains(r.src.Link().Problem, part) })
}

func (r *rig) calls(operation string) int { return len(r.sim.Audit().Calls(operation)) }

// settled waits until everything asked of the source before has been done: a
// reservation that is touched now has been read.
func (r *rig) settled() {
	r.t.Helper()
	before := r.count(func(n pms.Notice) bool { return n.Name == "Reservation Confirmed" })
	r.booking("Marker", "")
	r.wait("marker", func() bool {
		return r.count(func(n pms.Notice) bool { return n.Name == "Reservation Confirmed" }) > before
	})
}

// guest adds a profile.
func (r *rig) guest(last string) string {
	return r.sim.AddCustomer(mewssim.Customer{FirstName: "Anna", LastName: last, Title: "Misses", PreferredLanguage: "de-DE", Email: "anna@example.com"})
}

// booking books a room for a new guest, for three nights from today.
func (r *rig) booking(last, room string) string {
	r.t.Helper()
	return r.book(mewssim.Booking{Owner: r.guest(last), Room: r.hotel.room[room]})
}

func (r *rig) book(b mewssim.Booking) string {
	r.t.Helper()
	if b.Service == "" {
		b.Service = r.hotel.stay
	}
	if b.Arrival.IsZero() {
		b.Arrival = r.sim.Now().Truncate(time.Second)
	}
	if b.Departure.IsZero() {
		b.Departure = b.Arrival.AddDate(0, 0, 3)
	}
	v, err := r.sim.Reserve(b)
	check(r.t, err)
	return v.ID
}

// arrive books and checks in.
func (r *rig) arrive(last, room string) string {
	r.t.Helper()
	id := r.booking(last, room)
	check(r.t, r.sim.CheckIn(id))
	return id
}
