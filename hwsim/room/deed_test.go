package room

import (
	"context"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim"
	"edgeagent/hwsim/mewssim"
)

func (r *Room) guestNamed(t *testing.T, last string) string {
	t.Helper()
	for _, s := range r.opt.Hotel.Stays() {
		if s.Last == last {
			return s.Reservation
		}
	}
	t.Fatalf("nobody is called %s", last)
	return ""
}

// told are the events that the PMS stream has, without housekeeping.
func (r *Room) told() string {
	var names []string
	events, _ := r.opt.Hotel.PMS.Published(hwsim.Chain)
	for _, e := range events {
		names = append(names, e.Name)
	}
	return strings.Join(names, ", ")
}

func TestDesk(t *testing.T) {
	r := open(t, nil)
	in := Deed{Do: "check in", Title: "Ms", First: "Ana", Last: "Silva", Language: "PT", Room: "101", Nights: 2}
	r.says(t, in, "Silva is checked in to 101")
	in.Last = "Pinto"
	r.says(t, in, "not done: somebody is in 101: tick “shares the room”, or choose another one")
	in.Share = true
	r.says(t, in, "Pinto shares 101")
	in.Room = "102"
	r.says(t, in, "not done: nobody is in 102 to share it with")
	in.Share, in.Last = false, " "
	r.says(t, in, "not done: a guest has a last name")
	in.Last, in.Nights = "Berg", 0
	r.says(t, in, "not done: a stay here has 1 to 30 nights")
	in.Nights, in.Room = 1, "999"
	r.says(t, in, `not done: there is no room "999"`)

	silva := r.guestNamed(t, "Silva")
	r.says(t, Deed{Do: "move", Guest: "nobody", Room: "102"}, "not done: choose a guest first")
	r.says(t, Deed{Do: "move", Guest: silva, Room: "101"}, "not done: Silva is in 101 already")
	r.says(t, Deed{Do: "move", Guest: silva, Room: "401"}, "not done: 101 and 401 belong to different PMSs")
	r.says(t, Deed{Do: "move", Guest: silva, Room: "102"}, "Silva moves to 102")
	r.says(t, Deed{Do: "move", Guest: r.guestNamed(t, "Pinto"), Room: "102"}, "not done: somebody is in 102")
	before := r.opt.Hotel.Stay(silva).Departure
	r.says(t, Deed{Do: "stretch", Guest: silva}, "not done: say by how many hours, up to a month")
	r.says(t, Deed{Do: "stretch", Guest: silva, Hours: -24 * 7}, "not done: the departure would be in the past: check out instead")
	r.says(t, Deed{Do: "stretch", Guest: silva, Hours: 24}, "Silva stays until "+before.Add(24*time.Hour).In(r.opt.Hotel.Zone).Format(stampForm))
	r.says(t, Deed{Do: "stretch", Guest: silva, Hours: -24}, "Silva stays until "+before.In(r.opt.Hotel.Zone).Format(stampForm))
	r.says(t, Deed{Do: "rename", Guest: silva}, "not done: write the right last name, up to 60 characters")
	r.says(t, Deed{Do: "rename", Guest: silva, Text: "Sylva"}, "the name is now Sylva")
	r.says(t, Deed{Do: "message", Guest: silva}, "not done: write a message first")
	r.says(t, Deed{Do: "message", Guest: silva, Text: "Your taxi is here"}, "a message for Sylva")
	r.says(t, Deed{Do: "cut key", Guest: silva, Cards: 1}, "not done: 102 is not in Mews: there the rules cut keys")
	r.says(t, Deed{Do: "reverse check-out", Guest: silva}, "not done: Sylva is in house")
	r.says(t, Deed{Do: "check out", Guest: silva}, "Sylva is checked out")
	r.says(t, Deed{Do: "check out", Guest: silva}, "not done: Sylva is not in house")
	r.says(t, Deed{Do: "reverse check-out", Guest: silva}, "the check-out of Sylva is taken back")
	r.says(t, Deed{Do: "reverse check-in", Guest: silva}, "the check-in of Sylva is taken back")
	r.says(t, Deed{Do: "reverse check-out", Guest: silva}, "not done: Sylva was not checked out")
	want := "CHECK IN, CHECK IN, UPDATE RESERVATION, UPDATE RESERVATION, UPDATE RESERVATION, UPDATE RESERVATION, NEW GUEST MESSAGE, CHECK OUT, REVERSE CHECK OUT, REVERSE CHECK IN"
	if got := r.told(); got != want {
		t.Errorf("the PMS told\n%s\nwant\n%s", got, want)
	}
	if left := r.View(t.Context()).Left; len(left) != 1 || !left[0].Reversed {
		t.Errorf("%+v", left)
	}
}

func TestDeskInMews(t *testing.T) {
	r := open(t, nil)
	in := Deed{Do: "check in", Title: "Ms", First: "Marta", Last: "Duarte", Room: "401", Nights: 2}
	r.says(t, in, "Duarte is checked in to 401, in Mews; ask for a key with “cut key”")
	in.Share = true
	r.says(t, in, "not done: 401 is in Mews, where the hotel's desk shares no room")
	duarte := r.guestNamed(t, "Duarte")
	r.says(t, Deed{Do: "message", Guest: duarte, Text: "Hello"}, "not done: Mews tells nobody of messages")
	r.says(t, Deed{Do: "cut key", Guest: duarte, Cards: 9}, "not done: ask for 1 to 4 cards")
	r.says(t, Deed{Do: "cut key", Guest: duarte, Cards: 2, Encoder: hwsim.AnnexEncoder}, "Mews asks for a key of 401")
	commands := r.View(t.Context()).Commands
	if len(commands) != 1 || commands[0].Final || !strings.HasSuffix(commands[0].Text, mewssim.Pending) {
		t.Fatalf("%+v", commands)
	}
	r.says(t, Deed{Do: "cancel key", Command: "none"}, "not done: there is no such key command")
	r.says(t, Deed{Do: "cancel key", Command: commands[0].ID}, "the key command is taken back")
	if c := r.View(t.Context()).Commands[0]; !c.Final {
		t.Errorf("%+v", c)
	}
	r.says(t, Deed{Do: "stretch", Guest: duarte, Hours: 24}, "Duarte stays until "+r.opt.Hotel.Stay(duarte).Departure.Add(24*time.Hour).In(r.opt.Hotel.Zone).Format(stampForm))
	r.says(t, Deed{Do: "move", Guest: duarte, Room: "402"}, "Duarte moves to 402")
	r.says(t, Deed{Do: "check out", Guest: duarte}, "Duarte is checked out")
	r.says(t, Deed{Do: "reverse check-out", Guest: duarte}, "the check-out of Duarte is taken back")
	if res := r.opt.Hotel.Annex.Reservations(); len(res) != 1 || res[0].State != mewssim.Started {
		t.Errorf("Mews has %+v", res)
	}
	r.says(t, Deed{Do: "reverse check-in", Guest: duarte}, "the check-in of Duarte is taken back")
}

func TestEncoderSlot(t *testing.T) {
	r := open(t, nil)
	locks := r.opt.Hotel.Locks
	put := Deed{Do: "insert", Encoder: hwsim.EncoderName, Card: "new blank"}
	r.says(t, put, "not done: cards come to Online Encoder 1 by themselves: tick “I put the cards in”")
	r.says(t, Deed{Do: "by hand", Encoder: hwsim.EncoderName, On: true}, "you put the cards in")
	r.says(t, put, "card "+inSlot(t, r)+" is in")
	uid := inSlot(t, r)
	r.says(t, put, "not done: a card is in Online Encoder 1: take it out first")
	if n := len(locks.Cards()); n != 1 {
		t.Errorf("%d cards, of which one is lost in the room", n)
	}
	r.says(t, Deed{Do: "door", Card: uid, Room: "101"}, "not done: the card is in Online Encoder 1: take it out first")
	r.says(t, Deed{Do: "take", Encoder: hwsim.EncoderName}, "card "+uid+" is out")
	r.says(t, Deed{Do: "take", Encoder: hwsim.EncoderName}, "not done: no card is in it")
	r.says(t, Deed{Do: "take", Encoder: "none"}, `not done: there is no encoder "none"`)
	r.says(t, Deed{Do: "door", Card: uid, Room: "101"}, "door 101 stays shut: no key is on it")
	r.says(t, Deed{Do: "door", Room: "101"}, "not done: choose a card first")
	put.Card = "new staff"
	r.do(t, put)
	staff := locks.Take(hwsim.EncoderName)
	r.says(t, Deed{Do: "door", Card: staff, Room: "101"}, "door 101 opens")
	r.says(t, Deed{Do: "by hand", Encoder: hwsim.EncoderName}, "blank cards come by themselves")
}

// inSlot is the card in the first encoder, or the one that would be put in.
func inSlot(t *testing.T, r *Room) string {
	t.Helper()
	if e, _ := r.opt.Hotel.Locks.Encoder(hwsim.EncoderName); e.Card != "" {
		return e.Card
	}
	return "0400F3880A19EB" // the first of the fixed seed
}

func TestPhones(t *testing.T) {
	r := open(t, nil)
	code := r.opt.Hotel.WiFi.(interface {
		AddVoucher(name string, minutes, devices int) string
	}).AddVoucher("htl:0123456789abcdef", 60, 1)
	r.says(t, Deed{Do: "join", Phone: "phone 9", Code: code}, "not done: choose a phone first")
	r.says(t, Deed{Do: "join", Phone: "phone 1", Code: " " + code + " "}, "phone 1 is let on")
	if said := r.do(t, Deed{Do: "join", Phone: "phone 2", Code: "0000000000"}); !strings.HasPrefix(said, "phone 2 is not let on: ") {
		t.Error(said)
	}
	p := r.View(t.Context()).Phones
	if !p[0].Online || p[1].Online || !strings.HasPrefix(p[1].Said, "is not let on") {
		t.Errorf("%+v", p)
	}
}

// Each switch breaks something and mends it again.
func TestSwitches(t *testing.T) {
	r := open(t, nil)
	for _, s := range r.switches() {
		text := s.Text
		if s.Encoder != "" {
			text = s.Encoder + ": " + s.Text
		}
		r.says(t, Deed{Do: "switch", Switch: s.Name, On: true}, text)
		r.says(t, Deed{Do: "switch", Switch: s.Name, On: true}, text) // it stands so
		if broken := r.View(t.Context()).Broken; len(broken) != 1 || broken[0] != s.Name {
			t.Errorf("%s is broken, and the page shows %v", s.Name, broken)
		}
		r.says(t, Deed{Do: "switch", Switch: s.Name}, text+": over")
	}
	r.says(t, Deed{Do: "switch", Switch: "lights"}, `not done: there is no switch "lights"`)
	r.do(t, Deed{Do: "switch", Switch: "wifi down", On: true})
	r.do(t, Deed{Do: "switch", Switch: "wifi overloaded", On: true})
	if broken := r.View(t.Context()).Broken; len(broken) != 1 || broken[0] != "wifi overloaded" {
		t.Errorf("both faults of one controller: %v", broken)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r.do(t, Deed{Do: "switch", Switch: "broker", On: true})
	tv := r.opt.Hotel.TV("101")
	if _, err := hwsim.Eventually(ctx, func() bool { return !tv.Connected() }); err != nil {
		t.Error("the TVs do not feel that the broker is down")
	}
	r.do(t, Deed{Do: "switch", Switch: "broker"})
	if _, err := hwsim.Eventually(ctx, tv.Connected); err != nil {
		t.Error("the TVs do not come back")
	}
}

func TestNextCard(t *testing.T) {
	r := open(t, nil)
	for what, want := range map[string]string{
		"no card": "nobody presents the next card",
		"jam":     "the next card goes in askew and jams",
		"pulled":  "the next card is pulled out while it is written",
		"damaged": "the next card is damaged",
		"late":    "the next answer comes 65 s late",
		"lost":    "the next answer gets lost, and the card is made",
		"burnt":   `not done: "burnt" is nothing that goes wrong with a card here`,
	} {
		r.says(t, Deed{Do: "next card", Encoder: hwsim.EncoderName, Text: what}, want)
	}
	e, _ := r.opt.Hotel.Locks.Encoder(hwsim.EncoderName)
	if n := r.opt.Hotel.Locks.PendingFaults(); e.Pending != 4 || n != 2 {
		t.Errorf("%d cards and %d answers will go wrong, want 4 and 2", e.Pending, n)
	}
}

func TestPowerOfAnAgentThatIsNotOurs(t *testing.T) {
	r := open(t, nil)
	r.says(t, Deed{Do: "power", Text: "cut"}, "not done: the agent was started by you: stop it where you started it")
	if v := r.View(t.Context()); v.Agent.Ours || v.Conds[0].Text != "the agent does not answer" {
		t.Errorf("%+v %+v", v.Agent, v.Conds)
	}
}

func TestPower(t *testing.T) {
	r := open(t, func(o *Options) {
		o.LogFile = t.TempDir() + "/agent.log"
		o.Power = &hwsim.Power{Hotel: o.Hotel, Command: []string{"sh", "-c", "exec sleep 60"}, LogFile: o.LogFile}
	})
	state := func() string { return r.View(t.Context()).Agent.Text }
	if got := state(); got != "without power" {
		t.Error(got)
	}
	r.says(t, Deed{Do: "power", Text: "on"}, "the agent starts")
	if got := state(); got != "running" {
		t.Error(got)
	}
	r.says(t, Deed{Do: "power", Text: "on"}, "the agent starts") // it runs already
	r.says(t, Deed{Do: "power", Text: "cut"}, "kill -9: the agent is without power")
	if got := state(); got != "without power" {
		t.Error(got)
	}
	r.says(t, Deed{Do: "power", Text: "cut in mid-card"}, "the power goes when the next card is to be made")
	r.says(t, Deed{Do: "power", Text: "dance"}, `not done: "dance" is nothing that can be done with a plug`)
}
