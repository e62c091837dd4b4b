package inspire

import (
	"encoding/json"
	"time"
)

// dialect is everything in which Destinity Inspire and OPERA Cloud (OHIP)
// streaming differ. Inspire copies OHIP's protocol but not its details.
type dialect struct {
	name                 string
	tokenURL, streamURL  string // "" = the property file must say
	scope, grant         string
	keyMode              string
	subprotocols         []string // in the order of trying; "" offers none
	fullSelection        bool     // the long selection is documented, so it comes first
	offsetInQuery        bool     // the offset is an argument of the query, not an extension
	wholePayload         bool     // subscribe carries variables, extensions and operationName as Oracle's sample does
	serverCloses         bool     // after complete the server closes, the client should not
	ping, dead, drain    time.Duration
	retention            time.Duration
	rotateFloor          time.Duration // a stream is renewed at the latest this long before the token expires
	enterpriseUpperLimit int           // longest enterprise id, upper-case letters and digits only; 0 = any
}

const (
	transportWS = "graphql-transport-ws"
	legacyWS    = "graphql-ws" // the older protocol of subscriptions-transport-ws, not the library of that name
)

// dialects lists what Config.Dialect can name; the first is the default.
var dialects = [...]dialect{
	{
		name:         "inspire",
		tokenURL:     "https://destinity-wss.azurewebsites.net/oauth/v1/tokens",
		streamURL:    "wss://destinity-wss.azurewebsites.net/subscriptions",
		scope:        "urn:pms:events",
		grant:        "client_credentials",
		keyMode:      "base64",
		subprotocols: []string{transportWS, "", legacyWS},
		ping:         15 * time.Second,
		dead:         90 * time.Second,
		drain:        10 * time.Second,
		retention:    24 * time.Hour,
		rotateFloor:  time.Minute,
	},
	{
		name:                 "ohip",
		scope:                "urn:opc:hgbu:ws:__myscopes__",
		grant:                "client_credentials",
		keyMode:              "sha256hex",
		subprotocols:         []string{transportWS},
		fullSelection:        true,
		offsetInQuery:        true,
		wholePayload:         true,
		serverCloses:         true,
		ping:                 10 * time.Second,
		dead:                 180 * time.Second,
		drain:                30 * time.Second,
		retention:            168 * time.Hour,
		rotateFloor:          2 * time.Minute,
		enterpriseUpperLimit: 8,
	},
}

func dialectByName(name string) (*dialect, bool) {
	if name == "" {
		return &dialects[0], true
	}
	for i := range dialects {
		if dialects[i].name == name {
			return &dialects[i], true
		}
	}
	return nil, false
}

// The selections. The short one is the text of the Destinity integration
// guide. The longer ones are from Oracle's published streaming schema and tell
// the property, the reservation and the time as well; at Destinity no more is
// tried than is needed.
const (
	shortSelection = "metadata { offset } moduleName eventName detail { elementName oldValue newValue }"
	longSelection  = "metadata { offset uniqueEventId } moduleName eventName primaryKey timestamp hotelId detail { elementName oldValue newValue }"
	fullSelection  = "metadata { offset uniqueEventId } moduleName eventName primaryKey timestamp hotelId detail { elementName oldValue newValue elementSequence }"
)

const (
	selectShort = "documented"
	selectLong  = "extended"
)

// subscription is what one subscribe message asks for.
type subscription struct {
	id         string
	chain      string
	selection  string // selectShort or selectLong
	offset     string // "" = none
	offsetType string // "number" or "string"
	legacy     bool
}

// subscribeMessage encodes the message. The chain code is checked against a
// safe alphabet before it gets here, so it can stand in the query as it is.
func (d *dialect) subscribeMessage(sub subscription) ([]byte, error) {
	fields := shortSelection
	if sub.selection == selectLong {
		fields = longSelection
		if d.fullSelection {
			fields = fullSelection
		}
	}
	input := `chainCode: "` + sub.chain + `"`
	if sub.offset != "" && d.offsetInQuery {
		input += `, offset: ` + string(offsetValue(sub.offset, sub.offsetType))
	}
	payload := map[string]any{"query": "subscription { newEvent(input: { " + input + " }) { " + fields + " } }"}
	if d.wholePayload {
		payload["variables"] = map[string]any{}
		payload["extensions"] = map[string]any{}
		payload["operationName"] = nil
	}
	if sub.offset != "" && !d.offsetInQuery {
		payload["extensions"] = map[string]any{"fromOffset": offsetValue(sub.offset, sub.offsetType)}
	}
	kind := "subscribe"
	if sub.legacy {
		kind = "start"
	}
	return json.Marshal(map[string]any{"id": sub.id, "type": kind, "payload": payload})
}

// offsetValue is the offset as JSON. What is not a plain whole number cannot
// be sent as one.
func offsetValue(offset, as string) json.RawMessage {
	if as == "number" && isDigits(offset) {
		return json.RawMessage(trimZeros(offset))
	}
	text, err := json.Marshal(offset)
	if err != nil {
		return json.RawMessage(`""`)
	}
	return text
}
