package room

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"edgeagent/hwsim"
	"edgeagent/hwsim/console"
	"edgeagent/hwsim/locksim"
	"edgeagent/hwsim/tvsim"
)

// View is the hotel as the page shows it.
type View struct {
	Locked   string          `json:"locked"`
	Notes    []string        `json:"notes"`
	Status   string          `json:"status"`
	Agent    Agent           `json:"agent"`
	Conds    []Condition     `json:"conditions"`
	Wrong    []hwsim.Finding `json:"wrong"`
	Rooms    []RoomView      `json:"rooms"`
	Left     []Guest         `json:"left"`
	Encoders []EncoderView   `json:"encoders"`
	Cards    []Card          `json:"cards"`
	Phones   []Phone         `json:"phones"`
	Commands []Command       `json:"commands"`
	// Broken are the switches that are on, by name.
	Broken []string `json:"broken"`
	// Switches are those of the house that there are.
	Switches []Switch `json:"switches"`
}

// Agent is whether the agent runs.
type Agent struct {
	Ours bool   `json:"ours"` // it is ours to start
	Runs bool   `json:"runs"`
	Text string `json:"text"`
}

// Condition is something that the agent says of itself.
type Condition struct {
	Code  string `json:"code"`
	About string `json:"about"`
	Text  string `json:"text"`
}

// RoomView is a room with who and what is in it.
type RoomView struct {
	Room   string   `json:"room"`
	Mews   bool     `json:"mews"`
	Guests []Guest  `json:"guests"`
	TVs    []TV     `json:"tvs"`
	Opens  []string `json:"opens"` // cards that open the door now
	Code   *Code    `json:"code"`
	// Page is the reference TV as one more set of the room, "" for none.
	Page string `json:"page"`
}

// Guest is a guest's stay.
type Guest struct {
	ID    string `json:"id"`
	Name  string `json:"name"`
	Room  string `json:"room"`
	Until string `json:"until"`
	Mews  bool   `json:"mews"`
	// Reversed: the check-in was taken back.
	Reversed bool `json:"reversed"`
}

// TV is what a set shows.
type TV struct {
	ID       string   `json:"id"`
	On       bool     `json:"on"` // it has reached the broker
	Names    []string `json:"names"`
	Lang     string   `json:"lang"`
	Dir      string   `json:"dir"`
	WiFi     string   `json:"wifi"`
	Messages []string `json:"messages"`
	Popup    string   `json:"popup"` // the last message of this stay
}

// Code is what the guest of a room types on a phone.
type Code struct {
	User string `json:"user"`
	Code string `json:"code"`
}

// EncoderView is an encoder.
type EncoderView struct {
	Name    string `json:"name"`
	Device  string `json:"device"`
	Plugged bool   `json:"plugged"`
	ByHand  bool   `json:"byHand"`
	Waits   bool   `json:"waits"`
	Busy    bool   `json:"busy"`
	Card    string `json:"card"`
}

// Card is a card and what is on it.
type Card struct {
	UID  string `json:"uid"`
	Text string `json:"text"`
	In   string `json:"in"` // the encoder that it lies in
}

// Phone is a guest's phone.
type Phone struct {
	Name   string `json:"name"`
	Online bool   `json:"online"`
	Said   string `json:"said"`
}

// Command is a key command in Mews.
type Command struct {
	ID    string `json:"id"`
	Text  string `json:"text"`
	Final bool   `json:"final"`
}

const stampForm = "2 Jan 15:04"

// maxListed is how many cards and how many departed guests the page offers: those of
// a large hotel's day.
const maxListed = 1000

// View looks at everything.
func (r *Room) View(ctx context.Context) View {
	h := r.opt.Hotel
	v := View{Status: h.StatusURL, Notes: slices.Clone(h.Notes), Agent: r.agentView(), Switches: r.switches(),
		Rooms: []RoomView{}, Left: []Guest{}, Encoders: []EncoderView{}, Cards: []Card{}, Commands: []Command{}, Broken: []string{}}
	if v.Notes == nil {
		v.Notes = []string{}
	}
	if r.opt.Locked != nil {
		v.Locked = r.opt.Locked()
	}
	v.Wrong, v.Conds = r.judge(ctx)
	house := h.House()
	now := time.Now()
	keys := h.OpenDoors(now)
	access := h.WiFi.Access()
	for _, room := range h.Rooms {
		v.Rooms = append(v.Rooms, r.roomView(room, house[room], keys[room], access))
	}
	stays := h.Stays()
	for _, s := range slices.Backward(stays) {
		if !s.InHouse && s.Room != "" && len(v.Left) < maxListed {
			v.Left = append(v.Left, r.guest(&s))
		}
	}
	slots := map[string]string{}
	for _, e := range h.Encoders {
		e := r.encoderView(e)
		if e.Card != "" {
			slots[e.Card] = e.Name
		}
		v.Encoders = append(v.Encoders, e)
	}
	for _, c := range slices.Backward(h.Locks.Cards()) {
		if c.Kind != locksim.Mobile && len(v.Cards) < maxListed {
			v.Cards = append(v.Cards, Card{c.UID, cardText(&c, h.Zone), slots[c.UID]})
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, on := range r.broken {
		if on {
			v.Broken = append(v.Broken, name)
		}
	}
	slices.Sort(v.Broken)
	for _, p := range phones() {
		v.Phones = append(v.Phones, Phone{p.name, h.WiFi.Online(p.mac), r.joined[p.name]})
	}
	v.Commands = r.commandViews()
	return v
}

// commandViews are the last key commands, the newest first; r.mu is held.
func (r *Room) commandViews() []Command {
	list := []Command{}
	for _, id := range slices.Backward(r.commands) {
		if c, ok := r.opt.Hotel.Annex.Command(id); ok && len(list) < 6 {
			text := c.Created.In(r.opt.Hotel.Zone).Format(time.TimeOnly) + " " + c.State
			if c.Notes != "" {
				text += ": " + c.Notes
			}
			list = append(list, Command{id, text, c.Final()})
		}
	}
	return list
}

func (r *Room) agentView() Agent {
	if r.opt.Power == nil {
		return Agent{Text: "started by you"}
	}
	runs, err := r.opt.Power.Runs()
	switch {
	case runs:
		return Agent{true, true, "running"}
	case err != nil:
		return Agent{true, false, "has ended by itself: " + err.Error()}
	}
	return Agent{true, false, "without power"}
}

func (r *Room) guest(s *hwsim.Stay) Guest {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Guest{s.Reservation, strings.TrimSpace(s.Title + " " + s.First + " " + s.Last), s.Room,
		s.Departure.In(r.opt.Hotel.Zone).Format(stampForm), r.isMews(s.Room), r.reversed[s.Reservation]}
}

// isMews reports whether a room is one of those in Mews.
func (r *Room) isMews(room string) bool {
	return r.opt.Hotel.Annex != nil && slices.Contains(r.opt.Hotel.Annex.Rooms, room)
}

func (r *Room) roomView(room string, stays []hwsim.Stay, keys []string, access []console.Access) RoomView {
	v := RoomView{Room: room, Mews: r.isMews(room), Guests: []Guest{}, TVs: []TV{}, Opens: keys, Page: r.opt.Hotel.TVPage(room)}
	if keys == nil {
		v.Opens = []string{}
	}
	for i := range stays {
		v.Guests = append(v.Guests, r.guest(&stays[i]))
	}
	stay := ""
	for _, tv := range r.opt.Hotel.TVs(room) {
		shown := tv.Shown()
		stay = cmp.Or(stay, shown.Stay)
		t := TV{ID: tv.Room(), On: tv.Connected(), Names: shown.Names, Lang: shown.Lang, Dir: shown.Dir, WiFi: shown.WiFi, Messages: shown.Messages, Popup: lastPopup(tv, shown)}
		if t.Names == nil {
			t.Names = []string{}
		}
		if t.Messages == nil {
			t.Messages = []string{}
		}
		v.TVs = append(v.TVs, t)
	}
	for _, a := range access {
		if stay != "" && a.Works && strings.Contains(a.Marker, stay) {
			v.Code = &Code{a.User, a.Code}
		}
	}
	return v
}

// lastPopup is the last message that a set showed to who is on its screen.
func lastPopup(tv *tvsim.TV, shown tvsim.Screen) string {
	popups := tv.Popups()
	if len(popups) == 0 || shown.Stay == "" || popups[len(popups)-1].Stay != shown.Stay {
		return ""
	}
	last := popups[len(popups)-1]
	return strings.TrimSpace(last.Title + ": " + last.Body)
}

func (r *Room) encoderView(e hwsim.Encoder) EncoderView {
	state, _ := r.opt.Hotel.Locks.Encoder(e.Name)
	r.mu.Lock()
	defer r.mu.Unlock()
	return EncoderView{e.Name, e.Device, !r.broken[switchName("unplug", e.Name)], state.ByHand, state.WaitsForCard, state.Busy, state.Card}
}

func cardText(c *locksim.Card, zone *time.Location) string {
	if c.Key == nil {
		return string(c.Kind) + " card"
	}
	text := "key of " + strings.Join(c.Key.Rooms, ", ")
	if c.Key.Copy != "0" {
		text = "copy of a " + text
	}
	if !c.Key.Until.IsZero() {
		text += " until " + c.Key.Until.In(zone).Format(stampForm)
	}
	return text
}

type phone struct{ name, mac string }

// phones are the guests' phones.
func phones() []phone {
	return []phone{
		{"phone 1", "02:00:00:00:0a:01"}, {"phone 2", "02:00:00:00:0a:02"}, {"phone 3", "02:00:00:00:0a:03"},
		{"phone 4", "02:00:00:00:0a:04"}, {"phone 5", "02:00:00:00:0a:05"}, {"phone 6", "02:00:00:00:0a:06"},
	}
}
