package hwsim

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"edgeagent/hwsim/mewssim"
)

// The annex is a second property under the same roof: its desk works with Mews,
// and asks for each key there.
const (
	AnnexEncoder  = "Online Encoder 2"
	annexDevice   = "annex-encoder"
	keyCutterName = "Key cutter annex"
	keyCutterID   = "annex-1"
)

// annexProperty is what the property file has for the annex.
const annexLink = `
  - name: mews
    mews:
      platform_url: {{platform_url}}
      socket_url: {{socket_url}}
      client_token_file: mews-client-token
      access_token_file: mews-access-token
      devices:
        - { mews: annex-1, device: annex-encoder }
      waits:
        backoff_min: 100ms
        backoff_max: 500ms
        stable: 1s
        ping: 500ms
        dead: 2s
        gather: 20ms
        lag: 100ms
        overlap: 1m
        commands: 2s
        commands_down: 300ms
        stays: 3s
        stays_down: 500ms
        rooms: 5s
        rooms_down: 2s
        guests: 2s
        guests_down: 2s
`

const annexEncoderEntry = `
  - name: annex-encoder
    keycard:
      protocol: salto
      {{annex_line}}
      encoder: Online Encoder 2
      want_uid: true
      timers: { t_ack: 500ms, t_busy: 2s, t_result: {{t_result}}, t_late: 1s, t_settle: 20ms, t_duplicate: 50ms, t_reopen: 100ms, t_reopen_max: 500ms }
`

// Annex is the simulated Mews with what the annex has there.
type Annex struct {
	*mewssim.Server
	Rooms []string
	// Cutter is the id in Mews of the key cutter, Cutters are those of all by
	// their device in the property file.
	Cutter  string
	Cutters map[string]string
	service string
	ids     map[string]string // room -> id in Mews
	deed    time.Time         // of the last thing that staff did
}

// openAnnex builds a Mews property with a parking service beside its rooms,
// whose reservations are none of the agent's business.
func openAnnex(rooms []string, zone *time.Location, site *mewsSite) (*Annex, error) {
	server, err := mewssim.Start(mewssim.Options{Enterprise: "Sea View Annex", Zone: zone.String(), DefaultLanguage: "pt-PT"})
	if err != nil {
		return nil, fmt.Errorf("Mews: %w", err)
	}
	a := &Annex{Server: server, Rooms: rooms, service: server.AddService(site.service), ids: map[string]string{}, Cutters: map[string]string{}}
	category, err := server.AddCategory(a.service, "Room", "Double")
	if err != nil {
		return a, err
	}
	for _, room := range rooms {
		if a.ids[room], err = server.AddRoom(cmp.Or(site.rooms[room], room), category, room[:1], ""); err != nil {
			return a, err
		}
		if locks := site.locks[room]; len(locks) > 0 {
			if err := server.SetLocks(a.ids[room], locks...); err != nil {
				return a, err
			}
		}
	}
	parking := server.AddService("Parking")
	spots, err := server.AddCategory(parking, "ParkingSpot", "Garage")
	if err != nil {
		return a, err
	}
	if _, err := server.AddRoom("P1", spots, "-1", ""); err != nil {
		return a, err
	}
	for _, c := range site.cutters {
		id := server.AddDevice(mewssim.KeyCutter, c.name, c.identifier)
		a.Cutters[c.device], a.Cutter = id, cmp.Or(a.Cutter, id)
		if err := server.Link(id); err != nil {
			return a, err
		}
	}
	return a, nil
}

// titlesInMews are the codes for the titles that the hotel's guests have.
var titlesInMews = map[string]string{"Mr": "Mister", "Ms": "Miss", "Mrs": "Misses"}

// MewsDesk is the annex's desk.
type MewsDesk struct{ hotel *Hotel }

// MewsDesk acts now.
func (h *Hotel) MewsDesk() MewsDesk { return MewsDesk{h} }

// note changes what the hotel knows of a stay.
func (d MewsDesk) note(change func()) {
	d.hotel.mu.Lock()
	defer d.hotel.mu.Unlock()
	change()
	d.hotel.Annex.deed = time.Now()
}

// key counts that the rules may cut a key for a stay in its room; within note.
func (d MewsDesk) key(s *Stay) {
	if d.hotel.site.mews.byRule {
		d.hotel.want(s, 1)
	}
}

// CheckIn books a room for a guest who has just walked in, and checks in. No
// key is cut for it: the desk asks for one.
func (d MewsDesk) CheckIn(s *Stay, room string) error {
	a := d.hotel.Annex
	s.customer = a.AddCustomer(mewssim.Customer{
		Title: titlesInMews[s.Title], FirstName: s.First, LastName: s.Last, PreferredLanguage: "pt-PT",
	})
	r, err := a.Reserve(mewssim.Booking{
		Service: a.service, Owner: s.customer, Room: a.ids[room], Arrival: s.Arrival, Departure: s.Departure, Number: s.Reservation,
	})
	if err != nil {
		return err
	}
	d.note(func() { s.Room, s.InHouse, s.mews = room, true, r.ID; d.key(s) })
	return a.CheckIn(r.ID)
}

// CheckOut checks a guest out.
func (d MewsDesk) CheckOut(s *Stay) error {
	d.note(func() { s.InHouse = false })
	return d.hotel.Annex.CheckOut(s.mews)
}

// Move moves a guest to another room.
func (d MewsDesk) Move(s *Stay, room string) error {
	d.note(func() { s.Room = room; d.key(s) })
	return d.hotel.Annex.Move(s.mews, d.hotel.Annex.ids[room])
}

// ReverseCheckIn takes a check-in back.
func (d MewsDesk) ReverseCheckIn(s *Stay) error {
	d.note(func() { s.InHouse = false })
	return d.hotel.Annex.ReverseCheckIn(s.mews)
}

// ReverseCheckOut takes a check-out back. The desk asks for a key if it wants one.
func (d MewsDesk) ReverseCheckOut(s *Stay) error {
	d.note(func() { s.InHouse = true; d.key(s) })
	return d.hotel.Annex.ReverseCheckOut(s.mews)
}

// Swap exchanges the rooms of two guests.
func (d MewsDesk) Swap(a, b *Stay) (err error) {
	to, from := b.Room, a.Room
	d.hotel.Annex.Together(func() { err = errors.Join(d.Move(a, to), d.Move(b, from)) })
	return err
}

// Stretch moves the departure.
func (d MewsDesk) Stretch(s *Stay, by time.Duration) error {
	d.note(func() { s.Departure = s.Departure.Add(by) })
	return d.hotel.Annex.Extend(s.mews, s.Departure)
}

// Rename corrects the guest's profile, of which Mews tells nobody.
func (d MewsDesk) Rename(s *Stay, last string) error {
	d.note(func() { s.Last = last })
	return d.hotel.Annex.EditCustomer(s.customer, func(c *mewssim.Customer) { c.LastName = last })
}

// CutKey asks for key cards, and gives the command's id.
func (d MewsDesk) CutKey(s *Stay, cards int) (string, error) {
	return d.CutKeyAt(d.hotel.Annex.Cutter, s, cards)
}

// CutKeyAt is CutKey at the key cutter of that id.
func (d MewsDesk) CutKeyAt(cutter string, s *Stay, cards int) (string, error) {
	d.note(func() { d.hotel.want(s, cards) })
	return d.hotel.Annex.CutKey(cutter, s.mews, cards)
}

// OldKey is a key command that was given a while ago and that nobody took.
func (d MewsDesk) OldKey(s *Stay, age time.Duration) (string, error) {
	d.note(func() {})
	return d.hotel.Annex.CutKeyWith(d.hotel.Annex.Cutter, s.mews, mewssim.KeyOrder{Count: 1, Created: time.Now().Add(-age)})
}

// Cancel takes a command back.
func (d MewsDesk) Cancel(command string) error {
	d.note(func() {})
	return d.hotel.Annex.CancelCommand(command, "")
}

// Unanswered lists device commands that have not ended, and those that ended
// more than once.
func (h *Hotel) Unanswered() []string {
	if h.Annex == nil {
		return nil
	}
	var wrong []string
	for _, c := range h.Annex.Commands() {
		if !c.Final() {
			wrong = append(wrong, fmt.Sprintf("the device command of %s is still %s", c.Created.Format(time.TimeOnly), c.State))
		}
		ended := 0
		for _, u := range c.History {
			if u.Taken && (u.State == mewssim.Processed || u.State == mewssim.Cancelled || u.State == mewssim.Failed) {
				ended++
			}
		}
		if ended > 1 {
			wrong = append(wrong, fmt.Sprintf("the device command of %s ended %d times", c.Created.Format(time.TimeOnly), ended))
		}
	}
	return wrong
}

// heardAnnex reports whether the agent has asked Mews for anything since the
// last deed there: it reads what it hears of.
func (h *Hotel) heardAnnex() bool {
	if h.Annex == nil {
		return true
	}
	h.mu.Lock()
	deed := h.Annex.deed
	h.mu.Unlock()
	if deed.IsZero() {
		return true
	}
	for _, c := range h.Annex.Commands() {
		if !c.Final() {
			return false
		}
	}
	for _, r := range h.Annex.Audit().Calls("reservations/getAll/2023-06-06") {
		if r.Effect && r.At.After(deed) {
			return true
		}
	}
	return false
}

// annexText fills the annex's part of the property file; "" without an annex.
func (h *Hotel) annexText(text string) string {
	if h.Annex == nil {
		return ""
	}
	return strings.NewReplacer(
		"{{platform_url}}", h.Annex.PlatformURL(),
		"{{socket_url}}", h.Annex.SocketURL(),
		"{{annex_line}}", h.line(h.annexEncoder),
	).Replace(text)
}

func (h *Hotel) startAnnex() (err error) {
	if len(h.opt.Annex) == 0 {
		return nil
	}
	h.Annex, err = openAnnex(h.opt.Annex, h.Zone, &h.site.mews)
	return err
}
