package hwsim

import (
	"strings"

	"edgeagent/hwsim/mikrotiksim"
)

// mikroTik counts the hotspot users that were asked for.
type mikroTik struct{ *mikrotiksim.Router }

func (m mikroTik) Made() int {
	n := 0
	for _, r := range m.Requests() {
		if r.Method == "PUT" && strings.HasSuffix(r.Path, "/ip/hotspot/user") {
			n++
		}
	}
	return n
}

// startMikroTik starts a router with a profile for the hotel's one tier, and
// an account with no more rights than it needs: it does not see passwords.
func startMikroTik(*Hotel) (WiFi, []string, map[string]string, error) {
	sim, err := mikrotiksim.Start(mikrotiksim.Options{
		Profiles: []mikrotiksim.Profile{{Name: "guest", DownKbps: 20_000, UpKbps: 5_000, SharedUsers: 5}},
		Policies: []string{"read", "write", "rest-api"},
	})
	if err != nil {
		return nil, nil, nil, err
	}
	user, password := sim.Account()
	return mikroTik{sim}, []string{
		"controller: mikrotik",
		"url: " + sim.URL(),
		"user: " + user,
		"password_file: wifi-router-password",
		"tls: { pin_sha256: " + sim.Fingerprint() + " }",
		"tiers: { standard: { down_kbps: 20000, up_kbps: 5000, profile: guest } }",
	}, map[string]string{"wifi-router-password": password}, nil
}
