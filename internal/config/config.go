// Package config reads the property file: one YAML file that says what this
// gateway serves. It is strict: whatever is wrong is reported together, each
// with its place, its line and the remedy.
package config

import (
	"time"

	"edgeagent/drivers/iptv"
	"edgeagent/drivers/keycard"
	"edgeagent/drivers/wifi"
	"edgeagent/pms/inspire"
	"edgeagent/pms/mews"
	"edgeagent/rules"
)

// File is a property file.
type File struct {
	// Property says which hotel this is.
	Property Property `yaml:"property"`
	// Store is the file that keeps offsets, stays and commands. Default
	// /var/lib/edgeagent/store.db; relative to the property file.
	Store string `yaml:"store"`
	// Status is the page, the metrics and the health checks.
	Status Status `yaml:"status"`
	// Log says how much is written.
	Log Log `yaml:"log"`
	// Freshness is how old an event may be to move hardware. Default 15m.
	Freshness time.Duration `yaml:"freshness_window"`
	// Patience is for a bench, where nobody wants to wait.
	Patience Patience `yaml:"patience"`
	// PMS are the links to property management systems.
	PMS []PMS `yaml:"pms"`
	// Devices are what the gateway serves.
	Devices []Device `yaml:"devices"`
	// Rules replace the table that ships; leave them out to use that.
	Rules []rules.Rule `yaml:"rules"`
}

// Property is the hotel.
type Property struct {
	// ID is short and stands in topics and client ids: a-z, 0-9, _ and -.
	ID string `yaml:"id"`
	// Name is for people.
	Name string `yaml:"name"`
	// Timezone is an IANA name such as Europe/Lisbon.
	Timezone string `yaml:"timezone"`
	// Language is a BCP 47 tag, used when a guest's is unknown. Default en.
	Language string `yaml:"language"`
	// CheckIn and CheckOut are the usual local hours, used when the PMS gives
	// only a date. Default 15:00 and 12:00.
	CheckIn  string `yaml:"check_in"`
	CheckOut string `yaml:"check_out"`
	// RoomTypes lists the room type codes, so that a rule with a misspelt one is found.
	RoomTypes []string `yaml:"room_types"`
	// Desk is the encoder at the front desk. Default: the only one.
	Desk string `yaml:"desk"`
}

// Log says how much is written.
type Log struct {
	// Level is debug, info, warn or error. Default info.
	Level string `yaml:"level"`
}

// Patience bounds the waits of the agent itself; see the waits and timers of
// links and devices for theirs.
type Patience struct {
	// Hold keeps replayed settings back until the link has caught up. Default 2m.
	Hold time.Duration `yaml:"hold"`
	// First and Most bound the wait between tries. Default 2s and 5m.
	First time.Duration `yaml:"first"`
	Most  time.Duration `yaml:"most"`
}

// PMS is a link: a name and exactly one section.
type PMS struct {
	// Name is the link's name in pages, logs and rules: a-z, 0-9, _ and -.
	Name string `yaml:"name"`
	// Inspire is Destinity Inspire, or OPERA Cloud with dialect ohip.
	Inspire *inspire.Config `yaml:"inspire"`
	// Mews is Mews, with its device commands.
	Mews *mews.Config `yaml:"mews"`
}

// Device is a device: a name and exactly one section, which says its kind.
type Device struct {
	// Name is the device's name in rules, pages and logs: a-z, 0-9, _ and -.
	Name string `yaml:"name"`
	// Keycard is an encoder of a lock system, or a module that makes keys itself.
	Keycard *keycard.Config `yaml:"keycard"`
	// IPTV is all the TVs behind one MQTT broker.
	IPTV *iptv.Config `yaml:"iptv"`
	// WiFi is a controller that gives guests access.
	WiFi *wifi.Config `yaml:"wifi"`
}

// Kind is the name of the device's section, "" if it has none.
func (d *Device) Kind() string {
	switch {
	case d.Keycard != nil:
		return "keycard"
	case d.IPTV != nil:
		return "iptv"
	case d.WiFi != nil:
		return "wifi"
	}
	return ""
}

// Loaded is a property file that was read, with what follows from it.
type Loaded struct {
	File
	// Path is where it came from.
	Path string
	// Zone is the property's time zone.
	Zone *time.Location
	// CheckInAt and CheckOutAt are the usual hours, since midnight.
	CheckInAt, CheckOutAt time.Duration
	// Table is the compiled rules.
	Table *rules.Table
}

func (f *File) defaults() {
	set(&f.Store, DefaultStore)
	set(&f.Status.Listen, defaultListen)
	set(&f.Log.Level, "info")
	set(&f.Freshness, 15*time.Minute)
	set(&f.Property.Language, "en")
	set(&f.Property.CheckIn, "15:00")
	set(&f.Property.CheckOut, "12:00")
}

func set[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
