package inspire

import (
	"fmt"
	"strings"
	"time"
)

// stage is how far a connection got before it ended.
type stage int

const (
	atToken stage = iota
	atUpgrade
	atAck
	atStream
)

// ending is how one connection attempt ended, before anybody judged it.
type ending struct {
	stage stage
	// What ended it is one of these: an HTTP status, a WebSocket close code, an
	// error frame, the server's complete, or a name of the table for what has none.
	status   int
	code     int
	opError  bool
	complete bool
	signal   string

	detail     string        // what the other side said, redacted
	retryAfter time.Duration // as the server asked
	named      string        // the setting that an error frame named
	subscribed bool
	lasted     time.Duration // since the subscription
	quick      bool          // completed at once and without an event
	authWords  bool          // the error speaks of permission
	queryWords bool          // the error speaks of the query
}

// wait says how long to stay away.
type wait int

const (
	waitGap     wait = iota // the usual gap
	waitBackoff             // doubling with each failure
	waitBug                 // the same from a minute on
	waitLock                // the server holds the chain for somebody
	waitLimit               // too many requests
	waitAway                // the gap, and some at random: everybody was thrown out at once
	waitServer              // the server's own time-out
)

// fallback names what can be tried differently before giving up.
type fallback int

const (
	fallbackNone fallback = iota
	fallbackSubprotocol
	fallbackQuery
)

// row is one line of the table of ends.
type row struct {
	signal string
	wait   wait
	// freshToken: the token is thrown away, as it may be what was refused.
	freshToken bool
	fallback   fallback
	// park says at which one in a row the link is parked; 0 never. longPark
	// parks for the full half hour at once.
	park     int
	longPark bool
	// alarm says at which one in a row a person is told; 0 never.
	alarm int
	code  string // of the alarm
	means string // what it means and what to do
	// longerHandshake: the server thought that we left too early.
	longerHandshake bool
}

const (
	alarmRefused  = "pms-refused"
	alarmProtocol = "pms-protocol"
	alarmTooBig   = "pms-too-big"
	alarmLate     = "pms-init-late"
	alarmLocked   = "pms-locked"
	alarmUnknown  = "pms-unknown-close"
	alarmNetwork  = "pms-network"
	alarmSettings = "pms-settings"
)

const askVendor = "ask the vendor to enable and approve chain_code for this client"

// endings is the one table of how a connection can end and what follows. The
// codes from 4400 on are those of graphql-transport-ws, some of which OPERA
// Cloud gives a meaning of its own; Destinity documents none.
var endings = [...]row{
	{signal: "settings", wait: waitBackoff, alarm: 1, code: alarmSettings, means: "a setting or secret cannot be used; correct it, the agent tries again by itself"},

	// The token call.
	{signal: "token 400", freshToken: true, park: 1, alarm: 1, code: alarmRefused, means: "the token server rejects the request; check enterprise_id, scope and grant_type"},
	{signal: "token 401", freshToken: true, park: 1, alarm: 1, code: alarmRefused, means: "the token server refuses the credentials; check client_id, client_secret_file and app_key_file"},
	{signal: "token 403", freshToken: true, park: 1, alarm: 1, code: alarmRefused, means: "the token server refuses the client; check enterprise_id and app_key_file, or ask the vendor whether the client is approved"},
	{signal: "token 404", park: 1, alarm: 1, code: alarmRefused, means: "there is no token server at this address; check token_url"},
	{signal: "token unusable", wait: waitBackoff, alarm: 3, code: alarmProtocol, means: "the token server answers without a usable token; check token_url"},

	// The upgrade to a WebSocket.
	{signal: "http 400", wait: waitBackoff, fallback: fallbackSubprotocol, park: 1, alarm: 1, code: alarmRefused, means: "the server rejects the connection; check key_mode (base64 for Destinity, sha256hex for OPERA Cloud), app_key_file and stream_url, or ask whether the client is enabled for streaming"},
	{signal: "http 401", wait: waitBackoff, freshToken: true, park: 2, alarm: 2, code: alarmRefused, means: "the server refuses the key; check app_key_file and key_mode"},
	{signal: "http 403", wait: waitBackoff, freshToken: true, park: 2, alarm: 2, code: alarmRefused, means: "the server refuses the key; check app_key_file and key_mode"},
	{signal: "http 404", park: 1, alarm: 1, code: alarmRefused, means: "there is nothing at this path; check stream_url"},
	{signal: "http 426", park: 1, alarm: 1, code: alarmRefused, means: "the server does not speak WebSocket there; check stream_url"},
	{signal: "http 429", wait: waitLimit, means: "the server says too many connections; nothing to do, the agent waits"},
	{signal: "http 499", wait: waitBackoff, longerHandshake: true, means: "the server found the connection given up too early; the agent allows more time"},
	{signal: "http 5xx", wait: waitBackoff, means: "the server is out of order; nothing to do, the agent tries again"},
	{signal: "http other", wait: waitBackoff, alarm: 3, code: alarmNetwork, means: "something else answers in the server's place, such as a proxy or a captive portal; let the gateway reach the internet directly, or set HTTPS_PROXY"},
	{signal: "network", wait: waitBackoff, means: "the server cannot be reached; check network, DNS and firewall of the gateway"},
	{signal: "tls", wait: waitBackoff, alarm: 3, code: alarmNetwork, means: "the server's certificate is not trusted; check the gateway's clock, a proxy that opens TLS, and ca_file"},
	{signal: "subprotocol", wait: waitBackoff, fallback: fallbackSubprotocol, park: 1, alarm: 1, code: alarmProtocol, means: "the server chose a subprotocol that was not offered; ask the vendor which one it speaks"},

	// The stream.
	{signal: "ack timeout", wait: waitBackoff, means: "the server did not acknowledge the connection in time; nothing to do, the agent tries again"},
	{signal: "connection error", wait: waitBackoff, freshToken: true, park: 3, alarm: 3, code: alarmRefused, means: "the server refuses the token or the app key; check app_key_file (it must be the raw key) and the client's approval"},
	{signal: "dead", wait: waitBackoff, means: "nothing was heard for too long; nothing to do, the agent connects again"},
	{signal: "close 1000", wait: waitGap, means: "the server ended the stream"},
	{signal: "close 1001", wait: waitAway, means: "the server is going away or being restarted"},
	{signal: "close 1006", wait: waitBackoff, means: "the connection broke"},
	{signal: "close 1002", wait: waitBug, alarm: 1, code: alarmProtocol, means: "a frame broke the WebSocket protocol; if it stays, tell the vendor and us"},
	{signal: "close 1003", wait: waitBug, alarm: 1, code: alarmProtocol, means: "the server does not take our kind of frames; if it stays, tell the vendor and us"},
	{signal: "close 1007", wait: waitBug, alarm: 1, code: alarmProtocol, means: "a frame's text was malformed; if it stays, tell the vendor and us"},
	{signal: "close 1008", wait: waitBackoff, park: 1, longPark: true, alarm: 1, code: alarmRefused, means: "the server's policy refuses this client; " + askVendor},
	{signal: "close 1009", wait: waitBackoff, park: 3, longPark: true, alarm: 3, code: alarmTooBig, means: "an event is bigger than can be taken (16 MiB) and is never skipped by itself; ask the vendor for the event after this offset"},
	{signal: "close 1011", wait: waitBackoff, means: "the server had an error"},
	{signal: "close 1012", wait: waitBackoff, means: "the server restarts"},
	{signal: "close 1013", wait: waitBackoff, means: "the server asks to try later"},
	{signal: "close 4004", wait: waitBackoff, means: "the server found an answer it did not understand"},
	{signal: "close 4005", wait: waitBackoff, means: "the server had an error"},
	{signal: "close 4400", wait: waitBackoff, fallback: fallbackQuery, park: 1, longPark: true, alarm: 1, code: alarmRefused, means: "the server rejects the subscription; check chain_code and from_offset_type"},
	{signal: "close 4401", wait: waitBackoff, freshToken: true, park: 3, alarm: 3, code: alarmRefused, means: "the server refuses the credentials; check app_key_file (it must be the raw key), client_id and client_secret_file"},
	{signal: "close 4403", wait: waitBackoff, park: 1, longPark: true, alarm: 1, code: alarmRefused, means: "the server refuses the chain; " + askVendor},
	{signal: "close 4406", wait: waitBackoff, fallback: fallbackSubprotocol, park: 1, alarm: 1, code: alarmProtocol, means: "the server accepts none of the subprotocols; ask the vendor which one it speaks"},
	{signal: "close 4408", wait: waitBackoff, alarm: 3, code: alarmLate, means: "the server did not get the greeting in time; check whether the gateway is overloaded"},
	{signal: "close 4409", wait: waitLock, alarm: 3, code: alarmLocked, means: "another client holds this chain; stop other agents and test tools that use the same app key"},
	{signal: "close 4429", wait: waitBug, alarm: 1, code: alarmProtocol, means: "the server saw a second greeting; if it stays, tell us"},
	{signal: "close 4499", wait: waitBackoff, means: "the connection was terminated"},
	{signal: "close 4500", wait: waitBackoff, means: "the server had an error"},
	{signal: "close 4504", wait: waitServer, means: "the server timed out"},
	{signal: "close 4xxx", wait: waitBackoff, alarm: 5, code: alarmUnknown, means: "the server ends the stream with a code that is not known; ask the vendor what it means"},
	{signal: "close other", wait: waitBackoff, means: "the server ended the stream"},
	{signal: "error frame", wait: waitBackoff, means: "the server ended the subscription with an error"},
	{signal: "complete", wait: waitGap, means: "the server ended the subscription"},
}

// rowFor finds a line by name; names are ours, so it is always there.
func rowFor(signal string) *row {
	for i := range endings {
		if endings[i].signal == signal {
			return &endings[i]
		}
	}
	return rowFor("close other")
}

// classify finds the line of the table for an ending. quickBefore says that
// the stream before this one ended at once and without a word as well.
func classify(e *ending, quickBefore bool) *row {
	switch {
	case e.signal != "":
		return rowFor(e.signal)
	case e.status != 0 && e.stage == atToken:
		return rowFor(tokenSignal(e.status))
	case e.status != 0:
		return rowFor(upgradeSignal(e.status))
	case e.opError && e.authWords:
		return rowFor("close 4403")
	case e.opError && e.queryWords:
		return rowFor("close 4400")
	case e.opError:
		return rowFor("error frame")
	case e.complete && e.quick && quickBefore:
		return rowFor("close 4403")
	case e.complete:
		return rowFor("complete")
	}
	return rowFor(closeSignal(e.code))
}

func tokenSignal(status int) string {
	switch status {
	case 400, 401, 403, 404:
		return fmt.Sprintf("token %d", status)
	case 405, 410:
		return "token 404"
	}
	return upgradeSignal(status)
}

func upgradeSignal(status int) string {
	switch {
	case status == 400, status == 401, status == 403, status == 404, status == 426, status == 429, status == 499:
		return fmt.Sprintf("http %d", status)
	case status >= 500:
		return "http 5xx"
	}
	return "http other"
}

func closeSignal(code int) string {
	if code == 0 || code == 1005 {
		code = 1006 // no close frame, or one without a reason
	}
	signal := fmt.Sprintf("close %d", code)
	for i := range endings {
		if endings[i].signal == signal {
			return signal
		}
	}
	if code >= 4000 && code <= 4999 {
		return "close 4xxx"
	}
	return "close other"
}

// The words by which an error frame is told apart, folded as names are.
var (
	authWords  = [...]string{"unauthori", "not authori", "forbidden", "permission", "access denied", "not allowed", "not permitted", "credential", "not enabled", "not approved", "unauthenticated"}
	queryWords = [...]string{"syntax", "validation", "unknown field", "unknown argument", "unknown type", "cannot query", "bad user input", "parse failed", "graphql parse"}
)

// readWords notes what an error message speaks of. Only the offset's name, as
// a whole word, says that the offset's type was refused.
func (e *ending) readWords(message, code string) {
	text := normalise(message + " " + code)
	contains := func(words []string) bool {
		for _, w := range words {
			if strings.Contains(text, w) {
				return true
			}
		}
		return false
	}
	e.authWords = contains(authWords[:])
	e.queryWords = contains(queryWords[:])
	if strings.Contains(" "+text+" ", " from offset ") || strings.Contains(" "+text+" ", " offset ") {
		e.named = "offset"
	}
}
