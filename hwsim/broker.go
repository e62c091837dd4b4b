package hwsim

import (
	"edgeagent/hwsim/tvpage"
	"edgeagent/hwsim/tvsim"
)

// Broker is what agent and TVs meet at: the simulated broker, or a real one
// that a test starts and stops.
type Broker interface {
	// URL is the address as the agent writes it.
	URL() string
	// Access is how the set of a room connects.
	Access(room string) tvsim.Access
	// Start lets it serve, again and again at the same address. A real broker
	// remembers what its own settings say; recall is for the simulated one.
	Start(recall tvsim.Recall) error
	// Stop ends it as a power cut would.
	Stop()
	// Save has it write down what it retains, as an autosave would.
	Save()
	// Retained are the retained messages whose topics begin with prefix.
	Retained(prefix string) map[string][]byte
}

// Identity is how the agent proves itself to a broker that knows its clients
// by their certificates. The file names are absolute.
type Identity struct {
	CAFile, CertFile, KeyFile string
}

// webBroker is a broker that browsers can reach too.
type webBroker interface {
	// WebURL is its address for them, "" if they cannot.
	WebURL() string
}

func (h *Hotel) startPage() (err error) {
	if b, ok := h.Broker.(webBroker); ok && b.WebURL() != "" {
		h.page, err = tvpage.Start(b.WebURL())
	}
	return err
}

// TVPage is the address of the reference TV for a room, one more set beside the
// one that the hotel has there; "" if browsers cannot reach the broker.
func (h *Hotel) TVPage(room string) string {
	if h.page == nil {
		return ""
	}
	key := h.site.setsOf(room)[0]
	set := tvpage.Set{
		Broker: h.Broker.(webBroker).WebURL(), Prefix: h.site.prefix, Property: h.site.property, Room: key, Password: h.Broker.Access(key).Password, Hotel: h.site.name,
	}
	return set.Address(h.page.URL())
}
