package inspiresim

import "time"

// Faults are all switches of a connection, grouped by when they act. Server.Faults
// gives the present ones; Change alters them for everybody, live connections
// included; ChangeChain for one chain; NextConnection for one connection only.
type Faults struct {
	Upgrade   Upgrade
	Handshake Handshake
	Subscribe Subscribe
	Replay    Replay
	Shape     Shape
	Life      Life
	Lock      Lock
	// Then happens on a connection once, each entry after its number of events.
	Then []Trouble
}

// KeyMode is the form in which the upgrade URL carries the app key.
type KeyMode int

// The forms of the key.
const (
	KeyBase64 KeyMode = iota
	KeyBase64URL
	KeySHA256Hex
	KeyLiteral
)

// Subprotocol is what the server does about Sec-WebSocket-Protocol.
type Subprotocol int

// The subprotocol policies.
const (
	// SubprotocolEcho takes graphql-transport-ws if offered, and nothing otherwise.
	SubprotocolEcho Subprotocol = iota
	// SubprotocolRequire upgrades and then closes with 4406 unless
	// graphql-transport-ws is offered (OHIP).
	SubprotocolRequire
	// SubprotocolNone accepts any offer and names no choice.
	SubprotocolNone
	// SubprotocolRefuse answers 400 to any offer and accepts a handshake without one.
	SubprotocolRefuse
	// SubprotocolLegacy speaks only the older graphql-ws: 400 unless offered.
	SubprotocolLegacy
	// SubprotocolForeign names one that the client never offered.
	SubprotocolForeign
)

// Upgrade acts on the HTTP request that opens the socket.
type Upgrade struct {
	// Status, if not 0, is answered instead of 101; 200 and 302 come as the
	// HTML of a captive portal.
	Status int
	// RetryAfter is that header's text with Status.
	RetryAfter string
	// Delay is waited before anything is answered.
	Delay time.Duration
	Key   KeyMode
	// KeyStatus answers a wrong key; 0 means 400, as OHIP does.
	KeyStatus   int
	Subprotocol Subprotocol
	// MaxPerWindow upgrades within Window are allowed, more get 429; 0: no limit.
	MaxPerWindow int
	Window       time.Duration
}

// Handshake acts between the upgrade and the acknowledgement.
type Handshake struct {
	// InitWithin is the limit for connection_init, else 4408.
	InitWithin time.Duration
	// SubscribeWithin is the limit for subscribe, from connection_init on, else 4408.
	SubscribeWithin time.Duration
	// AckDelay is waited before connection_ack; NoAck never sends it.
	AckDelay time.Duration
	NoAck    bool
	// AckPayload is the JSON of the ack's payload; "" leaves it out.
	AckPayload string
	// Close, if not 0, ends the connection on connection_init.
	Close int
	// RefuseCode closes on bad credentials; 0 means 4401.
	RefuseCode int
	// RefuseFrame sends connection_error before that close, as the older protocol did.
	RefuseFrame bool
}

// Refusal is how the server says no to a subscribe.
type Refusal int

// The ways to say no. For those that keep the socket open it stays idle.
const (
	RefuseClose    Refusal = iota // close frame with the code that fits
	RefuseError                   // error frame, then an idle socket
	RefuseErrors                  // next frame with errors and no data
	RefuseComplete                // complete, at once
	RefuseClose4401
	RefuseClose1008
)

// Schema is the set of output fields the server knows.
type Schema int

// The schemas.
const (
	SchemaDocumented Schema = iota // the four fields of the Destinity guide
	SchemaExtended                 // and uniqueEventId, primaryKey, timestamp, hotelId
	SchemaOHIP                     // all of Oracle's newEvent
)

// OffsetInput is which JSON type the position may have.
type OffsetInput int

// The types of a position.
const (
	OffsetAny OffsetInput = iota
	OffsetNumber
	OffsetString
)

// Subscribe acts on the subscribe message.
type Subscribe struct {
	Schema Schema
	// ExactQuery accepts only the documented query text, spaces aside, as a
	// server that compares strings would.
	ExactQuery bool
	// Invalid is how a query that does not validate is refused (4400).
	Invalid Refusal
	// Forbidden is how a chain that is not the client's is refused (4403).
	Forbidden Refusal
	Offset    OffsetInput
	// Fail, if not "", is the message of an error frame that answers every
	// subscribe; FailClose a close code that does.
	Fail      string
	FailClose int
	// Complete answers every subscribe with complete.
	Complete bool
	// Silent accepts and then never sends an event.
	Silent bool
	// KeepOpen leaves the socket open after the client's complete; else it is
	// closed with 1000, CloseDelay later. Events still flow during the delay.
	KeepOpen   bool
	CloseDelay time.Duration
	// EndOnExpiry closes with 4401 when the token of the connection expires.
	EndOnExpiry bool
}

// NoOffset is where a subscription without a position begins.
type NoOffset int

// The beginnings.
const (
	NoOffsetLive   NoOffset = iota // only what comes from now on
	NoOffsetCursor                 // after the last event sent to anybody, if not long ago
	NoOffsetFull                   // with the oldest event kept
)

// Stale is what a position outside the log brings.
type Stale int

// The answers to a position outside the log.
const (
	StaleAccept Stale = iota // too old: from the oldest kept; ahead: silence until the counter gets there
	StaleRefuse              // a validation error that names the position
)

// Replay acts on where a subscription begins.
type Replay struct {
	// Exclusive starts after the position; else it starts with it.
	Exclusive bool
	NoOffset  NoOffset
	// CursorFor is how long the server remembers what it sent; 0 means 24 h.
	CursorFor time.Duration
	// Keep is how long events can be replayed, KeepEvents how many; 0: no limit.
	Keep       time.Duration
	KeepEvents int
	TooOld     Stale
	Ahead      Stale
	// Pace is waited between two events; 0 sends as fast as the socket takes.
	Pace time.Duration
}

// Blank is how a blank element value looks.
type Blank int

// The spellings of blank.
const (
	BlankEmpty Blank = iota
	BlankNull
	BlankMissing
)

// DetailForm is how the detail list looks.
type DetailForm int

// The forms of detail.
const (
	DetailList DetailForm = iota
	DetailNull
	DetailMissing
)

// Shape acts on the frames that carry events.
type Shape struct {
	// OffsetAsNumber sends metadata.offset as a JSON number, else as a string.
	OffsetAsNumber bool
	// ArrayOf sends newEvent as an array of up to so many events; 0 as an object.
	ArrayOf int
	// DataType sends type "data" for "next".
	DataType bool
	// BarePayload sends payload.newEvent instead of payload.data.newEvent.
	BarePayload bool
	// Errors, if not "", is the message of an error that stands beside the data.
	Errors string
	Detail DetailForm
	Blank  Blank
	// HTMLEscape escapes element values as HTML.
	HTMLEscape bool
	// PascalCase turns module, event and element names into PascalCase.
	PascalCase bool
	// Binary sends the frames as binary messages.
	Binary bool
	// Extra is a member put into every event, such as `"pad":1`, unasked.
	Extra string
}

// PongMode is how JSON pings are answered.
type PongMode int

// The answers to a ping.
const (
	PongAtOnce PongMode = iota
	PongLate            // after Life.PongDelay; events flow meanwhile
	PongNever
)

// Life acts on a live connection.
type Life struct {
	Pong      PongMode
	PongDelay time.Duration
	// NoControlPong leaves WebSocket-level pings unanswered.
	NoControlPong bool
	// PingEvery and ControlPingEvery are the server's own pings; 0 sends none.
	PingEvery, ControlPingEvery time.Duration
	// PongWithin records a violation if a server ping stays unanswered for so
	// long; 0 does not look.
	PongWithin time.Duration
	// PingWithin records a violation if the client lets more time pass between
	// two JSON pings; 0 does not look.
	PingWithin time.Duration
	// DeadAfter closes a connection from which nothing came; 0: never.
	DeadAfter time.Duration
	// KeepAlive sends frames of type ka so often; 0: none.
	KeepAlive time.Duration
	// DripBytes, if not 0, writes every frame in pieces of that size, DripEvery apart.
	DripBytes int
	DripEvery time.Duration
}

// LockPolicy is what a second consumer of a chain meets.
type LockPolicy int

// The policies for a second consumer.
const (
	LockRefuse LockPolicy = iota // it is closed with 4409
	LockKick                     // the first is closed with 4409, the second takes over
	LockShare                    // both get all events
)

// Lock is the rule of one consumer per app key and chain.
type Lock struct {
	Policy LockPolicy
	// For keeps the chain locked after a connection that broke, or that the
	// client ended without complete (OHIP: 2 min); Gap after any other end
	// (OHIP: 10 s). An early subscribe gets 4409.
	For, Gap time.Duration
	// Extend starts the time anew with each early subscribe.
	Extend bool
}

func defaultFaults(d Dialect) Faults {
	f := Faults{
		Handshake: Handshake{InitWithin: 5 * time.Second, SubscribeWithin: 10 * time.Second},
		Replay:    Replay{CursorFor: 24 * time.Hour},
	}
	if d == OHIP {
		f.Upgrade.Key = KeySHA256Hex
		f.Upgrade.Subprotocol = SubprotocolRequire
		f.Subscribe.Schema = SchemaOHIP
		f.Subscribe.Offset = OffsetString
		f.Replay.NoOffset = NoOffsetCursor
		f.Replay.Keep = 7 * 24 * time.Hour
	}
	return f
}
