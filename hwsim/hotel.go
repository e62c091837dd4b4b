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
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"edgeagent/hwsim/inspiresim"
	"edgeagent/hwsim/locksim"
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
	// PropertyFile and StatusURL are for the agent.
	PropertyFile, StatusURL string

	opt          Options
	annexEncoder *locksim.Port
	wifiSection  []string          // lines of the property file
	wifiSecrets  map[string]string // files that they name
	status       string
	page         *tvpage.Server // of the reference TV; nil without a broker for browsers
	mu           sync.Mutex
	tvs          map[string]*tvsim.TV
	stays        map[string]*Stay
	asked        map[string]int   // room and departure -> keys that a card may have been cut for
	owner        map[string]*Stay // the same -> whose keys those are
	sequence     int
}

// Open builds a hotel and writes the property file that serves it.
func Open(o Options) (h *Hotel, err error) {
	if len(o.Rooms) == 0 {
		for _, floor := range []int{100, 200, 300} {
			for n := 1; n <= 4; n++ {
				o.Rooms = append(o.Rooms, fmt.Sprint(floor+n))
			}
		}
		if len(o.Annex) == 0 {
			o.Annex = []string{"401", "402", "403", "404"}
		}
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	h = &Hotel{
		Rooms: slices.Concat(o.Rooms, o.Annex), Main: slices.Clone(o.Rooms), opt: o,
		tvs: map[string]*tvsim.TV{}, stays: map[string]*Stay{}, asked: map[string]int{}, owner: map[string]*Stay{},
	}
	defer func() {
		if err != nil {
			h.Close()
		}
	}()
	if h.Zone, err = time.LoadLocation("Europe/Lisbon"); err != nil {
		return nil, err
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
	return h, h.writeProperty()
}

func (h *Hotel) startPMS() (err error) {
	h.PMS, err = inspiresim.Start(inspiresim.Options{Clients: []inspiresim.Client{{
		ID: clientID, Secret: clientSecret, AppKey: appKey, Enterprise: enterprise, Chains: []string{Chain},
	}}})
	if err != nil {
		return fmt.Errorf("the PMS: %w", err)
	}
	// Of the two answers of the documentation this is the richer one: events
	// name their reservation, their hotel and their time.
	h.PMS.Change(func(f *inspiresim.Faults) { f.Subscribe.Schema = inspiresim.SchemaExtended })
	return nil
}

func (h *Hotel) startLocks() (err error) {
	h.Locks = locksim.New(locksim.Config{
		Zone: h.Zone, Seed: h.opt.Seed, Rooms: h.Rooms, Encoders: []string{EncoderName, AnnexEncoder},
		AckTime: 2 * time.Millisecond, WorkTime: 30 * time.Millisecond, CardWait: 700 * time.Millisecond,
	})
	h.Encoder, err = h.Locks.OpenPTY(h.path("encoder"), locksim.PortOptions{Baud: 9600})
	if err != nil {
		return fmt.Errorf("the lock system: %w", err)
	}
	return nil
}

func (h *Hotel) startTVs() error {
	if h.Broker = h.opt.Broker; h.Broker == nil {
		h.Broker = tvsim.NewBroker(tvsim.BrokerOptions{Property: PropertyID, AgentPassword: clientSecret, WebAddr: "127.0.0.1:0"})
	}
	if err := h.Broker.Start(tvsim.Keep); err != nil {
		return fmt.Errorf("the broker: %w", err)
	}
	for _, room := range h.Rooms {
		tv := tvsim.NewTV(tvsim.TVOptions{
			Access: h.Broker.Access(room), Property: PropertyID, Room: room, ID: "tv1",
			Silence: time.Second, Redial: 200 * time.Millisecond,
		})
		tv.Plug()
		h.tvs[room] = tv
	}
	return h.startPage()
}

// TV is the set in a room.
func (h *Hotel) TV(room string) *tvsim.TV { return h.tvs[room] }

// Close switches everything off.
func (h *Hotel) Close() error {
	var errs []error
	for _, tv := range h.tvs {
		tv.Unplug()
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

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	return l.Addr().String(), nil
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
