//go:build real

package realtest

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"edgeagent/hwsim"
	"edgeagent/hwsim/room"
)

const (
	deskEncoder = `[aria-label="Encoder ` + hwsim.EncoderName + `"]`
	pagePerson  = "desk"
	pageWord    = "sea view from the desk"
)

// bench is the hotel on an installer's bench: both pages, and the agent between them.
type bench struct {
	t             *testing.T
	hotel         *hwsim.Hotel
	power         *hwsim.Power
	b             *browser
	control, page *tab
	controlURL    string
}

// newBench opens the hotel as hwsim run does, with somebody who may log in.
func newBench(t *testing.T) *bench {
	t.Helper()
	h := openHotel(t, native(t), hwsim.Options{Rooms: []string{"101", "102", "103"}, Annex: []string{"401"}, ByHand: true})
	for _, e := range h.Encoders {
		h.Locks.ByHand(e.Name, hwsim.HandWait)
	}
	addUser(t, h.PropertyFile)
	log := filepath.Join(filepath.Dir(h.PropertyFile), "agent.log")
	showLog(t, log)
	s := &bench{t: t, hotel: h, power: &hwsim.Power{Hotel: h, Command: native(t), LogFile: log}}
	control := room.New(room.Options{Hotel: h, Power: s.power, LogFile: log})
	if err := control.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.controlURL = control.URL()
	t.Cleanup(func() { _ = control.Close() })
	if err := s.power.On(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.power.Off(); err != nil {
			t.Errorf("the agent did not stop as it should: %v", err)
		}
	})
	if err := h.AwaitLive(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.b = chromium(t, t.TempDir(), "")
	return s
}

// addUser lets the desk log in with a password.
func addUser(t *testing.T, file string) {
	t.Helper()
	line := runs(t, strings.NewReader(pageWord+"\n"), native(t)[0], "password")
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "page-desk"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, after, ok := strings.Cut(string(text), "status: { ")
	if !ok {
		t.Fatal("the hotel's property file has no status section")
	}
	with := before + "status: { users: [{ name: " + pagePerson + ", role: operate, password_file: page-desk }], " + after
	if err := os.WriteFile(file, []byte(with), 0o600); err != nil {
		t.Fatal(err)
	}
}

// runs gives what a program writes.
func runs(t *testing.T, in *strings.Reader, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	if in != nil {
		cmd.Stdin = in
	}
	out, err := cmd.Output()
	if err != nil {
		said := ""
		if ended, ok := err.(*exec.ExitError); ok {
			said = string(ended.Stderr)
		}
		t.Fatalf("%s %s: %v\n%s", filepath.Base(name), strings.Join(args, " "), err, said)
	}
	return string(out)
}

// operate opens the status page with a link of the gateway's own.
func (s *bench) operate() {
	s.t.Helper()
	s.page = browse(s.b, operatorLink(s.t, s.hotel.PropertyFile))
	s.page.await("who has the link may operate", has("#who", "link")+` && location.hash === ''`)
}

// checkIn has the desk check a guest in, and somebody puts a blank card into the slot.
func (s *bench) checkIn(last, room string) {
	s.t.Helper()
	s.control.write(element(`#checkin [name=last]`), last)
	s.control.choose(element(`#checkin [name=room]`), room)
	s.control.press(named("#checkin", "Check in"))
	s.said(last + " is checked in to " + room)
}

// putIn waits until the encoder asks for a card, and puts a blank one in.
func (s *bench) putIn() {
	s.t.Helper()
	s.control.await("the encoder asks for a card", has(deskEncoder+" .lamp", "asks for a card"))
	s.control.choose(element(deskEncoder+" select"), "a new blank card")
	s.control.press(named(deskEncoder, "Put the card in"))
}

func (s *bench) said(text string) {
	s.t.Helper()
	s.control.await("the control room says "+text, has("#said", text))
}

// opens holds the key of a room to a door.
func (s *bench) opens(key, door, says string) {
	s.t.Helper()
	s.control.choose(element(`#door [name=card]`), "key of "+key)
	s.control.choose(element(`#door [name=room]`), door)
	s.control.press(named("#door", "Hold the card to the door"))
	s.said(says)
}

// asItShould waits for the judge's word that nothing in the house is wrong.
func (s *bench) asItShould() {
	s.t.Helper()
	s.control.await("the judge finds nothing", has("#verdict", "The house is as it should be."))
}

// chip is the expression that the room's chip on the status page is in that state.
func chip(room, kind, state string) string {
	return element(`#rooms-list li[data-id="`+room+`"] .chip[data-kind=`+kind+`]`) + `?.dataset.state === ` + quote(state)
}

// happened is the expression that the status page has an event with what it caused, all of it done.
func happened(event, room string, caused []string) string {
	all, _ := json.Marshal(append([]string{event, "room " + room}, caused...)) // texts always encode
	return `[...document.querySelectorAll('#events-list li[data-id]')].some((li) => ` + string(all) + `.every((text) => li.textContent.includes(text))
		&& [...li.querySelectorAll('.chip')].every((c) => c.textContent === 'done'))`
}

// TestPages is an installer's first hour: both pages, driven as a person drives them.
func TestPages(t *testing.T) {
	s := newBench(t)
	s.control = browse(s.b, s.controlURL)
	s.control.await("the page is live", has("#line", "Live"))
	s.control.await("it leads to the status page", element("#status")+`.href === `+quote(s.hotel.StatusURL+"/"))
	s.logIn()
	s.operate()
	s.guestArrives()
	s.encoderAway()
	s.crowd()
	s.page.calm()
	s.powerCut()
	s.looks()
	for _, p := range []*tab{s.control, s.page} {
		p.stayedHere()
	}
	s.control.calm()
}

// logIn goes through the form, which is there for who may only look.
func (s *bench) logIn() {
	address := s.hotel.StatusURL + "/"
	wrong := func(p *tab) {
		p.await("the form is there", `!document.getElementById('login-form').hidden && !document.getElementById('login').hidden`)
		p.write(element("#login-name"), pagePerson)
		p.write(element("#login-password"), "not it")
		p.press(element("#login-submit"))
		p.await("it is refused", has("#login-error", "the name or the password is wrong"))
	}
	accessible(s.b, address, "login", wrong)
	p := browse(s.b, address)
	wrong(p)
	p.write(element("#login-password"), pageWord)
	p.press(element("#login-submit"))
	p.await("the desk is in", has("#who", pagePerson)+` && document.getElementById('login').hidden`)
	p.press(element("#logout"))
	p.await("the desk is out", `document.getElementById('who').textContent === '' && !document.getElementById('login').hidden`)
	p.stayedHere()
	p.close()
}

// guestArrives follows a check-in through both pages.
func (s *bench) guestArrives() {
	t := s.t
	s.checkIn("Whitfield", "101")
	s.putIn()
	tile := `[aria-label="Room 101"]`
	s.control.await("the TV greets", has(tile+" .tv", "Whitfield"))
	s.control.await("the card opens the door, and there is a code", has(tile, "Opens to", "WiFi:")+` && !`+has(tile, "No WiFi code"))
	s.opens("101", "101", "Door 101 opens.")
	s.opens("101", "102", "Door 102 stays shut")
	s.control.choose(element(`#join [name=from]`), "101")
	s.control.press(named("#join", "Join"))
	s.control.await("a phone is online", has("#phones", "phone 1: online"))
	s.asItShould()

	p := s.page
	for _, kind := range []string{"keycard", "iptv", "wifi"} {
		p.await("room 101: "+kind, chip("101", kind, "Processed"))
	}
	for event, caused := range map[string][]string{"stay.checked_in": {"cut a key", "open the WiFi"}, "room.occupied": {"greet on the TV"}} {
		p.await(event+", and what it caused", happened(event, "101", caused))
	}
	if value[bool](p, `document.documentElement.outerHTML.includes('Whitfield')`) {
		t.Error("the status page has the guest's name before anybody asked")
	}
	p.press(element(`#rooms-list li[data-id="101"] [data-deed=names]`))
	p.await("the guest's name, on demand", has(`#rooms-list li[data-id="101"]`, "Whitfield"))
	p.press(element(`#rooms-list li[data-id="101"] [data-deed=names]`))
	p.await("and hidden again", `!document.documentElement.outerHTML.includes('Whitfield')`)
	p.press(element(`#rooms-list li[data-id="101"] [data-deed=names]`))
	p.await("the guest's name once more", has(`#rooms-list li[data-id="101"]`, "Whitfield"))
	p.press(element("#logout"))
	p.await("hidden by the log-out", `document.getElementById('who').textContent === '' && !document.documentElement.outerHTML.includes('Whitfield')`)
	p.close()
	s.operate()
	p = s.page
	p.press(element(`#devices-list [data-deed=test][data-id="lobby-encoder"]`))
	p.await("the encoder is tested", has(`#devices-list li[data-id="lobby-encoder"] .outcome`, "It answers."))
	s.shot("control-room", s.control)
}
