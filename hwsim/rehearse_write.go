package hwsim

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"edgeagent/hwsim/rehearsal"
)

// Where a copy leads that has no other end: nothing listens there.
const (
	nowhere     = "127.0.0.1:9"
	nowherePort = "not-simulated"
)

// copyWriter points a property file at the hotel.
type copyWriter struct {
	hotel *Hotel
	plan  *rehearsal.Plan
	files map[string]string
	err   error
}

// writeRehearsal writes the copy of the property file and its secrets.
func (h *Hotel) writeRehearsal() error {
	w := copyWriter{hotel: h, plan: h.opt.Rehearsal, files: map[string]string{}}
	w.set("$", "store", "store.db")
	if w.plan.HasStatus {
		w.set("$.status", "listen", fmt.Sprintf("%q", h.status))
		w.plan.Drop("$.status", "socket")
	} else {
		w.set("$", "status", fmt.Sprintf("{ listen: %q }", h.status))
	}
	for _, l := range w.plan.Links {
		w.link(&l)
	}
	for _, d := range w.plan.Devices {
		w.device(&d)
	}
	if w.err != nil {
		return fmt.Errorf("the rehearsal copy: %w", w.err)
	}
	for _, lead := range w.plan.Leads() {
		if !h.isOurs(lead) { // what a file can have that this hotel does not know of
			return fmt.Errorf("the rehearsal copy would still lead to %s, which is not the simulated hotel: take that part out of the file", lead)
		}
	}
	h.PropertyFile = h.path("property.yaml")
	w.files["property.yaml"] = "# A copy for rehearsal: it leads to the simulated hotel.\n" + w.plan.Text()
	for name, text := range w.files {
		if err := os.WriteFile(h.path(name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// isOurs reports whether an address or a port is the hotel's, or nowhere.
func (h *Hotel) isOurs(lead string) bool {
	_, address, found := strings.Cut(lead, "://")
	if !found {
		address = lead
	}
	return strings.HasPrefix(address, "127.0.0.1:") || filepath.Dir(lead) == filepath.Clean(h.opt.Dir)
}

func (w *copyWriter) set(section, key, value string) {
	if w.err == nil {
		w.err = w.plan.Set(section, key, value)
	}
}

// secret puts a secret into a file and names it.
func (w *copyWriter) secret(section, owner, key, value string) {
	name := owner + "-" + strings.ReplaceAll(strings.TrimSuffix(key, "_file"), "_", "-")
	w.files[name] = value
	w.set(section, key, name)
}

func (w *copyWriter) link(l *rehearsal.Link) {
	h := w.hotel
	switch {
	case l.Mews != nil:
		platform, socket := "http://"+nowhere, "ws://"+nowhere
		client, access := clientSecret, clientSecret
		if l.Path == h.site.mews.path && h.Annex != nil {
			platform, socket, client, access = h.Annex.PlatformURL(), h.Annex.SocketURL(), h.Annex.ClientToken(), h.Annex.AccessToken()
		}
		w.set(l.Path, "platform_url", platform)
		w.set(l.Path, "socket_url", socket)
		w.secret(l.Path, l.Name, "client_token_file", client)
		w.secret(l.Path, l.Name, "access_token_file", access)
		w.plan.Drop(l.Path, "ca_file")
		if h.site.mews.dropServices {
			w.plan.Drop(l.Path, "services")
		}
	case l.Inspire != nil:
		token, stream := "http://"+nowhere+"/oauth/v1/tokens", "ws://"+nowhere+"/subscriptions"
		if l.Path == h.site.streamPath {
			token, stream = h.PMS.TokenURL(), h.PMS.StreamURL()
		}
		w.set(l.Path, "token_url", token)
		w.set(l.Path, "stream_url", stream)
		w.secret(l.Path, l.Name, "client_secret_file", clientSecret)
		w.secret(l.Path, l.Name, "app_key_file", appKey)
		if l.Inspire.Username != "" {
			w.secret(l.Path, l.Name, "password_file", clientSecret)
		}
		w.plan.Drop(l.Path, "ca_file", "scope")
	}
}

func (w *copyWriter) device(d *rehearsal.Device) {
	switch {
	case d.Keycard != nil:
		w.keycard(d)
	case d.IPTV != nil:
		broker := "tcp://" + nowhere
		if d.Path == w.hotel.site.tvPath {
			broker = w.hotel.Broker.URL()
		}
		w.set(d.Path, "broker", broker)
		w.set(d.Path, "username", "agent")
		w.secret(d.Path, d.Name, "password_file", clientSecret)
		w.plan.Drop(d.Path, "ca_file", "cert_file", "key_file")
	case d.WiFi != nil:
		w.wifi(d)
	}
}

func (w *copyWriter) keycard(d *rehearsal.Device) {
	w.plan.Drop(d.Path, "panel")
	key, value := "port", w.hotel.path(nowherePort+"-"+d.Name)
	if d.Keycard.Address != "" {
		key, value = "address", nowhere
	}
	for i, e := range w.hotel.site.encoders {
		if e.path == d.Path {
			value = w.hotel.ports[i].Name()
		}
	}
	w.set(d.Path, key, fmt.Sprintf("%q", value))
	if d.Keycard.Protocol != "pn532" || d.Keycard.PN532 == nil {
		return
	}
	w.plan.Drop(d.Path+".pn532", "spi", "i2c", "chip", "reset", "ready", "earlier_keys")
	random := make([]byte, 32)
	_, _ = rand.Read(random) // never fails
	w.secret(d.Path+".pn532", d.Name, "signing_key_file", hex.EncodeToString(random))
}

// radius leads a FreeRADIUS nowhere: its database and its hotspots.
func (w *copyWriter) radius(d *rehearsal.Device) {
	section := d.Path + ".radius"
	w.set(section+".database", "address", nowhere)
	w.secret(section+".database", d.Name+"-database", "password_file", clientSecret)
	for i := range d.WiFi.Radius.NAS {
		nas := fmt.Sprintf("%s.nas[%d]", section, i)
		w.set(nas, "address", nowhere)
		w.plan.Drop(nas, "source")
		w.secret(nas, fmt.Sprintf("%s-nas-%d", d.Name, i+1), "secret_file", clientSecret)
	}
	w.plan.Drop(d.Path, "tls")
}

func (w *copyWriter) wifi(d *rehearsal.Device) {
	if d.WiFi.Radius != nil {
		w.radius(d)
		return
	}
	values := map[string]string{"url": "https://" + nowhere, "tls": "{ system: true }"}
	secrets := map[string]string{}
	if d.Path == w.hotel.site.wifiPath {
		values, secrets = w.hotel.wifiValues, w.hotel.wifiSecrets
	} else {
		for _, key := range []string{"api_key_file", "password_file", "client_secret_file"} {
			secrets[key] = clientSecret
		}
	}
	w.plan.Drop(d.Path, "tls")
	for _, key := range []string{"url", "tls", "controller_id", "client_id"} {
		if value := values[key]; value != "" {
			w.set(d.Path, key, value)
		}
	}
	for _, key := range []string{"api_key_file", "password_file", "client_secret_file"} {
		if had := w.plan.Drop(d.Path, key); had && secrets[key] != "" {
			w.secret(d.Path, d.Name, key, secrets[key])
		}
	}
	if d.WiFi.Network.PasswordFile != "" {
		w.secret(d.Path+".network", d.Name+"-network", "password_file", "rehearsal-network")
	}
}
