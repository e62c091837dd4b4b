package mews

import (
	"fmt"
	"net/http"
	"net/http/httptest"
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
	r := newRig(t, waits(func(w *Waits) { w.CommandsDown = time.Hour }))
	stay := r.arrive("Guest", "101")
	r.run().live()
	r.wait("look at the queue", func() bool { return r.calls("commands/getAllActive") > 0 })
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
