package hwsim

import "edgeagent/hwsim/opnsensesim"

func startOPNsense(*Hotel) (WiFi, []string, map[string]string, error) {
	const server = "Guests"
	sim, err := opnsensesim.Start(opnsensesim.Options{Servers: []string{server}})
	if err != nil {
		return nil, nil, nil, err
	}
	return sim, []string{
		"controller: opnsense",
		"url: " + sim.URL(),
		"api_key_file: wifi-api-key",
		"server: " + server,
		"tls: { pin_sha256: " + sim.Fingerprint() + " }",
	}, map[string]string{"wifi-api-key": sim.KeyFile()}, nil
}
