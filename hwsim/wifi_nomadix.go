package hwsim

import "edgeagent/hwsim/nomadixsim"

// nomadix counts the accounts that were asked for.
type nomadix struct{ *nomadixsim.Gateway }

func (n nomadix) Made() int { return posts(n.Requests(), " USER_ADD") }

// startNomadix starts a gateway as most hotels have it: it is spoken to in the
// clear, and knows its senders by their addresses.
func startNomadix(*Hotel) (WiFi, []string, map[string]string, error) {
	sim, err := nomadixsim.Start(nomadixsim.Options{Plain: true})
	if err != nil {
		return nil, nil, nil, err
	}
	return nomadix{sim}, []string{"controller: nomadix", "url: " + sim.URL()}, nil, nil
}
