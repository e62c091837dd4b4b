package hwsim

import (
	"time"

	"edgeagent/hwsim/inspiresim"
	"edgeagent/hwsim/locksim"
	"edgeagent/hwsim/rehearsal"
)

// site is what the systems of a hotel are called in its property file, and
// what they call its rooms.
type site struct {
	name             string // for people
	property, prefix string // of the TVs' topics
	zone             string
	stream           inspiresim.Client
	dialect          inspiresim.Dialect
	key              inspiresim.KeyMode
	hotel            string
	encoders         []encoderSite
	locks            map[string][]string // room -> its names in the lock system, if others
	sets             map[string][]string // room -> the keys of its TVs, if others
	mews             mewsSite
	confirms         bool // results of the lock system are answered with ACK
	// events and elements are the PMS's own words for those of the desk.
	events, elements map[string]string
	// ownRules: a rehearsed file has a rule table of its own.
	ownRules bool
	// Of a rehearsal, the sections of the file that lead here; "" for none.
	streamPath, tvPath, wifiPath string
	wifi                         *rehearsal.WiFi
	// wholeHours: cards end at a full hour.
	wholeHours bool
	grace      time.Duration // that access outlives a departure
}

// encoderSite is an encoder and the line that leads to it.
type encoderSite struct {
	device string   // in the property file
	names  []string // in the lock system
	file   string   // of its pseudo-terminal; "" for TCP
	opts   locksim.PortOptions
	path   string // of its section, in a rehearsal
	tcp    bool

	keycard *rehearsal.Keycard // in a rehearsal
}

// mewsSite is what an annex is called in Mews.
type mewsSite struct {
	service string
	rooms   map[string]string // room -> its name in Mews, if another
	locks   map[string][]string
	cutters []cutterSite
	// byRule: check-in and move cut keys as in the main house; else the desk
	// asks for each one.
	byRule bool
	path   string // of its section, in a rehearsal
	// dropServices: the file's services are ids of the real Mews.
	dropServices bool
	encoders     [][2]string // device and further encoder in the lock system
}

type cutterSite struct{ name, identifier, device string }

// Encoder is an encoder of the hotel.
type Encoder struct {
	// Device is its name in the property file, Name the one in the lock system.
	Device, Name string
	Port         *locksim.Port
}

// seaView is the hotel that is played by itself.
func seaView(annex bool) site {
	line := locksim.PortOptions{Baud: 9600}
	s := site{
		name: "Hotel Sea View", property: PropertyID, zone: "Europe/Lisbon", hotel: HotelID, grace: 3 * time.Hour,
		stream: inspiresim.Client{
			ID: clientID, Secret: clientSecret, AppKey: appKey, Enterprise: enterprise, Chains: []string{Chain},
		},
		encoders: []encoderSite{{device: "lobby-encoder", names: []string{EncoderName}, file: "encoder", opts: line}},
		mews:     mewsSite{service: "Stay", cutters: []cutterSite{{keyCutterName, keyCutterID, annexDevice}}},
	}
	if annex {
		s.encoders = append(s.encoders, encoderSite{device: annexDevice, names: []string{AnnexEncoder}, file: "annex-encoder", opts: line})
	}
	return s
}

// chain is the chain whose events the agent reads.
func (s *site) chain() string { return s.stream.Chains[0] }

// lockNames are a room's names in the lock system.
func (h *Hotel) lockNames(room string) []string {
	if names := h.site.locks[room]; len(names) > 0 {
		return names
	}
	return []string{room}
}

// cardEnd is when a card for a stay until then ends.
func (h *Hotel) cardEnd(departure time.Time) time.Time {
	if whole := departure.Truncate(time.Hour); h.site.wholeHours && whole.Before(departure) {
		return whole.Add(time.Hour)
	}
	return departure
}

// setsOf are the keys of a room's TVs.
func (s *site) setsOf(room string) []string {
	if keys := s.sets[room]; len(keys) > 0 {
		return keys
	}
	return []string{room}
}
