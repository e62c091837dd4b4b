package hwsim

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"edgeagent/hwsim/console"
	"edgeagent/hwsim/unifisim"
)

// WiFi is the hotel's WiFi controller with the guests' phones on it, whatever
// the product. It judges by effect.
type WiFi interface {
	// URL is where it is, for people.
	URL() string
	// Join is a guest who types a credential on a phone at the portal.
	Join(mac, user, code string) error
	// Online reports whether a phone has access now.
	Online(mac string) bool
	// Access lists the credentials that it holds.
	Access() []console.Access
	// Made counts how often a credential was asked for, whatever came of it.
	Made() int
	Close() error
}

// wifiProduct is a WiFi controller that a hotel can have.
type wifiProduct struct {
	// start starts it. section is what stands under wifi in the property file,
	// a line each; secrets are the contents of the files that it names.
	start func(h *Hotel) (w WiFi, section []string, secrets map[string]string, err error)
}

// wifiProducts lists them by their name in the property file.
var wifiProducts = map[string]wifiProduct{
	"mikrotik":        {startMikroTik},
	"nomadix":         {startNomadix},
	"omada":           {startOmada},
	"opnsense":        {startOPNsense},
	"radius":          {startRadius("mysql")},
	"radius-postgres": {startRadius("postgres")},
	"unifi":           {startUniFi},
}

// WiFiProducts are the names of the WiFi controllers that a hotel can have.
func WiFiProducts() []string { return slices.Sorted(maps.Keys(wifiProducts)) }

const defaultWiFi = "unifi"

func (h *Hotel) startWiFi() (err error) {
	if h.site.wifi != nil {
		if err := h.startRehearsalWiFi(); err != nil {
			return fmt.Errorf("the WiFi controller: %w", err)
		}
		return nil
	}
	name := h.opt.WiFi
	if name == "" {
		name = defaultWiFi
	}
	product, ok := wifiProducts[name]
	if !ok {
		return fmt.Errorf("no WiFi controller %q: there are %s", name, strings.Join(WiFiProducts(), ", "))
	}
	if h.WiFi, h.wifiSection, h.wifiSecrets, err = product.start(h); err != nil {
		return fmt.Errorf("the WiFi controller: %w", err)
	}
	h.wifiSection = append(h.wifiSection, h.opt.WiFiExtra...)
	return nil
}

// uniFi counts the vouchers that were asked for.
type uniFi struct{ *unifisim.Controller }

func (u uniFi) Made() int { return posts(u.Requests(), "/vouchers") }

func startUniFi(*Hotel) (WiFi, []string, map[string]string, error) {
	sim, err := unifisim.Start(unifisim.Options{})
	if err != nil {
		return nil, nil, nil, err
	}
	return uniFi{sim}, []string{
		"controller: unifi",
		"url: " + sim.URL(),
		"api_key_file: wifi-api-key",
		"tls: { pin_sha256: " + sim.Fingerprint() + " }",
	}, map[string]string{"wifi-api-key": sim.APIKey()}, nil
}

// posts counts requests that make something.
func posts(requests []console.Request, path string) int {
	n := 0
	for _, r := range requests {
		if r.Method == "POST" && strings.Contains(r.Path, path) {
			n++
		}
	}
	return n
}

// ofStay is the credential of a stay that works now, by the stay's opaque key.
func ofStay(w WiFi, key string) (console.Access, bool) {
	for _, a := range w.Access() {
		if key != "" && strings.Contains(a.Marker, key) && a.Works {
			return a, true
		}
	}
	return console.Access{}, false
}

// works reports whether a credential would let a new device on now.
func works(w WiFi, a console.Access) bool {
	return slices.ContainsFunc(w.Access(), func(b console.Access) bool {
		return b.Works && b.User == a.User && b.Code == a.Code
	})
}
