package hwsim

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/hwsim/inspiresim"
	"edgeagent/hwsim/locksim"
	"edgeagent/hwsim/rehearsal"
)

// casting makes the hotel that an installer's property file is rehearsed on,
// and notes what it cannot be.
type casting struct {
	opt   *Options
	plan  *rehearsal.Plan
	site  site
	notes []string
	rooms map[string]bool // that the file maps anything for
	annex map[string]bool // of those, the ones in Mews
	// hasStream and hasMews: the file has such a link.
	hasStream, hasMews bool
}

// rehearsed is the hotel of o.Rehearsal, with the rooms put into o.
func rehearsed(o *Options) (site, []string) {
	c := casting{opt: o, plan: o.Rehearsal, site: seaView(false), rooms: map[string]bool{}, annex: map[string]bool{}}
	c.site.encoders, c.site.mews.cutters = nil, nil
	c.site.name, c.site.property, c.site.zone = c.plan.Name, c.plan.Property, c.plan.Zone
	c.site.locks, c.site.sets = map[string][]string{}, map[string][]string{}
	c.site.ownRules = c.plan.OwnRules
	for i := range c.plan.Links {
		c.link(&c.plan.Links[i])
	}
	for i := range c.plan.Devices {
		c.device(&c.plan.Devices[i])
	}
	c.castRooms()
	c.mapRooms()
	return c.site, c.notes
}

func (c *casting) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

func (c *casting) link(l *rehearsal.Link) {
	switch {
	case l.Inspire != nil && c.site.streamPath == "":
		c.hasStream = true
		c.stream(l)
	case l.Mews != nil && c.site.mews.path == "":
		c.hasMews = true
		c.mews(l)
	default:
		c.note("pms %s: the hotel has one event stream and one Mews; this link leads nowhere and stays down", l.Name)
	}
}

// keyModes are the forms of the stream's key by their names in the property file.
var keyModes = map[string]inspiresim.KeyMode{
	"base64": inspiresim.KeyBase64, "base64url": inspiresim.KeyBase64URL,
	"sha256hex": inspiresim.KeySHA256Hex, "literal": inspiresim.KeyLiteral,
}

// deskWords are the events and elements that the desk tells, by what a property
// file's aliases say that they mean.
var deskWords = map[string]string{
	"stay.check_in": "CHECK IN", "stay.check_out": "CHECK OUT", "reservation.update": "UPDATE RESERVATION",
	"stay.check_in_undo": "REVERSE CHECK IN", "stay.check_out_undo": "REVERSE CHECK OUT",
	"guest.message": "NEW GUEST MESSAGE", "room.status": "UPDATE ROOM STATUS",
	"confirmation": "CONFIRMATION NO", "room": "ROOM", "last_name": "NAME", "first_name": "FIRST NAME",
	"title": "TITLE", "language": "LANGUAGE", "departure_date": "DEPARTURE DATE", "departure_time": "CHECKOUT TIME",
	"shared": "SHARE YN", "status": "RESERVATION STATUS", "message": "MESSAGE", "message_title": "MESSAGE TITLE",
	"room_status": "ROOM STATUS",
}

func (c *casting) stream(l *rehearsal.Link) {
	s := l.Inspire
	c.site.streamPath = l.Path
	c.site.stream = inspiresim.Client{
		ID: s.Client, Secret: clientSecret, AppKey: appKey, Enterprise: s.Enterprise, Chains: []string{s.Chain},
	}
	if s.Username != "" {
		c.site.stream.Username, c.site.stream.Password = s.Username, clientSecret
	}
	c.site.hotel = cmp.Or(s.Hotel, HotelID)
	if s.Dialect == "ohip" {
		c.site.dialect, c.site.key = inspiresim.OHIP, inspiresim.KeySHA256Hex
	}
	if mode, ok := keyModes[s.KeyMode]; ok {
		c.site.key = mode
	}
	c.site.events, c.site.elements = c.own(l.Name, s.Aliases.Events), c.own(l.Name, s.Aliases.Elements)
}

// own are the PMS's own words for those of the desk.
func (c *casting) own(link string, aliases map[string]string) map[string]string {
	own := map[string]string{}
	for _, alias := range slices.Sorted(maps.Keys(aliases)) {
		word, ok := deskWords[aliases[alias]]
		switch {
		case !ok:
			c.note("pms %s: the hotel's desk tells nothing that is %q, so the alias %q is not rehearsed", link, aliases[alias], alias)
		case own[word] != "":
			c.note("pms %s: the desk says %q for %s, so the alias %q is not rehearsed", link, own[word], aliases[alias], alias)
		default:
			own[word] = alias
		}
	}
	return own
}

// idForm is that of an id of Mews.
var idForm = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-`)

func (c *casting) mews(l *rehearsal.Link) {
	m, to := l.Mews, &c.site.mews
	to.path, to.rooms, to.locks = l.Path, map[string]string{}, map[string][]string{}
	if len(m.Services) > 0 {
		if to.service = m.Services[0]; slices.ContainsFunc(m.Services, idForm.MatchString) {
			to.service, to.dropServices = "Stay", true
			c.note("pms %s: services has ids of the real Mews; the copy leaves it out", l.Name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(m.Rooms)) {
		to.rooms[m.Rooms[name]] = name
		c.rooms[m.Rooms[name]], c.annex[m.Rooms[name]] = true, true
	}
	for _, lock := range slices.Sorted(maps.Keys(m.Locks)) {
		room := m.Locks[lock]
		to.locks[room] = append(to.locks[room], lock)
		c.rooms[room], c.annex[room] = true, true
	}
	to.byRule = len(m.Devices) == 0
	if m.KeysByCommand != nil {
		to.byRule = !*m.KeysByCommand
	}
	for _, d := range m.Devices {
		to.cutters = append(to.cutters, cutterSite{d.Mews, d.Mews, d.Device})
		if d.Encoder != "" {
			to.encoders = append(to.encoders, [2]string{d.Device, d.Encoder})
		}
	}
}

func (c *casting) device(d *rehearsal.Device) {
	switch {
	case d.Keycard != nil:
		c.keycard(d)
	case d.IPTV != nil && c.site.tvPath != "":
		c.note("device %s: the hotel has one TV broker; this one leads nowhere", d.Name)
	case d.IPTV != nil:
		c.site.tvPath, c.site.prefix = d.Path, d.IPTV.Prefix
		if len(d.IPTV.Bridges) > 0 {
			c.note("device %s: the hotel has sets that speak the contract of the TVs, and no products behind bridges", d.Name)
		}
		for room, keys := range d.IPTV.Rooms {
			c.rooms[room], c.site.sets[room] = true, keys
		}
	case d.WiFi != nil:
		c.wifi(d)
	}
}

func (c *casting) wifi(d *rehearsal.Device) {
	if _, ok := wifiRehearsals[d.WiFi.Controller]; !ok {
		c.note("device %s: the hotel has no %s controller (it can have %s); this device leads nowhere", d.Name, d.WiFi.Controller,
			strings.Join(slices.Sorted(maps.Keys(wifiRehearsals)), ", "))
		return
	}
	if c.site.wifiPath != "" {
		c.note("device %s: the hotel has one WiFi controller; this one leads nowhere", d.Name)
		return
	}
	c.site.wifiPath, c.site.wifi = d.Path, d.WiFi
	if grace, err := time.ParseDuration(d.WiFi.Grace); err == nil {
		c.site.grace = grace + time.Hour
	}
}

func (c *casting) keycard(d *rehearsal.Device) {
	k := d.Keycard
	if k.Panel != nil {
		c.note("device %s: lamp, buzzer, card switch and relay are on pins of the gateway; the copy leaves panel out", d.Name)
	}
	if k.Protocol == "pn532" {
		c.note("device %s: the hotel has no locks for keys of a PN532; this device leads nowhere", d.Name)
		return
	}
	family := locksim.Family(cmp.Or(k.Protocol, string(locksim.SALTO)))
	name := k.Encoder
	if n, err := strconv.Atoi(name); err == nil && family != locksim.SALTO {
		name = strconv.Itoa(n) // 01 is encoder 1
	}
	c.site.wholeHours = c.site.wholeHours || family == locksim.Onity
	c.site.confirms = c.site.confirms || k.AckResult
	e := encoderSite{device: d.Name, names: []string{name}, path: d.Path, tcp: k.Address != "", keycard: k,
		file: fmt.Sprintf("encoder-%d", len(c.site.encoders)+1),
		opts: locksim.PortOptions{Family: family, Baud: cmp.Or(k.Baud, 9600), TwoStop: k.StopBits == 2}}
	for _, more := range c.site.mews.encoders {
		if more[0] == d.Name && !slices.Contains(e.names, more[1]) {
			e.names = append(e.names, more[1])
		}
	}
	c.site.encoders = append(c.site.encoders, e)
	for room := range k.Rooms {
		c.rooms[room] = true
	}
}

// castRooms settles which rooms there are, and which of them are in Mews.
func (c *casting) castRooms() {
	o := c.opt
	switch named := slices.Sorted(maps.Keys(c.rooms)); {
	case len(o.Rooms)+len(o.Annex) > 0:
		if !c.hasStream {
			o.Rooms, o.Annex = nil, slices.Concat(o.Rooms, o.Annex)
		}
	case len(named) == 0:
		named = []string{"101", "102", "103", "104", "201", "202", "203", "204"}
		c.note("the file maps no room, so the hotel has %s; --rooms names others", strings.Join(named, ", "))
		fallthrough
	default:
		for _, room := range named {
			if c.annex[room] || !c.hasStream {
				o.Annex = append(o.Annex, room)
			} else {
				o.Rooms = append(o.Rooms, room)
			}
		}
	}
	if c.hasStream && c.hasMews && len(o.Annex) == 0 {
		c.note("no room is in Mews, since its section maps none; --mews-rooms names some")
	}
	if !c.hasMews && len(o.Annex) > 0 && c.hasStream {
		o.Rooms, o.Annex = slices.Concat(o.Rooms, o.Annex), nil
	}
}

// mapRooms gives each room its names at the encoders.
func (c *casting) mapRooms() {
	for _, room := range slices.Concat(c.opt.Rooms, c.opt.Annex) {
		for _, e := range c.site.encoders {
			name := cmp.Or(e.keycard.Rooms[room], room)
			if !slices.Contains(c.site.locks[room], name) {
				c.site.locks[room] = append(c.site.locks[room], name)
			}
		}
	}
}
