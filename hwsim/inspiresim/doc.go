// Package inspiresim is the PMS end of a Destinity Inspire event stream, and of
// the OPERA Cloud (OHIP) streaming interface it is modelled on: a token
// endpoint and a graphql-transport-ws server over a log of events per chain.
//
//	POST /oauth/v1/tokens    Basic, x-app-key, enterpriseId -> JWT
//	GET  /subscriptions      101, connection_init, ack, subscribe, next...
//
// It is stricter than the real thing: what a client does wrong is refused where
// the protocol says so and written down as a Violation in any case. It is also
// as unpleasant as the real thing can be: see Faults. It shares no code with
// the client it tests.
package inspiresim

import "time"

// Dialect is which of the two wires the server speaks.
type Dialect int

const (
	// Inspire is Destinity Inspire as its integration guide shows it: key in
	// base64, position in payload.extensions.fromOffset, few output fields.
	Inspire Dialect = iota
	// OHIP is Oracle's streaming interface: key as lower-case SHA-256 hex,
	// position as a string in the query's input, the full output type.
	OHIP
)

// Client is a registered consumer: an application with its credentials and the
// chains it may read.
type Client struct {
	ID, Secret string
	// AppKey is the raw key, as it stands in x-app-key.
	AppKey string
	// Enterprise is the code expected in the enterpriseId header.
	Enterprise string
	// Username and Password, if set, allow the password grant of the older
	// OHIP environments, which need no enterpriseId.
	Username, Password string
	Chains             []string
}

// Options say what Start builds. The zero value lacks only a client.
type Options struct {
	// Addr is the listening address; "" means a free port on 127.0.0.1.
	Addr string
	// TLS serves https and wss under a CA of its own, see Server.CAPEM.
	TLS     bool
	Dialect Dialect
	// TokenPath and StreamPath default to /oauth/v1/tokens and /subscriptions.
	TokenPath, StreamPath string
	Clients               []Client
	// Now is the clock for token lifetimes, retention and consumer locks; nil
	// means time.Now. Timers on a connection always run in real time.
	Now func() time.Time
}

// Element is one entry of an event's detail list. "" is blank; how blank looks
// on the wire is Shape.Blank.
type Element struct {
	Name, Old, New string
	// Sequence tells repeated elements apart; 0 means not given (null).
	Sequence int
	// ScopeFrom and ScopeTo are YYYY-MM-DD, for values valid over some dates.
	ScopeFrom, ScopeTo string
	Type, Role         string
}

// Event is one business event before it has an offset.
type Event struct {
	Module, Name string
	// PrimaryKey is a reservation, profile or room id, depending on Module.
	PrimaryKey string
	// HotelID is "" for chain-level events, which read null on the wire.
	HotelID string
	// Timestamp is text exactly as it goes out; "" means the time of
	// publication as "2006-01-02 15:04:05.000" in UTC.
	Timestamp string
	Detail    []Element
}
