package mews

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

// The tests TestItem01 to TestItem38 stand for what clients of Mews are known to
// get wrong, in this order:
//
//	01 the socket's host and path      20 stale key commands
//	02 cookies, nothing else           21 orders repeated blindly
//	03 no subscribe message            22 services that are no stays
//	04 devices fixed at connect        23 companies as owners
//	05 null events, unknown types      24 moves have no event; swaps
//	06 large frames                    25 scheduled times, not the old ones
//	07 pongs                           26 Resource is housekeeping
//	08 queue after every reconnect     27 names change without an event
//	09 commands in Processing          28 room names, beds under rooms
//	10 echo of own answers             29 titles are codes
//	11 Cancelled and Canceled          30 half-open windows
//	12 Inquired and Enquired           31 newest first; cursors
//	13 two meanings of Processed       32 empty arrays, extents
//	14 three ids of a key cutter       33 401 and 403
//	15 JSON in a string                34 three forms of Retry-After
//	16 new or duplicate                35 paths that do not exist
//	17 UTC, the property's zone        36 POST for reads; tokens in bodies
//	18 Progress and Notes              37 portfolio tokens
//	19 Received is no lock             38 the gateway's clock

func (r *rig) key(reservation string, o mewssim.KeyOrder) string {
	r.t.Helper()
	return must(r.sim.CutKeyWith(r.hotel.cutter, reservation, o))(r.t)
}

// value is a field of a notice.
func value(n pms.Notice, name string) string { return n.Value(name) }

// answer tells Mews how a command stands.
func (r *rig) answer(id string, state pms.CommandState, note string) {
	r.t.Helper()
	check(r.t, r.src.Acknowledge(r.t.Context(), pms.Answer{CommandID: id, State: state, Progress: 0.5, Note: note}))
}

func (r *rig) command(id string) mewssim.Command {
	r.t.Helper()
	c, ok := r.sim.Command(id)
	if !ok {
		r.t.Fatalf("no command %s", id)
	}
	return c
}

// steps are the states that we told of a command.
func (r *rig) steps(id string) string {
	var list []string
	for _, u := range r.command(id).Updates() {
		list = append(list, u.State)
	}
	return strings.Join(list, " ")
}

func TestItem01SocketHostAndPath(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	if c := r.sim.Audit().Connects; len(c) != 1 || c[0].Status != http.StatusSwitchingProtocols {
		t.Errorf("connects %+v", c)
	}
	c := Config{SocketURL: "wss://api.mews.com", ClientTokenFile: "a", AccessTokenFile: "b"}
	want := "socket_url names the host of the API, and Mews does not serve sockets there; write the host that begins with ws., such as wss://ws.mews.com"
	for path, text := range c.Problems() {
		if got := path + " " + text; got != want {
			t.Errorf("got %s", got)
		}
		return
	}
	t.Error("the API's host is taken for the socket's")
}

func TestItem02CookiesOnly(t *testing.T) {
	t.Parallel()
	seen := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		select {
		case seen <- q.Clone(q.Context()):
		default:
		}
		http.Error(w, "no", http.StatusServiceUnavailable)
	}))
	defer server.Close()
	r := newRig(t, config(func(c *Config) { c.SocketURL = strings.Replace(server.URL, "http", "ws", 1) })).run()
	q := <-seen
	want := []string{"ClientToken=" + r.sim.ClientToken() + "; AccessToken=" + r.sim.AccessToken()}
	if !slices.Equal(q.Header["Cookie"], want) || q.URL.String() != "/ws/connector" || q.Header["Authorization"] != nil ||
		q.Header["Sec-Websocket-Protocol"] != nil {
		t.Errorf("%s %v", q.URL, q.Header)
	}
}

func TestItem03NoSubscribeMessage(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	r.settled()
	if c := r.sim.Audit().Connects[0]; c.TextPings != 0 || c.Events == 0 {
		t.Errorf("connect %+v", c) // anything else sent would be a breach
	}
}

func TestItem04DevicesAreFixedAtConnect(t *testing.T) {
	t.Parallel()
	r := newRig(t, config(func(c *Config) { c.Devices = append(c.Devices, Cutter{Mews: "Bar", Device: "bar"}) }))
	stay := r.arrive("Guest", "101")
	r.run().live()
	bar := r.sim.AddDevice(mewssim.KeyCutter, "Bar", "")
	check(t, r.sim.Link(bar))
	first := must(r.sim.CutKey(bar, stay, 1))(t)
	r.settled()
	if _, told := r.last(ofCommand(first)); told {
		t.Fatal("the socket told of a device that was linked after it was opened")
	}
	r.src.Reconnect()
	if n := r.await("command that waited", ofCommand(first)); value(n, pms.FieldEncoder) != "bar" {
		t.Errorf("notice %+v", n)
	}
	r.live()
	second := must(r.sim.CutKey(bar, stay, 1))(t)
	r.await("command by event", ofCommand(second))
	if c := r.sim.Audit().Connects; len(c) != 2 || c[1].Linked != 2 || c[0].ClientClose != 1000 {
		t.Errorf("connects %+v", c)
	}
}

func TestItem05NullEventsAndUnknownTypes(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	r.sim.SendNullEvents()
	r.sim.SendUnknownEvent("LoyaltyTierChanged")
	for _, text := range []string{`{}`, `{"Events":[]}`, `{"Events":[],"Sequence":7}`, `null`} {
		r.sim.SendRaw(text)
	}
	r.sim.SendRaw(fmt.Sprintf(`{"Events":[{"Type":"Novelty","Id":7},{"Type":"Reservation","Id":%q,"State":"Confirmed","More":{}}]}`, r.booking("Known", "")))
	r.settled()
	if n := r.count(kind(pms.KindUndecodable)); n != 0 || len(r.sim.Audit().Connects) != 1 {
		t.Errorf("%d in quarantine, connects %+v", n, r.sim.Audit().Connects)
	}
}

func TestItem06FramesOver32KiB(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.Pad, f.Socket.PerFrame = 8000, 1000 })
	want := map[string]bool{}
	r.sim.Together(func() {
		for i := range 300 { // one frame of 2.4 MB
			want[r.booking(fmt.Sprintf("Guest%d", i), "")] = true
		}
	})
	r.wait("all 300", func() bool {
		return r.count(func(n pms.Notice) bool { return want[n.Reservation] }) == len(want)
	})
	if c := r.sim.Audit().Connects; len(c) != 1 || c[0].Frames != 1 {
		t.Errorf("connects %+v", c)
	}
}

func TestItem07PingHandlerAnswersPongs(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Ping = 20 * time.Millisecond })).run().live()
	r.sim.PingSockets()
	r.wait("pong, and pings of our own", func() bool {
		c := r.sim.Audit().Connects[0]
		return c.Pongs == 1 && len(c.Pings) >= 3
	})
}

func TestItem08QueueAfterEveryReconnect(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	for range 3 {
		r.sim.Change(func(f *mewssim.Faults) { f.Socket.LoseNext = 1 })
		id := r.key(stay, mewssim.KeyOrder{})
		before := len(r.sim.Audit().Connects)
		r.sim.DropSockets()
		r.await("command whose event was lost", ofCommand(id))
		r.wait("socket", func() bool { return len(r.sim.Audit().Connects) > before })
		r.live()
	}
}

func TestItem09CommandsInProcessing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	r.answer(id, pms.CommandReceived, "")
	r.answer(id, pms.CommandProcessing, "")
	r.restart() // the list of active commands has it no more; what is known of it is the store's
	r.live()
	r.settled()
	if n := r.count(ofCommand(id)); n != 1 {
		t.Errorf("told %d times", n)
	}
	asked := r.calls("commands/getAllByIds")
	r.answer(id, pms.CommandError, "the gateway was restarted; nobody knows whether the key was cut")
	if c := r.command(id); c.State != mewssim.Failed || r.calls("commands/getAllByIds") != asked+1 {
		t.Errorf("command %+v", c)
	}
}

func TestItem10EchoOfOwnAnswers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	asked := r.calls("commands/getAllByIds")
	for _, state := range []pms.CommandState{pms.CommandReceived, pms.CommandProcessing, pms.CommandProcessed} {
		r.answer(id, state, "")
	}
	r.settled()
	if n := r.count(ofCommand(id)); n != 1 || r.calls("commands/getAllByIds") != asked {
		t.Errorf("%d notices, and %d more reads of the command", n, r.calls("commands/getAllByIds")-asked)
	}
}

func TestItem11CancelledAndCanceled(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	other := r.booking("Other", "102")
	check(t, r.sim.CancelReservation(other))
	r.await("cancelled reservation", func(n pms.Notice) bool { return n.Reservation == other && value(n, pms.FieldStatus) == "Canceled" })
	r.wait("cancelled stay", func() bool { return pms.ParseStatus("Canceled") == pms.StatusCancelled && r.in("102") == "" })
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	r.answer(id, pms.CommandCancelled, "nobody presented a card")
	if c := r.command(id); c.State != mewssim.Cancelled {
		t.Errorf("command %+v", c)
	}
}

func TestItem12InquiredAndEnquired(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.Enquired, f.Socket.NullRoom = true, true })
	before := r.calls("reservations/getAll/2023-06-06")
	id := r.book(mewssim.Booking{Owner: r.guest("Asker"), State: mewssim.Inquired})
	r.await("inquiry", func(n pms.Notice) bool { return n.Reservation == id && value(n, pms.FieldStatus) == "Inquired" })
	r.settled() // the two spellings are one: the first read shows what the event said
	if n := r.calls("reservations/getAll/2023-06-06") - before; n > 2 {
		t.Errorf("read %d times", n)
	}
	if stayState("enquired") != "Inquired" || stayState("Started") != "Started" {
		t.Error("spelling")
	}
}

func TestItem13TwoMeaningsOfProcessed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	r.answer(id, pms.CommandProcessed, "")
	r.settled()
	if r.in("101") != "Guest" {
		t.Error("a key that was cut has checked the guest out")
	}
	check(t, r.sim.CheckOut(stay))
	r.waitIn("101", "")
	if out := r.told(pms.StayCheckedOut); len(out) != 1 || out[0].Stay.Reservation != stay {
		t.Errorf("check-outs %+v", out)
	}
}

func TestItem14NamesOfAKeyCutter(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	data := func(cutter string) []byte {
		return fmt.Appendf(nil, `{"KeyCutterId":%q,"KeyCount":1,"LockIds":["101"],"StartUtc":"2026-01-01T00:00:00Z","EndUtc":"2027-01-01T00:00:00Z","LastName":"G","ReservationId":%q}`, cutter, stay)
	}
	for _, name := range []string{r.hotel.cutter, strings.ToUpper(r.hotel.cutter), "enc-1", " front DESK ", "typed"} {
		r.cfg.Devices = []Cutter{{Mews: name, Device: "by " + name, Encoder: "7"}}
		r.make()
		r.run().live()
		id := must(r.sim.AddRawCommand(mewssim.Command{Device: r.hotel.cutter, Data: data("typed")}))(t)
		n := r.await("command", ofCommand(id))
		if n.Refuse != "" || value(n, pms.FieldEncoder) != "by "+name || value(n, pms.FieldLockEncoder) != "7" {
			t.Errorf("%q: %+v", name, n)
		}
		r.answer(id, pms.CommandProcessed, "")
		r.stop()
	}
}

func TestItem15JSONInAString(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	for _, tt := range []struct {
		data, encoder string
		odd           bool
	}{
		{`{"Type":"Vision","Encoder":"12","password":"hunter2"}`, "12", false},
		{``, "", false}, {` `, "", false}, {`{"encoder":12}`, "", false}, {`null`, "", false},
		{`{"encoder":"12",`, "", true}, {`encoder=12;pw=hunter2`, "", true}, {`["hunter2"]`, "", true}, {`"hunter2"`, "", true},
		{strings.Repeat(" ", 70<<10) + `{}`, "", true},
	} {
		r.src.board.Clear(alarmData)
		id := r.key(stay, mewssim.KeyOrder{Data: &tt.data})
		n := r.await("command", ofCommand(id))
		if n.Refuse != "" || value(n, pms.FieldLockEncoder) != tt.encoder {
			t.Errorf("%q: %+v", tt.data, n)
		}
		want := ""
		if tt.odd {
			want = "the Data JSON of the key cutter Front desk in Mews is no JSON; keys are cut without it: correct it in Mews, or leave it empty"
		}
		if got := r.alarm(alarmData); got != want {
			t.Errorf("%q: alarm %q", tt.data, got)
		}
		r.answer(id, pms.CommandProcessed, "")
	}
	r.stop()
	if strings.Contains(r.log.String(), "hunter2") || strings.Contains(fmt.Sprint(r.src.Link()), "hunter2") {
		t.Error("a password is shown")
	}
}

func TestItem16NewOrDuplicateIsNotTold(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	for range 2 {
		n := r.await("command", ofCommand(r.key(stay, mewssim.KeyOrder{Count: 2})))
		if value(n, pms.FieldKey) != "auto" || value(n, pms.FieldCopies) != "2" || n.Reservation != stay {
			t.Errorf("notice %+v", n)
		}
	}
	if keys := r.told(pms.KeyRequested); len(keys) != 2 || keys[0].Stay.Reservation != stay || keys[0].Room != "101" {
		t.Errorf("events %+v", keys)
	}
}

func TestItem17TimesAreUTC(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	// The night in which Budapest's clocks go back.
	to := time.Date(time.Now().Year()+1, 10, 31, 10, 37, 0, 0, time.UTC)
	to = to.AddDate(0, 0, -int(to.Weekday()))
	from := to.Add(-21*time.Hour - 32*time.Minute)
	n := r.await("command", ofCommand(r.key(stay, mewssim.KeyOrder{Start: from, End: to})))
	if value(n, pms.FieldArrival) != from.Format(time.RFC3339) || value(n, pms.FieldDeparture) != to.Format(time.RFC3339) {
		t.Errorf("notice %+v", n.Fields)
	}
	e := r.told(pms.KeyRequested)[0]
	if local := e.Stay.Departure.In(r.deps.Zone).Format("15:04 -0700"); local != "11:37 +0100" {
		t.Errorf("departure %s", local)
	}
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	check(t, err)
	r.deps.Zone = tokyo
	r.restart()
	r.waitAlarm(alarmZone, "Mews has the property in the time zone Europe/Budapest, the property file in Asia/Tokyo: keys would end at another hour; correct property.timezone")
}

func TestItem18ProgressAndNotes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	long := strings.Repeat("é", 300) + "\x00\n"
	for _, state := range []pms.CommandState{pms.CommandReceived, pms.CommandProcessing, pms.CommandError} {
		r.answer(id, state, long)
	}
	for _, u := range r.command(id).Updates() {
		if (u.Progress != nil) != (u.State == mewssim.Processing) || (u.Notes != nil) != (u.State == mewssim.Failed) {
			t.Errorf("%s with progress %v and notes %v", u.State, u.Progress, u.Notes)
		}
	}
	if c := r.command(id); c.Notes != strings.Repeat("é", 250)+"…" || *c.Progress != 0.5 {
		t.Errorf("command %+v", c)
	}
}

func TestItem19ReceivedIsNoLock(t *testing.T) {
	t.Parallel()
	r := newRig(t, config(func(c *Config) { c.LeaveUnmapped = true }))
	bar := r.sim.AddDevice(mewssim.KeyCutter, "Bar", "")
	check(t, r.sim.Link(bar))
	stay := r.arrive("Guest", "101")
	r.run().live()
	theirs, ours := must(r.sim.CutKey(bar, stay, 1))(t), r.key(stay, mewssim.KeyOrder{})
	r.await("ours", ofCommand(ours))
	r.settled()
	if _, told := r.last(ofCommand(theirs)); told {
		t.Error("the other gateway's key would be cut here too")
	}
	broken := must(r.sim.AddRawCommand(mewssim.Command{Device: bar, Data: []byte(`{"KeyCount":"one"}`)}))(t)
	printer := r.sim.AddDevice(mewssim.Printer, "Printer", "")
	print := must(r.sim.Print(printer, 1, "application/pdf", nil))(t)
	check(t, r.sim.Link(printer))
	r.src.Reconnect() // everything that waits is looked at once more
	r.await("what nobody else would answer", ofCommand(print))
	for _, id := range []string{theirs, broken} {
		if _, told := r.last(ofCommand(id)); told {
			t.Errorf("told of %s", id)
		}
	}
}

func TestItem20StaleKeyCommands(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		as   string
		age  time.Duration
		want string
		end  pms.CommandState
	}{
		{"", 6 * time.Minute, "not cut: it was asked for 6 minutes ago, while the gateway could not be reached; ask again if the guest still needs it", pms.CommandCancelled},
		{"error", 3 * time.Hour, "not cut: it was asked for 3 hours ago, while the gateway could not be reached; ask again if the guest still needs it", pms.CommandError},
		{"cancelled", 72 * time.Hour, "not cut: it was asked for 3 days ago, while the gateway could not be reached; ask again if the guest still needs it", pms.CommandCancelled},
		{"", 4 * time.Minute, "", ""},
	} {
		r := newRig(t, config(func(c *Config) { c.CloseOldAs = tt.as }))
		stay := r.arrive("Guest", "101")
		id := r.key(stay, mewssim.KeyOrder{Created: r.sim.Now().Add(-tt.age - 2*time.Second)})
		n := r.run().await("command", ofCommand(id))
		if n.Refuse != tt.want || n.RefuseAs != tt.end {
			t.Errorf("after %s: %q as %q", tt.age, n.Refuse, n.RefuseAs)
		}
		if left := n.Expires.Sub(n.Received); left > 5*time.Minute-tt.age || left < 5*time.Minute-tt.age-time.Minute {
			t.Errorf("after %s it expires in %s", tt.age, left)
		}
		r.live()
		if len(r.told(pms.KeyRequested)) > 0 && tt.want != "" {
			t.Error("a rule sees it")
		}
	}
}

func TestItem21OrdersAreNotRepeatedBlindly(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	check(t, err)
	for _, name := range files { // we never create a command, so none can come twice
		text, err := os.ReadFile(name)
		check(t, err)
		if !strings.HasSuffix(name, "_test.go") && strings.Contains(string(text), "commands/add") {
			t.Errorf("%s creates commands", name)
		}
	}
}

func TestItem22OnlyStaysAreFollowed(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	spot := r.book(mewssim.Booking{Service: r.hotel.parking, Owner: r.guest("Driver"), Room: r.hotel.room["P1"]})
	check(t, r.sim.CheckIn(spot))
	r.settled()
	if _, told := r.last(func(n pms.Notice) bool { return n.Reservation == spot }); told || r.in("P1") != "" {
		t.Error("a parking space is greeted")
	}
	r.stop()
	r.cfg.Services = []string{"parking"}
	r.offset = ""
	r.restart()
	r.waitIn("P1", "Driver") // who asks for it gets it
}

func TestItem23CompaniesHaveNoName(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	id := r.book(mewssim.Booking{Company: true, Room: r.hotel.room["101"]})
	check(t, r.sim.CheckIn(id))
	r.waitIn("101", "?")
	must(r.sim.AddCompanion(id, r.guest("Employee")))(t)
	r.waitIn("101", "Employee")
}

func TestItem24MovesAndSwaps(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	a, b := r.arrive("Able", "101"), r.arrive("Baker", "102")
	r.run().live()
	check(t, r.sim.Move(a, r.hotel.room["103"]))
	r.waitIn("103", "Able")
	if r.in("101") != "" {
		t.Error("still in the old room")
	}
	check(t, r.sim.Move(a, r.hotel.room["101"]))
	r.waitIn("101", "Able")
	r.sim.Together(func() {
		check(t, r.sim.Move(a, r.hotel.room["102"]))
		check(t, r.sim.Move(b, r.hotel.room["101"]))
	})
	r.wait("swap", func() bool { return r.in("101") == "Baker" && r.in("102") == "Able" })
	r.sim.Together(func() { // the new guest is checked in first
		check(t, r.sim.CheckIn(r.booking("Next", "101")))
		check(t, r.sim.CheckOut(b))
	})
	r.waitIn("101", "Next")
	var order []string
	for _, n := range r.notices[len(r.notices)-2:] {
		order = append(order, value(n, pms.FieldStatus))
	}
	if !slices.Equal(order, []string{"Processed", "Started"}) {
		t.Errorf("order %v", order)
	}
	for _, e := range r.told(pms.StayCheckedOut) {
		if e.Assumed {
			t.Errorf("assumed %+v", e)
		}
	}
}

func TestItem25ScheduledTimes(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	day := r.sim.Now().Truncate(24 * time.Hour)
	id := r.book(mewssim.Booking{Owner: r.guest("Early"), Room: r.hotel.room["101"], Arrival: day.AddDate(0, 0, 1).Add(14 * time.Hour), Departure: day.AddDate(0, 0, 4).Add(10 * time.Hour)})
	check(t, r.sim.CheckIn(id))
	n := r.await("early check-in", func(n pms.Notice) bool { return n.Reservation == id && value(n, pms.FieldStatus) == "Started" })
	if value(n, pms.FieldArrival) != day.AddDate(0, 0, 1).Format("2006-01-02")+"T14:00:00Z" {
		t.Errorf("arrival %s", value(n, pms.FieldArrival))
	}
	if at, err := time.Parse(time.RFC3339, value(n, pms.FieldCheckedIn)); err != nil || r.sim.Now().Sub(at).Abs() > time.Minute {
		t.Errorf("checked in %q", value(n, pms.FieldCheckedIn))
	}
	check(t, r.sim.CheckOut(id))
	n = r.await("early check-out", func(n pms.Notice) bool { return n.Reservation == id && value(n, pms.FieldStatus) == "Processed" })
	if value(n, pms.FieldDeparture) != day.AddDate(0, 0, 4).Format("2006-01-02")+"T10:00:00Z" {
		t.Errorf("departure %s", value(n, pms.FieldDeparture))
	}
}

func TestItem26ResourceIsHousekeeping(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.arrive("Guest", "101")
	r.run().live()
	asked, stays := len(r.sim.Audit().Requests), r.count(kind(pms.KindStayState))
	r.sim.Together(func() { // as at four in the morning
		for _, name := range []string{"101", "102", "103", "104"} {
			check(t, r.sim.SetRoomState(r.hotel.room[name], "Dirty"))
		}
	})
	r.wait("states", func() bool { return r.count(kind(pms.KindRoomStatus)) == 4 })
	if now := len(r.sim.Audit().Requests); now != asked || r.count(kind(pms.KindStayState)) != stays || r.in("101") != "Guest" {
		t.Errorf("%d requests for what the events say", now-asked)
	}
	for _, e := range r.told(pms.RoomStatusChanged) {
		if e.Extra["room_status"] != "Dirty" {
			t.Errorf("event %+v", e)
		}
	}
}

func TestItem27NamesChangeWithoutAnEvent(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Guests = 40 * time.Millisecond }))
	owner, companion := r.guest("Misspelt"), r.guest("Second")
	id := r.book(mewssim.Booking{Owner: owner, Room: r.hotel.room["101"]})
	must(r.sim.AddCompanion(id, companion))(t)
	check(t, r.sim.CheckIn(id))
	r.run().live()
	r.waitIn("101", "Misspelt Second")
	check(t, r.sim.EditCustomer(owner, func(c *mewssim.Customer) { c.LastName, c.PreferredLanguage = "Right", "fr-FR" }))
	check(t, r.sim.EditCustomer(companion, func(c *mewssim.Customer) { c.LastName = "Other" }))
	r.waitIn("101", "Right Other")
	if up := r.told(pms.StayUpdated); len(up) == 0 || up[len(up)-1].Stay.Language != "fr-FR" {
		t.Errorf("updates %+v", up)
	}
}

func TestItem28RoomNamesAndBeds(t *testing.T) {
	t.Parallel()
	r := newRig(t, config(func(c *Config) { c.Rooms = map[string]string{"102": "Panorama 2"} }))
	r.arrive("First", "D1-1")
	r.arrive("Second", "D1-2")
	r.arrive("Third", "102")
	r.run().live()
	r.wait("guests of the dorm", func() bool { in := r.in("D1"); return in == "First Second" || in == "Second First" })
	r.waitIn("Panorama 2", "Third")
	if n, _ := r.last(func(n pms.Notice) bool { return value(n, pms.FieldLastName) == "Second" }); value(n, pms.FieldShared) != "Y" || value(n, pms.FieldRoomType) != "Bunk" {
		t.Errorf("notice %+v", n)
	}
	// A room that is part of a suite has its own door.
	suite := must(r.sim.AddRoom("201/202", r.hotel.double, "2", ""))(t)
	r.hotel.room["201"] = must(r.sim.AddRoom("201", r.hotel.double, "2", suite))(t)
	r.offset = ""
	r.restart()
	r.live()
	r.arrive("Fourth", "201")
	r.waitIn("201", "Fourth")
}

func TestItem29TitlesAreCodes(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	for i, tt := range []struct{ code, want string }{{"Misses", "Mrs"}, {"Mister", "Mr"}, {"Miss", "Ms"}, {"", ""}, {"Mx", ""}} {
		owner := r.sim.AddCustomer(mewssim.Customer{LastName: fmt.Sprint("Guest", i), Title: tt.code})
		friend := r.sim.AddCustomer(mewssim.Customer{LastName: fmt.Sprint("Friend", i), Title: tt.code})
		id := r.book(mewssim.Booking{Owner: owner, Room: r.hotel.room["101"]})
		must(r.sim.AddCompanion(id, friend))(t)
		check(t, r.sim.CheckIn(id))
		n := r.await("guest", func(n pms.Notice) bool { return n.Reservation == id && value(n, pms.FieldStatus) == "Started" })
		if got := value(n, pms.FieldTitle); got != tt.want || value(n, pms.FieldAccompanyingTitle) != tt.want {
			t.Errorf("%s: %q and %q", tt.code, got, value(n, pms.FieldAccompanyingTitle))
		}
		check(t, r.sim.CheckOut(id))
	}
}

func TestItem30WindowsAreHalfOpen(t *testing.T) {
	t.Parallel()
	f := &follower{Source: &Source{waits: quick().withDefaults()}}
	at := time.Date(2026, 5, 31, 12, 0, 0, 0, time.UTC)
	for _, mark := range []time.Time{at, at.Add(-time.Second), at.Add(2 * time.Hour), at.Add(-80 * 24 * time.Hour), at.AddDate(-3, 0, 0), {}} {
		w := f.since(mark, at)["UpdatedUtc"].(fields)
		from, err1 := time.Parse(time.RFC3339, w["StartUtc"].(string))
		to, err2 := time.Parse(time.RFC3339, w["EndUtc"].(string))
		if err1 != nil || err2 != nil || !to.After(at) || !from.Before(at) || to.After(from.AddDate(0, 3, 0)) {
			t.Errorf("from a mark of %s: %v", mark, w)
		}
	}
	// What changes in the very second of the mark is found after a restart.
	r := newRig(t).run().live()
	r.stop()
	r.arrive("Guest", "101")
	mark, _ := parseWatermark(r.offset)
	r.offset = watermark{r.sim.Now(), mark.rooms, mark.guests}.String()
	r.restart()
	r.waitIn("101", "Guest")
}

func TestItem31PagesGoBackwards(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.noLedger = true
	owner := r.guest("Group")
	want := map[string]bool{}
	for range 2000 {
		want[r.book(mewssim.Booking{Owner: owner, Room: r.hotel.room["101"], State: mewssim.Started})] = true
	}
	r.run().live()
	for _, n := range r.notices {
		delete(want, n.Reservation)
	}
	if len(want) != 0 {
		t.Errorf("%d reservations not read", len(want))
	}
	calls := r.sim.Audit().Calls("reservations/getAll/2023-06-06")
	rows := 0
	for i, c := range calls {
		if (c.Cursor == "") != (i == 0) || c.Count != 1000 {
			t.Errorf("call %d: %+v", i, c)
		}
		rows += c.Rows
	}
	if len(calls) != 3 || rows != 2000 { // the last page is full, so there is one more, empty
		t.Errorf("%d calls, %d rows", len(calls), rows)
	}
}

func TestItem32EmptyArraysAndExtents(t *testing.T) {
	t.Parallel()
	sim := must(mewssim.Start(mewssim.Options{}))(t) // a property without anything
	r := newRig(t, config(func(c *Config) { c.PlatformURL, c.SocketURL = sim.PlatformURL(), sim.SocketURL() }))
	defer sim.Close()
	r.run().live()
	r.waitAlarm(alarmServices, "Mews knows no service here whose reservations are stays: write their names under services in the property file")
	r.stop()
	if v := sim.Violations(); len(v) != 0 {
		t.Errorf("breaches %v", v)
	}
}

func TestItem33RefusedAndForbidden(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sim.Deny("customers/getAll")
	r.run().live()
	r.arrive("Guest", "101")
	r.waitIn("101", "?") // without a name the room works all the same
	r.waitAlarm(alarmPermission, "Mews does not grant customers/getAll to this integration, and grants others: ask Mews to enable it")
	if r.alarm(alarmRefused) != "" {
		t.Error("the tokens are doubted")
	}
	r.sim.Trouble(mewssim.Trouble{Path: "reservations/getAll", Times: 1, Kind: mewssim.Status, Status: 403, Message: "Guest Smith is blocked"})
	r.booking("Later", "102")
	r.waitProblem(`reservations/getAll/2023-06-06: HTTP 403: Mews does not allow it (request `)
	if p := r.src.Link().Problem; !strings.HasSuffix(p, `): "Guest Smith is blocked"`) {
		t.Errorf("problem %s", p)
	}
	r.settled()
	r.wait("end of the problem", func() bool { return r.src.Link().Problem == "" })
	r.sim.Allow("customers/getAll")
	r.arrive("Named", "103")
	r.waitIn("103", "Named")
	if a := r.alarm(alarmPermission); a != "" {
		t.Errorf("alarm %s", a)
	}
	r.stop()
	if strings.Contains(r.log.String(), "Smith") {
		t.Error("what Mews says to staff is in the log")
	}
}

func TestItem34RetryAfter(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		form string
		want string
	}{
		{"1", "too many requests with this token: does another program use it? give each its own; the agent rests for 1s"},
		{time.Now().UTC().Add(time.Second).Format(http.TimeFormat), "too many requests with this token: does another program use it? give each its own; the agent rests for "},
		{"", "too many requests with this token: does another program use it? give each its own; the agent rests for 1s"},
	} {
		r := newRig(t).run().live()
		r.sim.Trouble(mewssim.Trouble{Path: "reservations/getAll", Times: 1, Kind: mewssim.Status, Status: 429, Retry: tt.form})
		id := r.booking("Guest", "101")
		r.await("reservation", func(n pms.Notice) bool { return n.Reservation == id })
		if got := r.alarm(alarmLimit); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%q: alarm %q", tt.form, got)
		}
		calls := r.sim.Audit().Calls("reservations/getAll/2023-06-06")
		again := calls[len(calls)-1].At.Sub(calls[len(calls)-2].At)
		if tt.form == "1" && again < time.Second {
			t.Errorf("asked again after %s", again)
		}
	}
}

func TestItem35OnlyPathsThatExist(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) {
		w.Commands, w.Stays, w.Rooms, w.Guests = 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond, 20*time.Millisecond
	}))
	stay := r.arrive("Guest", "101")
	r.run().live()
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	r.answer(id, pms.CommandProcessed, "")
	r.wait("polls", func() bool { return r.calls("resources/getAll") > 2 && r.calls("customers/getAll") > 3 })
	check(t, must0(r.src.Probe(t.Context())))
	r.stop()
	known := []string{"configuration/get", "services/getAll", "resourceCategories/getAll", "resources/getAll", "resourceCategoryAssignments/getAll",
		"reservations/getAll/2023-06-06", "companionships/getAll", "customers/getAll", "devices/getAll", "commands/getAllActive", "commands/getAllByIds", "commands/update"}
	for _, q := range r.sim.Audit().Requests {
		if !slices.Contains(known, q.Path) || q.Client != "edgeagent 9.9" {
			t.Errorf("request %+v", q)
		}
	}
}

func must0(list []pms.Finding) error {
	for _, f := range list {
		if !f.OK {
			return fmt.Errorf("finding %+v", f)
		}
	}
	return nil
}

func TestItem36ReadsArePosts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	stay := r.arrive("Guest", "101")
	r.run().live()
	r.sim.Trouble(mewssim.Trouble{Path: "reservations/getAll", Times: 2, Kind: mewssim.Reset})
	id := r.booking("Guest", "102")
	r.await("reservation read again", func(n pms.Notice) bool { return n.Reservation == id })
	// What is no read is sent once; whoever keeps the outbox decides about more.
	command := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(command))
	before := r.calls("commands/update")
	r.sim.Trouble(mewssim.Trouble{Path: "commands/update", Times: 1, Kind: mewssim.Reset})
	if err := r.src.Acknowledge(t.Context(), pms.Answer{CommandID: command, State: pms.CommandReceived}); err == nil {
		t.Error("no error")
	}
	if n := r.calls("commands/update") - before; n != 1 {
		t.Errorf("sent %d times", n)
	}
	r.stop()
	for _, secret := range []string{r.sim.ClientToken(), r.sim.AccessToken()} {
		if strings.Contains(r.log.String(), secret) {
			t.Error("a token is in the log")
		}
	}
}

func TestItem37PortfolioTokens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.sim.Change(func(f *mewssim.Faults) { f.Shape.Portfolio = true })
	r.run().live()
	r.waitAlarm(alarmPortfolio, "the access token is one for several properties, and device commands come only with a token of one property: ask Mews for such a one")
}

func TestItem38TheGatewaysClock(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		mews time.Duration
		want string
	}{
		{2 * time.Hour, "the gateway's clock is 2h0m0s behind Mews's; ages are told by Mews's clock, keys and screens by the gateway's: let the gateway reach a time server"},
		{-2 * time.Hour, "the gateway's clock is 2h0m0s ahead of Mews's; ages are told by Mews's clock, keys and screens by the gateway's: let the gateway reach a time server"},
	} {
		r := newRig(t, tolerate())
		r.sim.SetClockOffset(tt.mews)
		r.run().live()
		r.waitAlarm(alarmClock, tt.want)
		// What happens now is news, and what waits is not too old.
		stay := r.arrive("Guest", "101")
		r.waitIn("101", "Guest")
		if in := r.told(pms.StayCheckedIn); len(in) != 1 || !in[0].Fresh {
			t.Errorf("check-in %+v", in)
		}
		if n := r.await("command", ofCommand(r.key(stay, mewssim.KeyOrder{}))); n.Refuse != "" {
			t.Errorf("refused: %s", n.Refuse)
		}
		if n := r.await("old command", ofCommand(r.key(stay, mewssim.KeyOrder{Created: r.sim.Now().Add(-10 * time.Minute)}))); n.RefuseAs != pms.CommandCancelled {
			t.Errorf("notice %+v", n)
		}
		// The windows after a restart are Mews's.
		r.stop()
		check(t, r.sim.CheckOut(stay))
		r.restart()
		r.waitIn("101", "")
		if mark, ok := parseWatermark(r.offset); !ok || r.sim.Now().Sub(mark.stays).Abs() > time.Minute {
			t.Errorf("mark %s at %s", r.offset, r.sim.Now())
		}
	}
}
