package config

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"edgeagent/internal/language"
	"edgeagent/internal/zones"
	"edgeagent/pms/mews"
)

var (
	slug = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
	name = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)
)

// Bounds of a property. A hotel has a handful; each costs memory and a lane.
const (
	maxLinks   = 20
	maxDevices = 200
)

// property checks what is said of the hotel, and works out zone and hours.
func (c *checker) property(l *Loaded) {
	p := &l.Property
	if _, given := c.at["property"]; !given {
		c.tell("property", "property: is missing; begin with it, and under it id:, name: and timezone:")
		c.spoil("property")
	}
	switch {
	case p.ID == "":
		c.add("property.id", "property.id is missing; write a short name for topics and logs, such as id: seaview")
	case !slug.MatchString(p.ID):
		c.add("property.id", "property.id %q stands in topics, so it may have only a-z, 0-9, _ and -, at most 64, such as id: seaview", short(p.ID))
	}
	set(&p.Name, p.ID)
	l.Zone = c.zone(p.Timezone)
	if _, err := language.Parse(p.Language); err != nil {
		c.add("property.language", "unknown language %q; write a BCP 47 tag, such as en or pt-PT", short(p.Language))
	}
	l.CheckInAt = c.hour("property.check_in", p.CheckIn)
	l.CheckOutAt = c.hour("property.check_out", p.CheckOut)
	seen := map[string]bool{}
	for i, code := range p.RoomTypes {
		path := fmt.Sprintf("property.room_types[%d]", i)
		switch {
		case code == "":
			c.add(path, "an empty room type; write the code as the PMS spells it, or remove the entry")
		case seen[code]:
			c.add(path, "room type %q is listed twice; remove one", short(code))
		}
		seen[code] = true
	}
}

// zone finds a time zone; UTC stands for one that is wrong.
func (c *checker) zone(name string) *time.Location {
	const path = "property.timezone"
	if name == "" {
		c.add(path, "property.timezone is missing; write the hotel's IANA zone, such as timezone: Europe/Lisbon")
		return time.UTC
	}
	zone, err := zones.Load(name)
	if err != nil || name == "Local" {
		c.add(path, "unknown time zone %q; write an IANA name, such as timezone: Europe/Lisbon", short(name))
		return time.UTC
	}
	return zone
}

func (c *checker) hour(path, text string) time.Duration {
	t, err := time.Parse("15:04", text)
	if err != nil {
		c.add(path, "%s must be a local hour such as \"12:00\", not %q", last(path), short(text))
		return 0
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

// settings checks what is said of the agent itself.
func (c *checker) settings(l *Loaded) {
	levels := []string{"debug", "info", "warn", "error"}
	if !slices.Contains(levels, l.Log.Level) {
		c.add("log.level", "unknown log level %q; %s", short(l.Log.Level), didYouMean(l.Log.Level, levels))
	}
	for _, b := range []struct {
		path      string
		value     time.Duration
		low, high time.Duration
	}{
		{"freshness_window", l.Freshness, time.Minute, 24 * time.Hour},
		{"patience.hold", l.Patience.Hold, time.Second, time.Hour},
		{"patience.first", l.Patience.First, 10 * time.Millisecond, time.Hour},
		{"patience.most", l.Patience.Most, 10 * time.Millisecond, 24 * time.Hour},
	} {
		if b.value != 0 && (b.value < b.low || b.value > b.high) {
			c.add(b.path, "%s %s is out of range: write %s to %s", last(b.path), span(b.value), span(b.low), span(b.high))
		}
	}
	if p := l.Patience; p.First > p.Most && p.Most > 0 {
		c.add("patience.first", "first %s is longer than most %s; exchange them", span(p.First), span(p.Most))
	}
	if info, err := os.Stat(beside(l.Path, l.Store)); err == nil && info.IsDir() {
		c.add("store", "store: %s is a folder; name a file in it, such as store.db", short(l.Store))
	}
}

// span is a round length of time without its zeros: 1h, not 1h0m0s.
func span(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// links checks the PMS links.
func (c *checker) links(l *Loaded) {
	if len(l.PMS) == 0 {
		c.add("pms", "no PMS link; write pms: and below it an entry with a name and a section such as inspire: or mews:")
	}
	if len(l.PMS) > maxLinks {
		c.add(fmt.Sprintf("pms[%d]", maxLinks), "%d PMS links, and at most %d are possible", len(l.PMS), maxLinks)
		l.PMS = l.PMS[:maxLinks]
	}
	seen, sockets, tokens := map[string]string{}, map[[3]string]string{}, map[string]string{}
	for i := range l.PMS {
		link, path := &l.PMS[i], fmt.Sprintf("pms[%d]", i)
		c.named(seen, path, link.Name, "PMS link")
		switch {
		case link.Inspire != nil && link.Mews != nil:
			c.tell(path+".mews", "PMS link %q has the sections inspire and mews; a link has exactly one, make another link of the other", short(link.Name))
		case link.Inspire != nil:
			c.section(path+".inspire", link.Inspire.Problems())
			c.socket(sockets, path+".inspire", link.Inspire.WithDefaults())
		case link.Mews != nil:
			c.section(path+".mews", link.Mews.Problems())
			c.token(tokens, path+".mews", link.Mews)
			c.cutters(l, path+".mews", link.Mews)
		case !c.shadowedEntry(path):
			c.tell(path, "PMS link %q has no section; add inspire: or mews: and its settings", short(link.Name))
		}
	}
}

// cutters checks that what stands for a key cutter is an encoder here.
func (c *checker) cutters(l *Loaded, path string, m *mews.Config) {
	for at, device := range m.Targets() {
		i := slices.IndexFunc(l.Devices, func(d Device) bool { return d.Name == device })
		switch {
		case i < 0:
			c.add(join(path, at), "there is no device %q; write the name of an encoder under devices", short(device))
		case l.Devices[i].Keycard == nil:
			c.add(join(path, at), "device %q is no encoder; write the name of one with a keycard section", short(device))
		}
	}
}

// devices checks the devices.
func (c *checker) devices(l *Loaded) {
	if len(l.Devices) == 0 {
		c.add("devices", "no devices: nothing will move; write devices: and below it an entry with a name and a section such as keycard:").Warning = true
	}
	if len(l.Devices) > maxDevices {
		c.add(fmt.Sprintf("devices[%d]", maxDevices), "%d devices, and at most %d are possible", len(l.Devices), maxDevices)
		l.Devices = l.Devices[:maxDevices]
	}
	seen, wires, lines := map[string]string{}, map[string]string{}, map[string]string{}
	for i := range l.Devices {
		d, path := &l.Devices[i], fmt.Sprintf("devices[%d]", i)
		c.named(seen, path, d.Name, "device")
		c.namesake(l, path, d.Name)
		var kinds []string
		if d.Keycard != nil {
			kinds = append(kinds, "keycard")
			c.section(path+".keycard", d.Keycard.Problems())
			c.port(path+".keycard.port", d.Keycard.Port)
			c.wire(wires, path+".keycard", d.Keycard)
			c.pins(lines, path+".keycard", d.Keycard)
		}
		if d.IPTV != nil {
			kinds = append(kinds, "iptv")
			c.section(path+".iptv", d.IPTV.Problems())
			c.shownWiFi(l, path+".iptv.show_wifi", d.IPTV.ShowWifi)
		}
		if d.WiFi != nil {
			kinds = append(kinds, "wifi")
			c.section(path+".wifi", d.WiFi.Problems())
		}
		switch {
		case len(kinds) > 1:
			c.tell(path+"."+kinds[1], "device %q has the sections %s; a device has exactly one, make another device of the other",
				short(d.Name), strings.Join(kinds, " and "))
		case len(kinds) == 0 && !c.shadowedEntry(path):
			c.tell(path, "device %q has no section that says what it is; add keycard:, iptv: or wifi: and its settings", short(d.Name))
		}
	}
}

// shownWiFi: the codes on the TVs come from a WiFi device of this file.
func (c *checker) shownWiFi(l *Loaded, path, given string) {
	var all []string
	nameless := false // of the network, without whose name no code is of use
	for i := range l.Devices {
		if w := l.Devices[i].WiFi; w != nil {
			all = append(all, l.Devices[i].Name)
			nameless = nameless || l.Devices[i].Name == given && w.Network.SSID == ""
		}
	}
	switch {
	case nameless:
		c.tell(path, "show_wifi needs the name of the network of %q, or its codes are not shown; write network: { ssid: ... } there", short(given))
	case given == "" || slices.Contains(all, given):
	case len(all) == 0:
		c.tell(path, "show_wifi names %q, but there is no WiFi device whose codes could be shown; remove the line", short(given))
	default:
		c.tell(path, "show_wifi names %q, which is no WiFi device; write %s", short(given), strings.Join(all, " or "))
	}
}

// shadowedEntry reports whether an entry of a list is no section, or has a key
// that it does not know: perhaps the very one that is missed.
func (c *checker) shadowedEntry(path string) bool {
	return slices.ContainsFunc(c.faults, func(f string) bool { return f == path || parent(f) == path || within(path, f) })
}

func (c *checker) named(seen map[string]string, path, given, what string) {
	if c.shadowed(path+".name") || c.shadowedEntry(path) && given == "" {
		return
	}
	switch first, twice := seen[given]; {
	case given == "":
		c.tell(path, "this %s has no name; add name: and a short one, such as lobby", what)
	case !name.MatchString(given):
		c.tell(path+".name", "%s name %q may have only a-z, 0-9, _ and -, at most 40", what, short(given))
	case twice:
		c.tell(path+".name", "two %ss are called %q, the first in line %d; give one another name", what, given, c.line(first))
	case what == "device" && given == deskWord:
		c.tell(path+".name", "desk is the word by which rules mean the encoder at the front desk, so no device can have this name; choose another, such as front-desk")
	default:
		seen[given] = path + ".name"
	}
}

// section takes over what a section says of itself.
func (c *checker) section(path string, problems iter.Seq2[string, string]) {
	for at, message := range problems {
		full := join(path, at)
		key := last(full)
		switch verb, _, _ := strings.Cut(message, " "); {
		case strings.HasPrefix(message, key):
		case strings.HasPrefix(message, "missing"):
			message = key + " is " + message
		case slices.Contains([]string{"is", "must", "has", "holds", "names"}, verb):
			message = key + " " + message
		default:
			message = key + ": " + message
		}
		p := c.add(full, "%s", message)
		if key == "client_id" { // a slip there is often that the secret stands in it too
			p.Source = ""
		}
	}
}

// port reports a serial port that is not there now.
func (c *checker) port(path, port string) {
	if port == "" || c.said[path] {
		return
	}
	info, err := os.Stat(port)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		c.add(path, "no serial port %s; plug the adapter in, or write one that \"ls /dev/serial/by-id\" shows", short(port)).Warning = true
	case err == nil && info.Mode()&fs.ModeCharDevice == 0:
		c.add(path, "%s is not a serial port; write one that \"ls /dev/serial/by-id\" shows", short(port))
	}
}
