package hwsim

import (
	"strings"

	"edgeagent/hwsim/omadasim"
)

// omada counts the local users that were asked for.
type omada struct{ *omadasim.Controller }

func (o omada) Made() int {
	n := 0
	for _, r := range o.Requests() {
		if r.Method == "POST" && strings.HasSuffix(r.Path, "/hotspot/localusers") {
			n++
		}
	}
	return n
}

func startOmada(*Hotel) (WiFi, []string, map[string]string, error) {
	sim, err := omadasim.Start(omadasim.Options{})
	if err != nil {
		return nil, nil, nil, err
	}
	return omada{sim}, []string{
		"controller: omada",
		"url: " + sim.URL(),
		"site: Seaview",
		"controller_id: " + sim.ControllerID(),
		"client_id: " + sim.ClientID(),
		"client_secret_file: wifi-client-secret",
		"tls: { pin_sha256: " + sim.Fingerprint() + " }",
	}, map[string]string{"wifi-client-secret": sim.ClientSecret()}, nil
}
