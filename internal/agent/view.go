package agent

import (
	"slices"
	"sort"
	"sync"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
	"edgeagent/pms"
)

// View is how things stand, for the status page and the metrics. It holds no
// guest's name and no secret.
type View struct {
	Started time.Time     `json:"started"`
	Links   []LinkView    `json:"links"`
	Devices []DeviceView  `json:"devices"`
	Rooms   []RoomView    `json:"rooms"`
	Open    []CommandView `json:"open"`
	Recent  []CommandView `json:"recent"`
	// Events are the last that happened, the newest first.
	Events []EventView `json:"events"`
	// Unknown are the commands of which a person must find out whether they were carried out.
	Unknown    []CommandView    `json:"unknown"`
	Conditions []Condition      `json:"conditions"`
	Unmapped   []UnmappedView   `json:"unmapped"`
	Quarantine int              `json:"quarantine"`
	Counts     map[string]int64 `json:"counts"`
	StoreBytes int64            `json:"store_bytes"`
}

// LinkView is a PMS link.
type LinkView struct {
	Name   string   `json:"name"`
	Offset string   `json:"offset"`
	Link   pms.Link `json:"link"`
	// Reconnects: a person can have it opened anew, see Agent.Reconnect.
	Reconnects bool `json:"reconnects,omitempty"`
	// Commands are the device commands of the PMS that have no answer yet.
	Commands []AskView `json:"commands,omitempty"`
}

// DeviceView is a device with its lane.
type DeviceView struct {
	Name    string        `json:"name"`
	Kind    string        `json:"kind"`
	State   drivers.State `json:"state"`
	Waiting int           `json:"waiting"`
	Doing   []Doing       `json:"doing,omitempty"`
	// Remark is what people must know of the device although nothing is wrong.
	Remark string `json:"remark,omitempty"`
}

// Doing is a command under way, with the last step a person may wait for.
type Doing struct {
	Command string       `json:"command"`
	Subject string       `json:"subject"`
	Step    drivers.Step `json:"step,omitempty"`
	Since   time.Time    `json:"since"`
}

// RoomView is a room with somebody in it; stays by their opaque keys.
type RoomView struct {
	Room      string    `json:"room"`
	Stays     []string  `json:"stays"`
	Guests    int       `json:"guests"`
	Departure time.Time `json:"departure,omitzero"`
	DND       bool      `json:"dnd,omitempty"`
	// KeyUntil is when the last key cut for the room ends; before Departure it
	// must be cut again, since a card in a pocket cannot be extended.
	KeyUntil time.Time `json:"key_until,omitzero"`
	// Outcomes tell how the newest command about the room stands, by kind of device.
	Outcomes map[string]Outcome `json:"outcomes,omitempty"`
}

// CommandView is a command without its parameters.
type CommandView struct {
	ID      string `json:"id"`
	Device  string `json:"device"`
	Action  string `json:"action,omitempty"`
	Subject string `json:"subject"`
	// Setting: it goes when the stay changes, and is not taken back by hand.
	Setting bool              `json:"setting,omitempty"`
	State   offsetstore.State `json:"state"`
	Tries   int               `json:"tries"`
	Note    string            `json:"note,omitempty"`
	Unknown bool              `json:"unknown,omitempty"`
	// Retry: it has failed, and a person may have it given out once more.
	Retry   bool      `json:"retry,omitempty"`
	Created time.Time `json:"created"`
	Due     time.Time `json:"due,omitzero"`
	Settled time.Time `json:"settled,omitzero"`
}

// UnmappedView is a name of the PMS that nothing maps.
type UnmappedView struct {
	Source string    `json:"source"`
	Name   string    `json:"name"`
	Count  int       `json:"count"`
	Last   time.Time `json:"last"`
}

func commandView(c offsetstore.Command) CommandView {
	return CommandView{
		ID: c.ID, Device: c.Lane, Action: actionOf(c), Subject: c.Subject, Setting: c.Setting, State: c.State, Tries: c.Tries, Note: c.Note,
		Unknown: c.Unknown, Created: c.Created, Due: c.Due, Settled: c.Settled,
	}
}

// Look takes a view.
func (a *Agent) Look() (View, error) {
	v := View{Started: a.started, StoreBytes: a.store.Size(), Counts: a.counts.view()}
	open, err := a.store.Open()
	if err != nil {
		return v, err
	}
	waiting := map[string]int{}
	for _, c := range open {
		waiting[c.Lane]++
		v.Open = append(v.Open, commandView(c))
	}
	for _, src := range a.sources {
		offset, err := a.store.Offset(src.String())
		if err != nil {
			return v, err
		}
		asks, err := a.reporters[src.String()].view()
		if err != nil {
			return v, err
		}
		_, reconnects := src.(reconnecter)
		v.Links = append(v.Links, LinkView{src.String(), offset, src.Link(), reconnects, asks})
	}
	for _, d := range a.devices {
		dv := DeviceView{Name: d.name, Kind: d.Kind, State: d.Driver.State(), Waiting: waiting[d.name], Doing: d.now.list()}
		if r, ok := d.Driver.(drivers.Remarker); ok {
			dv.Remark = r.Remark()
		}
		v.Devices = append(v.Devices, dv)
	}
	v.Recent = a.recent.list(func(c offsetstore.Command) bool { return a.retryable(c) == nil })
	v.Events = a.happened.list()
	if v.Rooms, err = a.rooms(open); err != nil {
		return v, err
	}
	unmapped, err := a.store.Unmapped()
	if err != nil {
		return v, err
	}
	for _, u := range unmapped {
		v.Unmapped = append(v.Unmapped, UnmappedView{u.Source, u.Name, u.Count, u.At})
	}
	quarantined, err := a.store.Quarantined()
	if err != nil {
		return v, err
	}
	v.Quarantine = len(quarantined)
	unknown, err := a.store.Unknown()
	if err != nil {
		return v, err
	}
	for _, c := range unknown {
		v.Unknown = append(v.Unknown, commandView(c))
	}
	v.Conditions = a.conditions(v, time.Now())
	return v, nil
}

// rooms lists the rooms with somebody in them, by room.
func (a *Agent) rooms(open []offsetstore.Command) ([]RoomView, error) {
	outcomes, err := a.outcomesNow(open)
	if err != nil {
		return nil, err
	}
	var kinds []string
	for _, d := range a.devices {
		if !slices.Contains(kinds, d.Kind) {
			kinds = append(kinds, d.Kind)
		}
	}
	byRoom := map[string]*RoomView{}
	a.mu.Lock()
	for stay := range a.ledger.InHouse() {
		r := byRoom[stay.Room]
		if r == nil {
			r = &RoomView{Room: stay.Room}
			byRoom[stay.Room] = r
		}
		r.Stays = append(r.Stays, stay.Key)
		r.Guests += len(stay.Guests)
		r.DND = r.DND || stay.DND
		if stay.Departure.After(r.Departure) {
			r.Departure = stay.Departure
		}
	}
	a.mu.Unlock()
	rooms := make([]RoomView, 0, len(byRoom))
	for _, r := range byRoom {
		key := a.roomKey(r.Room, r.Stays)
		r.KeyUntil = key.until
		r.Outcomes = ofRoom(outcomes, kinds, r)
		if out, ok := r.Outcomes["keycard"]; ok {
			r.Outcomes["keycard"] = out.made(key)
		}
		rooms = append(rooms, *r)
	}
	sort.Slice(rooms, func(i, j int) bool { return rooms[i].Room < rooms[j].Room })
	return rooms, nil
}

func (c *counts) view() map[string]int64 {
	return map[string]int64{
		"notices": c.notices.Load(), "quiet": c.quiet.Load(), "events": c.events.Load(), "commands": c.commands.Load(),
		"processed": c.processed.Load(), "cancelled": c.cancelled.Load(), "failed": c.failed.Load(),
		"unknown": c.unknown.Load(), "tries": c.tries.Load(),
	}
}

// recent remembers the last settled commands, failures longer than successes.
// Of failures it keeps the whole, so that a person can have them tried again.
type recent struct {
	mu   sync.Mutex
	good []CommandView
	bad  []offsetstore.Command
}

const maxRecent = 100

func (r *recent) add(c offsetstore.Command) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c.State != offsetstore.Error {
		if r.good = append(r.good, commandView(c)); len(r.good) > maxRecent {
			r.good = slices.Delete(r.good, 0, 1)
		}
		return
	}
	if r.bad = append(r.bad, c); len(r.bad) > maxRecent {
		r.bad = slices.Delete(r.bad, 0, 1)
	}
}

// open finds what a person found not done before the start: that is kept as a
// whole, so that it can still be tried again. Of other failures what they were to do
// is forgotten with the process, since there are names in it.
func (r *recent) open(store *offsetstore.Store) {
	notDone, err := store.NotDone()
	if err != nil {
		return // Look says what is wrong with the store
	}
	for _, c := range notDone {
		r.add(c)
	}
}

// failed is a command that has failed lately.
func (r *recent) failed(id string) (offsetstore.Command, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.bad, func(c offsetstore.Command) bool { return c.ID == id })
	if i < 0 {
		return offsetstore.Command{}, false
	}
	return r.bad[i], true
}

// resolved notes what a person found out about a command. One that was done has
// not failed.
func (r *recent) resolved(c offsetstore.Command) {
	r.mu.Lock()
	r.bad = slices.DeleteFunc(r.bad, func(b offsetstore.Command) bool { return b.ID == c.ID })
	r.mu.Unlock()
	r.add(c)
}

// list is the newest first; retryable says of which a person may try again.
func (r *recent) list(retryable func(offsetstore.Command) bool) []CommandView {
	r.mu.Lock()
	all, bad := slices.Clone(r.good), slices.Clone(r.bad)
	r.mu.Unlock()
	for _, c := range bad {
		shown := commandView(c)
		shown.Retry = retryable(c)
		all = append(all, shown)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Settled.After(all[j].Settled) })
	return all
}
