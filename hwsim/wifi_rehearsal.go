package hwsim

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"edgeagent/hwsim/mikrotiksim"
	"edgeagent/hwsim/nomadixsim"
	"edgeagent/hwsim/omadasim"
	"edgeagent/hwsim/opnsensesim"
	"edgeagent/hwsim/rehearsal"
	"edgeagent/hwsim/unifisim"
)

// cast is a controller for a rehearsal: what the copy has for its url and tls,
// and its secrets by the keys that name their files.
type cast struct {
	WiFi
	values, secrets map[string]string
}

// wifiRehearsals start the controller that a property file has, by its product.
var wifiRehearsals = map[string]func(w *rehearsal.WiFi) (cast, error){
	"mikrotik": castMikroTik,
	"nomadix":  castNomadix,
	"omada":    castOmada,
	"opnsense": castOPNsense,
	"unifi":    castUniFi,
}

// rehearsalPassword is that of every account in a rehearsal.
const rehearsalPassword = "rehearsal-password"

func (h *Hotel) startRehearsalWiFi() error {
	c, err := wifiRehearsals[h.site.wifi.Controller](h.site.wifi)
	if err != nil {
		return err
	}
	h.WiFi, h.wifiValues, h.wifiSecrets = c.WiFi, c.values, c.secrets
	return nil
}

func pinned(url, fingerprint string) map[string]string {
	return map[string]string{"url": url, "tls": "{ pin_sha256: \"" + fingerprint + "\" }"}
}

func castUniFi(w *rehearsal.WiFi) (cast, error) {
	sim, err := unifisim.Start(unifisim.Options{
		Sites: []string{cmp.Or(w.Site, "default")}, User: w.User, Password: rehearsalPassword,
	})
	if err != nil {
		return cast{}, err
	}
	return cast{uniFi{sim}, pinned(sim.URL(), sim.Fingerprint()),
		map[string]string{"api_key_file": sim.APIKey(), "password_file": rehearsalPassword}}, nil
}

func castMikroTik(w *rehearsal.WiFi) (cast, error) {
	o := mikrotiksim.Options{User: w.User, Password: rehearsalPassword, Policies: []string{"read", "write", "rest-api"}}
	if w.Server != "" {
		o.Servers = []string{w.Server}
	}
	seen := map[string]bool{}
	for _, tier := range slices.Sorted(maps.Keys(w.Tiers)) {
		if t := w.Tiers[tier]; t.Profile != "" && !seen[t.Profile] {
			seen[t.Profile] = true
			o.Profiles = append(o.Profiles, mikrotiksim.Profile{
				Name: t.Profile, DownKbps: t.DownKbps, UpKbps: t.UpKbps, SharedUsers: cmp.Or(w.Devices, 5),
			})
		}
	}
	sim, err := mikrotiksim.Start(o)
	if err != nil {
		return cast{}, err
	}
	return cast{mikroTik{sim}, pinned(sim.URL(), sim.Fingerprint()), map[string]string{"password_file": rehearsalPassword}}, nil
}

func castNomadix(w *rehearsal.WiFi) (cast, error) {
	o := nomadixsim.Options{
		User: w.User, Password: rehearsalPassword, Newer: w.Credentials == "groups" || w.Credentials == "codes",
		Plain: strings.HasPrefix(w.URL, "http://"),
	}
	sim, err := nomadixsim.Start(o)
	if err != nil {
		return cast{}, err
	}
	values := pinned(sim.URL(), sim.Fingerprint())
	if o.Plain {
		delete(values, "tls")
	}
	return cast{nomadix{sim}, values, map[string]string{"password_file": rehearsalPassword}}, nil
}

func castOPNsense(w *rehearsal.WiFi) (cast, error) {
	o := opnsensesim.Options{}
	if w.Server != "" {
		o.Servers = []string{w.Server}
	}
	if len(w.Zones) > 0 {
		o.Zones = map[int]string{}
		for _, zone := range w.Zones {
			o.Zones[zone] = "Guests"
		}
	}
	sim, err := opnsensesim.Start(o)
	if err != nil {
		return cast{}, err
	}
	return cast{sim, pinned(sim.URL(), sim.Fingerprint()), map[string]string{"api_key_file": sim.KeyFile()}}, nil
}

func castOmada(w *rehearsal.WiFi) (cast, error) {
	o := omadasim.Options{Sites: []string{cmp.Or(w.Site, "Seaview")}, ClientID: w.ClientID, ClientSecret: rehearsalPassword}
	for _, name := range w.Portals {
		o.Portals = append(o.Portals, omadasim.Portal{Name: name, Enabled: true, Types: []int{3, 5}})
	}
	sim, err := omadasim.Start(o)
	if err != nil {
		return cast{}, err
	}
	values := pinned(sim.URL(), sim.Fingerprint())
	values["controller_id"] = sim.ControllerID()
	return cast{omada{sim}, values, map[string]string{"client_secret_file": rehearsalPassword}}, nil
}
