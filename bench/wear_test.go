package bench

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"edgeagent/drivers"
	"edgeagent/drivers/iptv"
	"edgeagent/drivers/keycard"
	"edgeagent/drivers/wifi"
	"edgeagent/internal/agent"
	"edgeagent/offsetstore"
	"edgeagent/pms"
	"edgeagent/rules"
)

// The hotel whose wear is measured, and what happens there in a day. Assumed: 80 %
// of the rooms are taken, a stay lasts two nights.
const (
	wearRooms      = 100
	wearStays      = 40  // arrivals a day, and as many departures; each with a key
	wearDuplicates = 10  // second keys, asked for at the desk
	wearMoves      = 3   // guests who get another room, with a new key
	wearChanges    = 25  // names, languages, other departures: TV and WiFi follow
	wearMessages   = 10  // messages on TVs
	wearQuiet      = 600 // housekeeping, and changes that move nothing
	wearLiveSave   = 2 * time.Minute

	// wearLimit is what a day may write, in bytes. A change that doubles the wear
	// should be one that somebody has decided on.
	wearLimit = 64_000_000
	// cardBytes and cardCycles are those of the smallest card that the image fits, and
	// of its flash.
	cardBytes, cardCycles = 2_000_000_000, 10_000
)

// TestWear plays days of a hotel in virtual time, with the agent's own loops, rules
// and store on a real disk, and counts what the last of them has written. The
// devices are stood in for, the times between things are not: what waits for
// company, or is written every two minutes, is so here.
//
// WEAR_DAYS is how many days go before it; 15 fill the store to what it keeps.
func TestWear(t *testing.T) {
	before, err := strconv.Atoi(cmp.Or(os.Getenv("WEAR_DAYS"), "1"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		h := newWearHouse(t, dir)
		for range before {
			h.day()
		}
		from := h.counted()
		h.day()
		used := h.counted().minus(from)
		h.end()
		used.print(h)
		if used.store > wearLimit {
			t.Errorf("%d bytes a day are more than %d", used.store, wearLimit)
		}
	})
}

// wearHouse is an agent with a PMS and devices that do what they are told.
type wearHouse struct {
	t      *testing.T
	dir    string
	store  *offsetstore.Store
	feed   chan []pms.Notice
	log    *logCount
	chance *rand.Rand
	rooms  []string // free ones
	guests []wearGuest
	n, did int
	end    func()
}

type wearGuest struct {
	reservation, room string
	departure         time.Time
}

// logCount counts lines and bytes.
type logCount struct {
	mu           sync.Mutex
	lines, bytes int64
}

func (c *logCount) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lines, c.bytes = c.lines+1, c.bytes+int64(len(p))
	return len(p), nil
}

func newWearHouse(t *testing.T, dir string) *wearHouse {
	h := &wearHouse{t: t, dir: dir, feed: make(chan []pms.Notice), log: &logCount{}, chance: rand.New(rand.NewPCG(3, 4)), rooms: roomNames(wearRooms)}
	store, err := offsetstore.Open(filepath.Join(dir, "store.db"), offsetstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	h.store = store
	list, err := rules.Parse(rules.Default())
	if err != nil {
		t.Fatal(err)
	}
	devices := []agent.Device{
		{Driver: worker{"encoder", 20 * time.Second}, Kind: "keycard", Actions: keycard.Actions(), Width: 1},
		{Driver: worker{"tvs", time.Second}, Kind: "iptv", Actions: iptv.Actions(), Width: 16},
		{Driver: worker{"wifi", time.Second}, Kind: "wifi", Actions: wifi.Actions(), Width: 2},
	}
	var seen []rules.Device
	for _, d := range devices {
		seen = append(seen, rules.Device{Name: d.Driver.String(), Kind: d.Kind, Actions: d.Actions})
	}
	table, problems := rules.Compile(list, seen, "encoder")
	for _, p := range problems {
		if !p.Warning {
			t.Fatal(p)
		}
	}
	a := agent.New(agent.Options{
		Store: store, Table: table, Devices: devices, Clock: agent.NewClock(), Log: zerolog.New(h.log).With().Timestamp().Logger(),
		Ledger:  pms.NewLedger(pms.FoldOptions{Key: store.Key(), Zone: time.UTC}, func(func(pms.Stay) bool) {}),
		Sources: []pms.Source{wearSource{h.feed}},
	})
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx, ctx) }()
	go h.live(ctx)
	go h.settleDisk(ctx)
	h.end = func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}
	return h
}

// live writes down every two minutes that the link is live, as the link of Inspire
// does, and as much.
func (h *wearHouse) live(ctx context.Context) {
	memory := h.store.Memory("inspire")
	for tick := time.NewTicker(wearLiveSave); ; {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			text, _ := json.Marshal(map[string]any{
				"identity": "51ab02c3", "clock": now, "open": true, "last_live": now, "last_notice": now, "longest_silence": 1, "worked": true,
				"subprotocol": map[string]any{"value": "graphql-transport-ws", "at": now}, "selection": map[string]any{"value": "long", "at": now},
			})
			if err := memory.Save(text); err != nil {
				h.t.Error(err)
				return
			}
		}
	}
}

// settleDisk has the file system write out what it holds back, as often as it does
// on the image (commit=30): it knows nothing of virtual time.
func (h *wearHouse) settleDisk(ctx context.Context) {
	dir, err := os.Open(h.dir)
	if err != nil {
		h.t.Error(err)
		return
	}
	defer dir.Close()
	if !isLoop(h.dir) {
		return // of a disk that others use nothing can be told, and they would wait
	}
	for tick := time.NewTicker(30 * time.Second); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := unix.Syncfs(int(dir.Fd())); err != nil {
				h.t.Error(err)
				return
			}
		}
	}
}

// happening is something that the PMS tells at a time of day.
type happening struct {
	at   time.Duration
	tell func() []pms.Notice
}

// day plays a day: departures in the morning, arrivals in the afternoon, the rest
// in between. The house fills on the first one.
func (h *wearHouse) day() {
	began := time.Now()
	var plan []happening
	add := func(n int, from, to time.Duration, tell func() []pms.Notice) {
		for range n {
			plan = append(plan, happening{from + time.Duration(h.chance.Int64N(int64(to-from))), tell})
		}
	}
	const hour = time.Hour
	arrivals := wearStays
	if len(h.guests) == 0 {
		arrivals = 2 * wearStays
	}
	add(wearStays, 7*hour, 12*hour, h.checkOut)
	add(arrivals, 14*hour, 22*hour, h.checkIn)
	add(wearMoves, 13*hour, 20*hour, h.move)
	add(wearDuplicates, 9*hour, 23*hour, h.duplicate)
	add(wearChanges, 8*hour, 23*hour, h.change)
	add(wearMessages, 8*hour, 22*hour, h.message)
	add(wearQuiet, 6*hour, 23*hour, h.quiet)
	slices.SortStableFunc(plan, func(a, b happening) int { return cmp.Compare(a.at, b.at) })
	for _, p := range plan {
		time.Sleep(time.Until(began.Add(p.at)))
		if notices := p.tell(); notices != nil {
			h.feed <- notices
		}
	}
	time.Sleep(time.Until(began.Add(24 * hour)))
}

func (h *wearHouse) notice(kind pms.Kind, g wearGuest, fields ...pms.Field) []pms.Notice {
	h.n++
	now := time.Now()
	return []pms.Notice{{
		ID: fmt.Sprintf("inspire/1/%d", 100000+h.n), Source: "inspire", Offset: fmt.Sprintf("1:%d:9f3c51ab02c3d4e5:51ab02c3", 100000+h.n),
		Kind: kind, Name: string(kind), Reservation: g.reservation, NotBefore: now, Received: now,
		Fields: append([]pms.Field{{Name: pms.FieldRoom, Old: g.room, New: g.room}}, fields...),
	}}
}

func (h *wearHouse) pick() (int, bool) {
	if len(h.guests) == 0 {
		return 0, false
	}
	return h.chance.IntN(len(h.guests)), true
}

func (h *wearHouse) checkIn() []pms.Notice {
	if len(h.rooms) == 0 {
		return nil
	}
	h.did++
	at := h.chance.IntN(len(h.rooms))
	g := wearGuest{fmt.Sprint(700000 + h.n), h.rooms[at], time.Now().Add(44 * time.Hour)}
	h.rooms = slices.Delete(h.rooms, at, at+1)
	h.guests = append(h.guests, g)
	return h.notice(pms.KindCheckIn, g,
		pms.Field{Name: pms.FieldTitle, New: "Ms"}, pms.Field{Name: pms.FieldFirstName, New: "Anna"}, pms.Field{Name: pms.FieldLastName, New: "Guest" + g.reservation},
		pms.Field{Name: pms.FieldLanguage, New: "en"}, pms.Field{Name: pms.FieldRoomType, New: "DLX"},
		pms.Field{Name: pms.FieldArrival, New: time.Now().UTC().Format(time.RFC3339)}, pms.Field{Name: pms.FieldDeparture, New: g.departure.UTC().Format(time.RFC3339)})
}

// checkOut lets the guest leave who has been there longest.
func (h *wearHouse) checkOut() []pms.Notice {
	if len(h.guests) == 0 {
		return nil
	}
	h.did++
	g := h.guests[0]
	h.guests, h.rooms = h.guests[1:], append(h.rooms, g.room)
	return h.notice(pms.KindCheckOut, g)
}

func (h *wearHouse) move() []pms.Notice {
	i, ok := h.pick()
	if !ok || len(h.rooms) == 0 {
		return nil
	}
	h.did++
	old := h.guests[i].room
	h.guests[i].room, h.rooms[0] = h.rooms[0], old
	n := h.notice(pms.KindRoomMove, h.guests[i])
	n[0].Fields[0].Old = old
	return n
}

func (h *wearHouse) duplicate() []pms.Notice {
	i, ok := h.pick()
	if !ok {
		return nil
	}
	h.did++
	g := h.guests[i]
	n := h.notice(pms.KindKeyRequest, g, pms.Field{Name: pms.FieldCopies, New: "1"}, pms.Field{Name: pms.FieldKey, New: "duplicate"},
		pms.Field{Name: pms.FieldDeparture, New: g.departure.UTC().Format(time.RFC3339)})
	n[0].CommandID, n[0].Expires = fmt.Sprintf("00000000-0000-4000-8000-%012d", h.n), time.Now().Add(10*time.Minute)
	return n
}

func (h *wearHouse) change() []pms.Notice {
	i, ok := h.pick()
	if !ok {
		return nil
	}
	h.did++
	g := &h.guests[i]
	if h.n%2 == 0 {
		g.departure = g.departure.Add(24 * time.Hour)
		return h.notice(pms.KindReservationUpdate, *g, pms.Field{Name: pms.FieldDeparture, New: g.departure.UTC().Format(time.RFC3339)})
	}
	return h.notice(pms.KindReservationUpdate, *g, pms.Field{Name: pms.FieldLastName, New: fmt.Sprint("Corrected", h.n)})
}

func (h *wearHouse) message() []pms.Notice {
	i, ok := h.pick()
	if !ok {
		return nil
	}
	h.did++
	return h.notice(pms.KindMessage, h.guests[i], pms.Field{Name: pms.FieldMessage, New: "Your taxi is waiting at the door."})
}

func (h *wearHouse) quiet() []pms.Notice {
	return h.notice(pms.KindRoomStatus, wearGuest{room: fmt.Sprint(1001 + h.chance.IntN(wearRooms))}, pms.Field{Name: pms.FieldRoomStatus, Old: "CLEAN", New: "CLEAN"})
}

// wearSource is a link that is always live.
type wearSource struct{ feed chan []pms.Notice }

func (s wearSource) String() string { return "inspire" }
func (s wearSource) Link() pms.Link { return pms.Link{State: pms.LinkLive} }

func (s wearSource) Acknowledge(context.Context, pms.Answer) error { return nil }

func (s wearSource) Notices(ctx context.Context, _ string) iter.Seq2[[]pms.Notice, error] {
	return func(yield func([]pms.Notice, error) bool) {
		for {
			select {
			case <-ctx.Done():
				return
			case notices := <-s.feed:
				if !yield(notices, nil) {
					return
				}
			}
		}
	}
}

// worker is a device that does everything, in its time.
type worker struct {
	name string
	time time.Duration
}

func (w worker) String() string              { return w.name }
func (w worker) Halt() error                 { return nil }
func (w worker) Probe(context.Context) error { return nil }
func (w worker) State() drivers.State        { return drivers.State{Condition: drivers.Online} }

func (w worker) Do(_ context.Context, c drivers.Command) (drivers.Receipt, error) {
	time.Sleep(w.time)
	r := drivers.Receipt{Note: "1 card for room " + c.Params["room"] + ", valid until 2026-11-23 02:19"}
	if w.name != "tvs" {
		r.Values = map[string]string{"key_id": "0123456789abcdef", "key_stays": c.Params["stay"], "uid": "04A2B3C4D5E680", drivers.ValueAt: time.Now().UTC().Format(time.RFC3339Nano)}
	}
	return r, nil
}

// wearCount is what was written until now.
type wearCount struct {
	store  int64 // bytes that the agent had written (write_bytes)
	device int64 // bytes that the disk was given, of a loop device of our own; else 0
	lines  int64 // of the log
	log    int64 // bytes of the log
	acting int64 // things that happened
}

func (h *wearHouse) counted() wearCount {
	synctest.Wait()
	h.log.mu.Lock()
	defer h.log.mu.Unlock()
	return wearCount{store: writtenByUs(h.t), device: writtenTo(h.t, h.dir), lines: h.log.lines, log: h.log.bytes, acting: int64(h.did)}
}

func (c wearCount) minus(o wearCount) wearCount {
	return wearCount{c.store - o.store, c.device - o.device, c.lines - o.lines, c.log - o.log, c.acting - o.acting}
}

// writtenByUs is write_bytes of this process.
func writtenByUs(t *testing.T) int64 {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "write_bytes: "); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(value), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("/proc/self/io has no write_bytes")
	return 0
}

// loopMajor is LOOP_MAJOR of linux/major.h.
const loopMajor = 7

// isLoop reports whether a folder lies on a loop device, which nobody else uses.
func isLoop(dir string) bool {
	var stat unix.Stat_t
	return unix.Stat(dir, &stat) == nil && unix.Major(stat.Dev) == loopMajor
}

// writtenTo is what a loop device under a folder was given to write, in bytes.
func writtenTo(t *testing.T, dir string) int64 {
	var stat unix.Stat_t
	if !isLoop(dir) || unix.Stat(dir, &stat) != nil {
		return 0
	}
	text, err := os.ReadFile(fmt.Sprintf("/sys/dev/block/%d:%d/stat", unix.Major(stat.Dev), unix.Minor(stat.Dev)))
	if err != nil {
		t.Fatal(err)
	}
	const sectors = 6 // Documentation/block/stat.rst: write sectors, of 512 bytes
	n, err := strconv.ParseInt(strings.Fields(string(text))[sectors], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n * 512
}

func (c wearCount) print(h *wearHouse) {
	line := func(what, value, note string) { fmt.Printf("%-44s %-12s %s\n", what, value, note) }
	years := func(bytes int64, amplified int64) string {
		return fmt.Sprintf("%.0f", float64(cardBytes)*cardCycles/float64(bytes*amplified)/365)
	}
	fmt.Printf("\nA day of a hotel of %d rooms, %d %% taken:\n", wearRooms, 100*len(h.guests)/wearRooms)
	fmt.Printf("  %d arrivals, %d departures, %d moves, %d second keys, %d changes for TV and WiFi, %d messages, %d quiet notices\n\n",
		wearStays, wearStays, wearMoves, wearDuplicates, wearChanges, wearMessages, wearQuiet)
	line("store: written by the agent", mb(c.store), fmt.Sprintf("%d B for each of %d things that happened, all others included", c.store/max(c.acting, 1), c.acting))
	total := c.store
	if c.device > 0 {
		total = c.device
		line("store: given to the disk", mb(c.device), "with ext4's own journal, commit=30")
	}
	line("log", mb(c.log), fmt.Sprintf("%d lines; in memory on the image (journald, Storage=volatile)", c.lines))
	for _, amplified := range []int64{1, 10, 100} {
		line(fmt.Sprintf("years of a card of 2 GB with %d cycles", cardCycles), years(total, amplified),
			fmt.Sprintf("if it writes %d times what it is given", amplified))
	}
	info, err := os.Stat(filepath.Join(h.dir, "store.db"))
	if err == nil {
		line("size of the store", mb(info.Size()), "")
	}
}
