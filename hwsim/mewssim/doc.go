// Package mewssim is the other end of a Mews integration: one environment with
// one property, its Connector API, its event socket, its queue of device
// commands and the staff who work there.
//
//	desk (Server's methods) ──> world ──┬─> {"Events":[…]}   GET  /ws/connector    SocketURL
//	                              ^     └─> lists, by ids    POST /api/connector/v1 PlatformURL
//	                              └──────── commands/update, resources/update <────────┘
//
// A change at the desk alters the world and tells the sockets, which carry only
// hints: an id, a state. What is behind it is read from the API. A device
// command goes the whole way round: the desk orders, the socket hints, the
// client reads, works and reports with commands/update, which the socket echoes.
//
// The simulator is stricter than the real thing: what a client does wrong is
// refused where the documents say so and written down as a Violation in any
// case. It is also as unpleasant as the real thing can be: see Faults, Trouble
// and the methods that break sockets. It shares no code with what it tests.
package mewssim

import "time"

// The tokens of a Server whose Options name none.
const (
	DefaultClientToken = "C0FFEE00-5EED-4A11-B0A7-1DEA5CAB1E00-77"
	DefaultAccessToken = "ACCE55ED-F00D-4B1D-8BAD-0DDBA11CAFE0-99"
)

// Options say what Start builds; the zero value is good.
type Options struct {
	// PlatformAddr and SocketAddr are listening addresses, "" for a free port
	// on 127.0.0.1. The two are different hosts at Mews, so here they are
	// different ports.
	PlatformAddr, SocketAddr string
	// TLS serves https and wss under a CA of its own, see Server.CAPEM.
	TLS bool
	// ClientToken and AccessToken are hex digits and hyphens; "" for the defaults.
	ClientToken, AccessToken string
	// Enterprise is the property's name, "" for "Hotel Simulated".
	Enterprise string
	// Zone is its IANA time zone, "" for Europe/Budapest.
	Zone string
	// DefaultLanguage is like "en-GB", which "" means.
	DefaultLanguage string
	// Now is the clock behind stamps, the rate limit and Faults.Lag; nil means
	// time.Now. SetClockOffset runs the stamps off it.
	Now func() time.Time
}

func (o *Options) fill() {
	set := func(field *string, value string) {
		if *field == "" {
			*field = value
		}
	}
	set(&o.PlatformAddr, "127.0.0.1:0")
	set(&o.SocketAddr, "127.0.0.1:0")
	set(&o.ClientToken, DefaultClientToken)
	set(&o.AccessToken, DefaultAccessToken)
	set(&o.Enterprise, "Hotel Simulated")
	set(&o.Zone, "Europe/Budapest")
	set(&o.DefaultLanguage, "en-GB")
	if o.Now == nil {
		o.Now = time.Now
	}
}
