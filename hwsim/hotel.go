// Package hwsim is a whole simulated hotel: the other end of every wire that
// the agent speaks. A PMS stream on a WebSocket, Mews for an annex, encoders of a
// lock system on pseudo-terminals, TVs on an MQTT broker, a WiFi controller on HTTPS.
//
//	Desk (what the front desk does) --> PMS stream --+
//	                                                 v
//	Judge (what a guest would find) <-- devices <-- agent, a process of its own
//
// It shares no code with the agent, and believes no answer of it: what counts
// is which doors a card opens, whose name a screen shows and which code gets on
// the WiFi.
package hwsim

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"edgeagent/hwsim/inspiresim"
	"edgeagent/hwsim/locksim"
	"edgeagent/hwsim/rehearsal"
	"edgeagent/hwsim/tvpage"
	"edgeagent/hwsim/tvsim"
)

// Options describe a hotel. The zero value has three floors of four rooms.
type Options struct {
	// Dir is where its property file, secrets and serial port go.
	Dir string
	// Rooms by number. Default 101 to 104, 201 to 204, 301 to 304.
	Rooms []string
	// Annex are the rooms of the annex, whose desk works with Mews. Default 401
	// to 404 in the hotel that Rooms has by default, else none.
	Annex []string
	// WiFi names the controller, as the property file does; "" for unifi.
	WiFi string
	// WiFiExtra are more lines of its section.
	WiFiExtra []string
	// Rules is the rule table of the property file, as YAML; "" for the agent's own.
	Rules string
	// ByHand leaves the agent the time that a person needs to put a card into an
	// encoder.
	ByHand bool
	// TCP puts the encoders behind converters on the network, for an agent on
	// another machine; else they stand on pseudo-terminals of this one.
	TCP bool
	// Rehearsal is an installer's own property file: the hotel is then called and
	// equipped as the file says, and serves a copy of it.
	Rehearsal *rehearsal.Plan
	// Broker is another broker than the simulated one, such as a real Mosquitto.
	// It need not run yet. Identity is the agent's at that broker.
	Broker   Broker
	Identity Identity
	// Seed of every chance; 0 for a fixed one.
	Seed uint64
}

// The names under which the hotel is known to its PMS and its lock system.
const (
	Chain        = "SEAVIEW"
	HotelID      = "SEAVIEW1"
	PropertyID   = "seaview"
	EncoderName  = "Online Encoder 1"
	clientID     = "edge-client"
	clientSecret = "edge-secret"
	appKey       = "APPKEY001"
	enterprise   = "SEAVIEW"
)

// Hotel is a running simulated hotel.
type Hotel struct {
	PMS     *inspiresim.Server
	Locks   *locksim.System
	Encoder *locksim.Port
	Broker  Broker
	WiFi    WiFi
	Annex   *Annex // nil without one
	// Rooms are all of them; those of Main work with the PMS stream, the others
	// are the annex's.
	Rooms, Main []string
	Zone        *time.Location
	// Encoders are those of all desks.
	Encoders []Encoder
	// Notes say what of a rehearsal the hotel cannot simulate.
	Notes []string
	// PropertyFile and StatusURL are for the agent.
	PropertyFile, StatusURL string
	// AgentPID names a file with the number of the agent's process, for a command
	// that is not the agent but has it run elsewhere, such as by systemd.
	AgentPID string

	opt          Options
	annexEncoder *locksim.Port
	wifiSection  []string          // lines of the property file
	wifiSecrets  map[string]string // files that they name
	wifiValues   map[string]string // of a rehearsal
	ports        []*locksim.Port   // of site.encoders
	status       string
	site         site
	page         *tvpage.Server // of the reference TV; nil without a broker for browsers
	mu           sync.Mutex
	tvs          map[string][]*tvsim.TV // by room
	stays        map[string]*Stay
	asked        map[string]int   // room and departure -> keys that a card may have been cut for
	owner        map[string]*Stay // the same -> whose keys those are
	sequence     int
}

// Open builds a hotel and writes the property file that serves it.
func Open(o Options) (h *Hotel, err error) {
	var notes []string
	hotel := seaView(false)
	if o.Rehearsal != nil {
		hotel, notes = rehearsed(&o)
	}
	if len(o.Rooms) == 0 && o.Rehearsal == nil {
		for _, floor := range []int{100, 200, 300} {
			for n := 1; n <= 4; n++ {
				o.Rooms = append(o.Rooms, fmt.Sprint(floor+n))
			}
		}
		if len(o.Annex) == 0 {
			o.Annex = []string{"401", "402", "403", "404"}
		}
	}
	if o.Rehearsal == nil {
		hotel = seaView(len(o.Annex) > 0)
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	h = &Hotel{
		Rooms: slices.Concat(o.Rooms, o.Annex), Main: slices.Clone(o.Rooms), opt: o, site: hotel, Notes: notes,
		tvs: map[string][]*tvsim.TV{}, stays: map[string]*Stay{}, asked: map[string]int{}, owner: map[string]*Stay{},
	}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	if h.Zone, err = time.LoadLocation(h.site.zone); err != nil {
		return nil, fmt.Errorf("the hotel's time zone: %w", err)
	}
	if h.status, err = freeAddress(); err != nil {
		return nil, err
	}
	h.StatusURL = "http://" + h.status
	for _, start := range []func() error{h.startPMS, h.startLocks, h.startAnnex, h.startTVs, h.startWiFi} {
		if err := start(); err != nil {
			return nil, err
		}
	}
	if o.Rehearsal != nil {
		return h, h.writeRehearsal()
	}
	return h, h.writeProperty()
}

func (h *Hotel) startPMS() (err error) {
	h.PMS, err = inspiresim.Start(inspiresim.Options{Dialect: h.site.dialect, Clients: []inspiresim.Client{h.site.stream}})
	if err != nil {
		return fmt.Errorf("the PMS: %w", err)
	}
	h.PMS.Change(func(f *inspiresim.Faults) {
		f.Upgrade.Key = h.site.key
		if h.site.dialect == inspiresim.OHIP {
			return
		}
		// Of the two answers of the documentation this is the richer one: events
		// name their reservation, their hotel and their time.
		f.Subscribe.Schema = inspiresim.SchemaExtended
	})
	return nil
}

func (h *Hotel) startLocks() (err error) {
	names := []string{EncoderName, AnnexEncoder}
	var rooms []string
	for _, e := range h.site.encoders {
		names = append(names, e.names...)
	}
	for _, room := range h.Rooms {
		rooms = append(rooms, h.lockNames(room)...)
	}
	h.Locks = locksim.New(locksim.Config{
		Zone: h.Zone, Seed: h.opt.Seed, Rooms: rooms, Encoders: names, ResultAck: h.site.confirms,
		AckTime: 2 * time.Millisecond, WorkTime: h.workTime(), CardWait: 700 * time.Millisecond,
	})
	for _, e := range h.site.encoders {
		var port *locksim.Port
		if e.tcp || h.opt.TCP {
			port, err = h.Locks.ListenTCP("127.0.0.1:0", e.opts)
		} else {
			port, err = h.Locks.OpenPTY(h.path(e.file), e.opts)
		}
		if err != nil {
			return fmt.Errorf("the lock system: %w", err)
		}
		h.ports = append(h.ports, port)
		for _, name := range e.names {
			h.Encoders = append(h.Encoders, Encoder{e.device, name, port})
		}
		switch {
		case h.Encoder == nil:
			h.Encoder = port
		case e.device == annexDevice:
			h.annexEncoder = port
		}
	}
	return nil
}

// workTime is what an encoder needs for a card: who puts it in by hand can also
// pull it out too early.
func (h *Hotel) workTime() time.Duration {
	if h.opt.ByHand {
		return 300 * time.Millisecond
	}
	return 30 * time.Millisecond
}

func (h *Hotel) startTVs() error {
	if h.Broker = h.opt.Broker; h.Broker == nil {
		h.Broker = tvsim.NewBroker(tvsim.BrokerOptions{Prefix: h.site.prefix, Property: h.site.property, AgentPassword: clientSecret, WebAddr: "127.0.0.1:0"})
	}
	if err := h.Broker.Start(tvsim.Keep); err != nil {
		return fmt.Errorf("the broker: %w", err)
	}
	for _, room := range h.Rooms {
		for _, key := range h.site.setsOf(room) {
			tv := tvsim.NewTV(tvsim.TVOptions{
				Access: h.Broker.Access(key), Prefix: h.site.prefix, Property: h.site.property, Room: key, ID: "tv1",
				Silence: time.Second, Redial: 200 * time.Millisecond,
			})
			tv.Plug()
			h.tvs[room] = append(h.tvs[room], tv)
		}
	}
	return h.startPage()
}

// TV is the set in a room, the first one of several.
func (h *Hotel) TV(room string) *tvsim.TV { return h.tvs[room][0] }

// TVs are all sets in a room.
func (h *Hotel) TVs(room string) []*tvsim.TV { return slices.Clone(h.tvs[room]) }

// Close switches everything off.
func (h *Hotel) Close() error {
	var errs []error
	for _, room := range h.tvs {
		for _, tv := range room {
			tv.Unplug()
		}
	}
	if h.Broker != nil {
		h.Broker.Stop()
	}
	if h.page != nil {
		errs = append(errs, h.page.Close())
	}
	if h.PMS != nil {
		errs = append(errs, h.PMS.Close())
	}
	if h.Annex != nil {
		errs = append(errs, h.Annex.Close())
	}
	if h.Locks != nil {
		errs = append(errs, h.Locks.Close())
	}
	if h.WiFi != nil {
		errs = append(errs, h.WiFi.Close())
	}
	return errors.Join(errs...)
}

// path is that of a file of the hotel.
func (h *Hotel) path(name string) string { return filepath.Join(h.opt.Dir, name) }

// freeAddress is an address for a server that starts later. It is none of those
// that the kernel gives to whoever asks for any: somebody else would have it by then.
func freeAddress() (string, error) {
	const first, last, tries = 20_000, 32_000, 100
	var err error
	for range tries {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", first+rand.IntN(last-first))); err == nil {
			address := l.Addr().String()
			return address, l.Close()
		}
	}
	return "", err
}

// writeProperty writes the property file and the secrets that it names.
func (h *Hotel) writeProperty() error {
	h.PropertyFile = h.path("property.yaml")
	files := map[string]string{
		"property.yaml":   h.property(),
		"pms-secret":      clientSecret,
		"pms-app-key":     appKey,
		"broker-password": clientSecret,
	}
	if h.Annex != nil {
		files["mews-client-token"], files["mews-access-token"] = h.Annex.ClientToken(), h.Annex.AccessToken()
	}
	maps.Copy(files, h.wifiSecrets)
	for name, text := range files {
		if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}
