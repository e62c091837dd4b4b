package mewssim

import "time"

// Faults are the switches that stay as they are put, grouped by where they act.
// Server.Change alters them at once, also for open sockets. What happens a
// number of times only is a Trouble.
type Faults struct {
	Socket Socket
	Limit  Limit
	Shape  Shape
	// Lag is how long reads go on showing the state before a write, as seen
	// with list operations; it concerns writes made while it is set.
	Lag time.Duration
	// FinalAgain answers 200 to an update of a command that is final already,
	// and changes nothing; else it is 400. Mews documents neither.
	FinalAgain bool
	// MaxBody is the longest request in bytes, more gets 413; 0 means 2 MiB.
	MaxBody int
}

// Socket acts on the event socket.
type Socket struct {
	// RefuseStatus, if not 0, is answered instead of 101; to the next
	// RefuseTimes requests if that is set, else to all.
	RefuseStatus, RefuseTimes int
	// HangUpgrade answers nothing at all.
	HangUpgrade bool
	// CookieStatus refuses bad cookies; 0 means 401.
	CookieStatus int
	// CloseAtOnce, if not 0, is the code of a close frame right behind the 101;
	// 1006 is a reset instead.
	CloseAtOnce int
	// CloseOnRevoke, if not 0, closes open sockets with that code when the
	// access token changes; else they live on.
	CloseOnRevoke int
	// Silent keeps sockets open and neither sends nor answers anything.
	Silent bool
	// NoPong leaves control pings unanswered; events flow.
	NoPong bool
	// Lose drops all events, LoseNext so many of the next ones.
	Lose     bool
	LoseNext int
	// Duplicate sends every event so many times more.
	Duplicate int
	// Reverse turns the order of events that are sent together.
	Reverse bool
	// PerFrame is the most events in a frame; 0 means 200. Together lets many
	// come together.
	PerFrame int
	// Pad puts so many bytes into an unknown member of every event.
	Pad int
	// PingEvery makes the server ping sockets opened from then on; 0 never.
	PingEvery time.Duration
	// NullRoom spells "no room" as AssignedResourceId null; else it is absent.
	NullRoom bool
	// Enquired uses the spelling of the 2017 schema for Inquired.
	Enquired bool
	// QuietCompanions raises no event when a companion comes or goes; Mews
	// does not say whether it does.
	QuietCompanions bool
}

// RetryAfter is how a 429 says when to come back.
type RetryAfter int

// The forms of Retry-After.
const (
	RetrySeconds RetryAfter = iota
	RetryDate               // an HTTP date by the server's clock, offset included
	RetryMissing
)

// Limit is the sliding rate limit per access token.
type Limit struct {
	// Requests within Window are admitted; 0 means 200, and 30 s.
	Requests int
	Window   time.Duration
	Retry    RetryAfter
}

// Shape acts on what answers look like.
type Shape struct {
	// Absent leaves optional members out that have no value; else they are null.
	Absent bool
	// Extra puts an unknown member into every entity.
	Extra bool
	// Portfolio says of the access token that it is one for several properties.
	Portfolio bool
	// Fraction gives stamps milliseconds.
	Fraction bool
	// OwnerIsCompanion lists the owner of a reservation made from then on
	// among its companions too; Mews does not say whether it does.
	OwnerIsCompanion bool
}

// Kind is what a Trouble does.
type Kind int

// The kinds of trouble.
const (
	Slow     Kind = iota // only Trouble.Delay
	Status               // answer with Trouble.Status and Message
	HTML                 // a page, with Trouble.Status or 200, as a captive portal
	Hang                 // no answer until the client leaves
	Reset                // RST instead of an answer
	Truncate             // half of the JSON, as if it were all
	Break                // half of the answer, then the connection ends
	Garbage              // something that is no JSON
)

// Trouble happens to requests of the API.
type Trouble struct {
	// Path is the beginning of the operations concerned, such as
	// "commands/update"; "" means all.
	Path string
	// Times is how often it happens, 0 until ClearTroubles; Skip lets so many
	// requests pass before.
	Times, Skip int
	Kind        Kind
	// Late lets the request take effect first, so that the client cannot know.
	// Truncate, Break and Garbage are always late.
	Late    bool
	Delay   time.Duration // before anything else
	Status  int
	Message string
	// Retry is the text of Retry-After with a Status, "" for none.
	Retry string
}

const (
	defaultRequests = 200
	defaultWindow   = 30 * time.Second
	defaultBody     = 2 << 20
	defaultPerFrame = 200
)

// or is n, or its default where it is not set.
func or[N ~int | ~int64](n, otherwise N) N {
	if n <= 0 {
		return otherwise
	}
	return n
}
