package mewssim

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
)

func TestCookiesAreReadByteByByte(t *testing.T) {
	s := start(t, Options{})
	ct, at := s.ClientToken(), s.AccessToken()
	good := s.cookie()
	for _, tt := range []struct {
		name    string
		cookies []string
		rule    string
	}{
		{"none", nil, "cookie"},
		{"blank before =", []string{"ClientToken =" + ct + "; AccessToken=" + at}, "cookie"},
		{"blank after =", []string{"ClientToken=" + ct + "; AccessToken= " + at}, "cookie"},
		{"quotes", []string{`ClientToken="` + ct + `"; AccessToken="` + at + `"`}, "cookie"},
		{"lower case", []string{strings.ToLower(good)}, "cookie"},
		{"no blank between", []string{strings.ReplaceAll(good, "; ", ";")}, "cookie"},
		{"two headers", []string{"ClientToken=" + ct, "AccessToken=" + at}, "cookie"},
		{"one header too many", []string{good, "Theme=dark"}, "cookie"},
		{"quotes around one", []string{`ClientToken="` + ct + `"; AccessToken=` + at}, "cookie"},
		{"wrong token", []string{"ClientToken=" + ct + "; AccessToken=" + ct}, "credentials"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := len(s.Violations())
			_, status, err := s.tryDial(s.SocketURL()+socketPath, tt.cookies...)
			if err == nil || status != 401 {
				t.Errorf("status %d, %v", status, err)
			}
			if diff := cmp.Diff([]string{tt.rule}, s.rules()[before:]); diff != "" {
				t.Error(diff)
			}
		})
	}
	s.Change(func(f *Faults) { f.Socket.CookieStatus = 403 })
	if _, status, _ := s.tryDial(s.SocketURL() + socketPath); status != 403 {
		t.Errorf("status %d", status)
	}
	before := len(s.Violations())
	s.dial(t)
	if got := s.Violations()[before:]; len(got) > 0 {
		t.Error(got)
	}
}

func TestSocketIsOnItsOwnHost(t *testing.T) {
	s := start(t, Options{})
	dial := func(address string, cookies ...string) int {
		_, status, err := s.tryDial(address, cookies...)
		if err == nil {
			t.Errorf("%s was welcome", address)
		}
		return status
	}
	platform := "ws" + strings.TrimPrefix(s.PlatformURL(), "http")
	query := "?ClientToken=" + url.QueryEscape(s.ClientToken()) + "&AccessToken=" + url.QueryEscape(s.AccessToken())
	got := []int{dial(platform+socketPath, s.cookie()), dial(s.SocketURL(), s.cookie()), dial(s.SocketURL()+socketPath+query, s.cookie())}
	if diff := cmp.Diff([]int{404, 404, 401}, got); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"host", "path", "query token"}, s.rules()); diff != "" {
		t.Error(diff)
	}
}

func TestReservationTellsOfEveryChange(t *testing.T) {
	s, c := startAt(t)
	h := build(s)
	p := s.dial(t)
	r := h.book("")
	want := object{"Type": "Reservation", "Id": r.ID, "State": "Confirmed", "StartUtc": "2026-03-01T12:00:00Z", "EndUtc": "2026-03-03T12:00:00Z"}
	expect := func(change ...any) {
		t.Helper()
		for i := 0; i < len(change); i += 2 {
			want[change[i].(string)] = change[i+1]
		}
		if diff := cmp.Diff([]object{want}, p.events()); diff != "" {
			t.Error(diff)
		}
	}
	expect()
	ok(t, s.AssignRoom(r.ID, h.room))
	expect("AssignedResourceId", h.room)
	c.add(time.Hour)
	ok(t, s.CheckIn(r.ID))
	expect("State", "Started", "StartUtc", "2026-03-01T13:00:00Z")
	ok(t, s.Move(r.ID, h.other))
	expect("AssignedResourceId", h.other)
	ok(t, s.Extend(r.ID, c.now().AddDate(0, 0, 3)))
	expect("EndUtc", "2026-03-04T13:00:00Z")
	ok(t, s.CheckOut(r.ID))
	expect("State", "Processed", "EndUtc", "2026-03-01T13:00:00Z")
	ok(t, s.ReverseCheckOut(r.ID))
	expect("State", "Started", "EndUtc", "2026-03-04T13:00:00Z")
	ok(t, s.ReverseCheckIn(r.ID))
	expect("State", "Confirmed", "StartUtc", "2026-03-01T12:00:00Z")
	must(s.AddCompanion(r.ID, h.guest))
	expect()
	ok(t, s.NoShow(r.ID))
	expect("State", "Canceled")
	for _, err := range []error{s.CheckIn(r.ID), s.CheckOut(r.ID), s.CancelReservation(r.ID), s.Move(r.ID, h.room)} {
		if err == nil {
			t.Error("a cancelled reservation was changed")
		}
	}
}

func TestSpellingsOfTheSocket(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	s.Change(func(f *Faults) { f.Socket.NullRoom, f.Socket.Enquired = true, true })
	p := s.dial(t)
	now := h.Now()
	must(h.Reserve(Booking{Service: h.stay, Owner: h.guest, State: Inquired, Arrival: now, Departure: now.Add(time.Hour)}))
	e := p.events()[0]
	if room, there := e["AssignedResourceId"]; !there || room != nil || e["State"] != "Enquired" {
		t.Errorf("%v", e)
	}
}

func TestOtherEvents(t *testing.T) {
	s, c := startAt(t)
	h := build(s)
	p := s.dial(t)
	ok(t, s.SetRoomState(h.room, "Dirty"))
	if diff := cmp.Diff([]object{{"Type": "Resource", "Id": h.room, "State": "Dirty"}}, p.events()); diff != "" {
		t.Error(diff)
	}
	ok(t, s.EditCustomer(h.guest, func(c *Customer) { c.LastName = "Other" }))
	p.nothing(s)
	s.PriceChange("", c.now(), c.now())
	if e := p.events()[0]; e["Type"] != "PriceUpdate" || e["ResourceCategoryId"] != nil {
		t.Error(e)
	}
	s.SendNullEvents()
	if got := p.frame(); got != `{"Events":null}` {
		t.Error(got)
	}
	s.SendUnknownEvent("Space")
	if e := p.events()[0]; e["Type"] != "Space" {
		t.Error(e)
	}
	s.EnableEvents("DeviceCommand")
	ok(t, s.RenameRoom(h.room, "201"))
	p.nothing(s)
}

// A device that is linked later is not heard of until the socket is opened anew.
func TestDevicesAreThoseLinkedAtConnect(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	printer := s.AddDevice(Printer, "Printer", "")
	p := s.dial(t)
	ok(t, s.Link(printer))
	late := must(s.Print(printer, 1, "application/pdf", []byte("x")))
	p.nothing(s)
	if got := s.good(t, "commands/getAllActive", nil).list("Commands"); len(got) != 1 || got[0]["Id"] != late {
		t.Errorf("queue %v", got)
	}
	second := s.dial(t)
	ok(t, s.Unlink(printer))
	gone := must(s.Print(printer, 1, "application/pdf", []byte("x")))
	if e := second.events()[0]; e["Id"] != gone || e["State"] != "Pending" {
		t.Errorf("%v", e)
	}
	if got := s.good(t, "commands/getAllActive", nil).list("Commands"); len(got) != 0 {
		t.Errorf("queue %v", got)
	}
	key := must(s.CutKey(h.cutter, h.book(h.room).ID, 1))
	for _, p := range []*peer{p, second} {
		p.events() // the reservation
		if e := p.events()[0]; e["Id"] != key {
			t.Errorf("%v", e)
		}
	}
}

func TestManyEventsInFewFrames(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	for range 5000 {
		h.book("")
	}
	s.Change(func(f *Faults) { f.Socket.PerFrame = 1000; f.Socket.Pad = 50 })
	p := s.dial(t)
	s.Touch()
	seen := map[any]bool{}
	for range 5 {
		text := p.frame()
		if len(text) < 32<<10 {
			t.Errorf("a frame of %d bytes", len(text))
		}
		for part := range strings.SplitSeq(text, `"Id":"`) {
			seen[part[:36]] = true
		}
	}
	if len(seen) != 5001 { // and what stands before the first
		t.Errorf("%d events", len(seen)-1)
	}
}

func TestLostDuplicateAndReversedEvents(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	p := s.dial(t)
	states := func() (out []any) {
		for _, e := range p.events() {
			out = append(out, e["State"])
		}
		return out
	}
	s.Change(func(f *Faults) { f.Socket.LoseNext, f.Socket.Duplicate, f.Socket.Reverse = 1, 1, true })
	ok(t, s.SetRoomState(h.room, "Dirty"))
	s.Together(func() {
		ok(t, s.SetRoomState(h.room, "Clean"))
		ok(t, s.SetRoomState(h.room, "Inspected"))
	})
	if diff := cmp.Diff([]any{"Inspected", "Inspected", "Clean", "Clean"}, states()); diff != "" {
		t.Error(diff)
	}
	s.Change(func(f *Faults) { f.Socket = Socket{Lose: true} })
	ok(t, s.SetRoomState(h.room, "Dirty"))
	p.nothing(s)
}

func TestPings(t *testing.T) {
	s, c := startAt(t)
	p := s.dial(t)
	pong := make(chan string, 1)
	p.SetPongHandler(func(data string) error { pong <- data; return nil })
	c.add(time.Minute)
	ok(t, p.WriteControl(websocket.PingMessage, []byte("hi"), time.Now().Add(patience)))
	ok(t, p.WriteMessage(websocket.TextMessage, []byte("ping")))
	if got := p.frame(); got != `{"Events":null}` || <-pong != "hi" {
		t.Error(got)
	}
	s.PingSockets()
	p.nothing(s) // gorilla answers the ping on the way
	a := s.await(t, func(a Audit) bool { return a.Connects[0].Pongs == 1 })
	if got := a.Connects[0]; got.TextPings != 1 || len(got.Pings) != 1 || got.PingGap() != time.Minute {
		t.Errorf("%+v", got)
	}
	s.Change(func(f *Faults) { f.Socket.NoPong, f.Socket.PingEvery = true, time.Millisecond })
	ok(t, p.WriteControl(websocket.PingMessage, []byte("unheard"), time.Now().Add(patience)))
	s.await(t, func(a Audit) bool { return len(a.Connects[0].Pings) == 2 })
	p.nothing(s)
	if len(pong) > 0 {
		t.Error("a pong")
	}
	pinged := s.dial(t)
	go func() { _, _, _ = pinged.ReadMessage() }() // answers pings until the socket ends
	s.await(t, func(a Audit) bool { return a.Connects[1].Pongs > 1 })
	ok(t, p.WriteMessage(websocket.TextMessage, []byte(`{"subscribe":true}`)))
	s.await(t, func(a Audit) bool { return len(a.Violations) > 0 })
	if diff := cmp.Diff([]string{"client message"}, s.rules()); diff != "" {
		t.Error(diff)
	}
}

func TestUpgradeHangs(t *testing.T) {
	s := start(t, Options{})
	s.Change(func(f *Faults) { f.Socket.HangUpgrade = true })
	failed := make(chan error, 1)
	go func() {
		_, _, err := s.tryDial(s.SocketURL()+socketPath, s.cookie())
		failed <- err
	}()
	s.await(t, func(a Audit) bool { return len(a.Connects) == 1 })
	s.Cut()
	if err := <-failed; err == nil {
		t.Error("welcome")
	}
}

// A half-open socket stays, even after the client's close, and says nothing.
func TestSilence(t *testing.T) {
	s, _ := startAt(t)
	h := build(s)
	frozen := s.dial(t)
	s.FreezeSockets()
	well := s.dial(t)
	pong := func(string) error { t.Error("a pong"); return nil }
	frozen.SetPongHandler(pong)
	ok(t, frozen.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience)))
	s.await(t, func(a Audit) bool { return len(a.Connects[0].Pings) == 1 })
	ok(t, s.SetRoomState(h.room, "Dirty"))
	well.events()
	ok(t, frozen.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(1000, ""), time.Now().Add(patience)))
	s.await(t, func(a Audit) bool { return a.Connects[0].ClientClose == 1000 })
	if a := s.Audit(); a.Open != 2 || a.Connects[0].Frames != 0 {
		t.Errorf("%+v", a.Connects[0])
	}
	s.Change(func(f *Faults) { f.Socket.Silent = true })
	ok(t, s.SetRoomState(h.room, "Clean"))
	ok(t, well.WriteControl(websocket.PingMessage, nil, time.Now().Add(patience)))
	s.await(t, func(a Audit) bool { return len(a.Connects[1].Pings) == 1 })
	_ = frozen.Close() // ends the test's own half
	s.await(t, func(a Audit) bool { return a.Open == 1 })
}

func TestSocketsEnd(t *testing.T) {
	s, _ := startAt(t)
	closed := func(p *peer) int {
		t.Helper()
		_, _, err := p.ReadMessage()
		if e, ok := errors.AsType[*websocket.CloseError](err); ok {
			return e.Code
		}
		return 0 // a reset, which has many faces
	}
	s.Change(func(f *Faults) { f.Socket.CloseAtOnce = 1013 })
	if got := closed(s.dial(t)); got != 1013 {
		t.Errorf("closed with %d", got)
	}
	s.Change(func(f *Faults) { f.Socket.CloseAtOnce = 0; f.Socket.CloseOnRevoke = 1008 })
	p := s.dial(t)
	s.RotateToken()
	if got := closed(p); got != 1008 {
		t.Errorf("closed with %d", got)
	}
	p = s.dial(t)
	s.DropSockets()
	if got := closed(p); got != 0 && got != websocket.CloseAbnormalClosure {
		t.Errorf("closed with %d", got)
	}
	s.Change(func(f *Faults) { f.Socket = Socket{RefuseStatus: 503, RefuseTimes: 1} })
	if _, status, err := s.tryDial(s.SocketURL()+socketPath, s.cookie()); err == nil || status != 503 {
		t.Errorf("status %d, %v", status, err)
	}
	ok(t, s.dial(t).Close())
	a := s.await(t, func(a Audit) bool { return a.Open == 0 })
	var status []int
	for _, c := range a.Connects {
		status = append(status, c.Status)
	}
	if diff := cmp.Diff([]int{101, 101, 101, 503, 101}, status); diff != "" || slices.Contains(s.rules(), "cookie") {
		t.Error(diff, s.rules())
	}
}
