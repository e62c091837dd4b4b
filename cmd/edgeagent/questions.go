package main

import (
	"fmt"
	"net"
	"os"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"edgeagent/internal/zones"
)

// answers are what is known of a property, by question.
type answers map[string]string

// none is the answer that there is no such thing.
const none = "none"

// has reports whether there is such a thing.
func (a answers) has(thing string) bool { return a[thing] != "" && a[thing] != none }

// question is one that init asks, or a flag answers.
type question struct {
	// flag names it; text is how it is asked, help what more there is to say.
	flag, text, help string
	// oneOf lists the possible answers, nil for any text.
	oneOf []string
	// secret is the file beside the property file that takes the answer; it is never
	// a flag, since others see those.
	secret string
	// quiet ones are not asked: only a flag answers them; nil for never.
	quiet func(answers) bool
	// when says whether it is asked at all; nil for always. usual is the answer of
	// who just presses enter.
	when  func(answers) bool
	usual func(answers) string
	// wrong says what is wrong with an answer, "" if nothing; nil for nothing.
	wrong func(answers, string) string
}

func is(key string, values ...string) func(answers) bool {
	return func(a answers) bool { return slices.Contains(values, a[key]) }
}

func having(thing string) func(answers) bool { return func(a answers) bool { return a.has(thing) } }

// unasked is what only a flag answers.
func unasked(answers) bool { return true }

func always(text string) func(answers) string { return func(answers) string { return text } }

// questions are all of them, in the order in which they are asked.
func questions() []question {
	return slices.Concat(hotelQuestions(), linkQuestions(), deviceQuestions())
}

func hotelQuestions() []question {
	return []question{
		{flag: "name", text: "Name of the hotel"},
		{flag: "id", text: "A short name for logs and topics", usual: func(a answers) string { return slugOf(a["name"]) }, wrong: func(_ answers, text string) string {
			if slugOf(text) != text || text == "" || len(text) > 64 {
				return "a-z, 0-9, _ and - only, at most 64, such as seaview"
			}
			return ""
		}},
		{flag: "timezone", text: "Time zone of the hotel", usual: func(answers) string { return systemZone() }, wrong: func(_ answers, text string) string {
			if _, err := zones.Load(text); err != nil || text == "Local" || text == "" {
				return "an IANA name, such as Europe/Lisbon"
			}
			return ""
		}},
	}
}

func linkQuestions() []question {
	inspire, mews := is("pms", "inspire", "ohip"), is("pms", "mews")
	return []question{
		{flag: "pms", text: "PMS", help: "inspire is Destinity Inspire, ohip OPERA Cloud", oneOf: []string{"inspire", "ohip", "mews"}, usual: always("inspire")},
		{flag: "token-url", text: "Address for access tokens, as the vendor gave it", when: inspire, quiet: is("pms", "inspire")},
		{flag: "stream-url", text: "Address of the event stream, as the vendor gave it", when: inspire, quiet: is("pms", "inspire")},
		{flag: "enterprise-id", text: "Enterprise id, as the vendor gave it", when: inspire},
		{flag: "chain-code", text: "Chain code", when: inspire, usual: func(a answers) string { return a["enterprise-id"] }},
		{flag: "hotel-code", text: "Code of this hotel in the PMS", when: inspire},
		{flag: "client-id", text: "Client id", when: inspire, wrong: func(_ answers, text string) string {
			if strings.Contains(text, ":") {
				return "the id only, without a colon: the secret is asked for next"
			}
			return ""
		}},
		{flag: "pms-secret", text: "Client secret", secret: "pms-secret", when: inspire},
		{flag: "pms-app-key", text: "Application key", secret: "pms-app-key", when: inspire},
		{flag: "mews-client-token", text: "Client token", secret: "mews-client-token", when: mews},
		{flag: "mews-access-token", text: "Access token", secret: "mews-access-token", when: mews},
		{flag: "platform-url", text: "Address of the Connector API", when: mews, quiet: unasked},
		{flag: "socket-url", text: "Address of the WebSocket", when: mews, quiet: unasked},
		{flag: "pms-ca-file", text: "File with the authority of a private server", quiet: unasked},
	}
}

func deviceQuestions() []question {
	wired, wifi := having("encoder"), func(a answers) bool { return a.has("wifi") && a["wifi"] != "radius" }
	return append([]question{
		{flag: "encoder", text: "Encoder of the lock system", help: "a serial port as listed above, its number there, or host:port; none without one", usual: always(none), wrong: wrongEncoder},
		{flag: "protocol", text: "Lock system", help: "salto also for others that speak the Industry Standard link", oneOf: []string{"salto", "onity", "vingcard"}, when: wired, usual: always("salto")},
		{flag: "encoder-name", text: "The encoder's name in the lock system", help: "exactly as it stands there; its number with onity and vingcard", when: wired, wrong: func(_ answers, text string) string {
			if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
				return "plain ASCII letters and digits: rename the encoder in the lock system"
			}
			return ""
		}},
		{flag: "user-type", text: "Type of a guest's card in Vision", when: is("protocol", "vingcard")},
		{flag: "tv", text: "MQTT broker of the TVs", help: "such as tls://broker.hotel.lan:8883; none without TVs", usual: always(none), wrong: wrongBroker},
		{flag: "tv-user", text: "User name at the broker", when: having("tv"), usual: always(none)},
		{flag: "tv-password", text: "Password at the broker", secret: "broker-password", when: both("tv", "tv-user")},
		{flag: "tv-ca-file", text: "File with the authority that signed the broker's certificate", when: having("tv"), quiet: unasked},
		{flag: "wifi", text: "WiFi controller", oneOf: []string{none, "unifi", "mikrotik", "nomadix", "omada", "opnsense", "radius"}, usual: always(none)},
		{flag: "wifi-url", text: "Address of the controller", help: "such as https://192.168.1.1", when: wifi},
		{flag: "wifi-user", text: "User name at the controller", help: "none with an API key", when: is("wifi", "unifi", "mikrotik", "nomadix"), usual: func(a answers) string {
			return map[string]string{"mikrotik": "edgeagent"}[a["wifi"]] + map[string]string{"unifi": none, "nomadix": none}[a["wifi"]]
		}},
		{flag: "wifi-password", text: "Password at the controller", secret: "wifi-password", when: both("wifi", "wifi-user")},
		{flag: "wifi-api-key", text: "API key of the controller", secret: "wifi-api-key", when: wantsKey},
		{flag: "wifi-server", text: "Name of the voucher server", when: is("wifi", "opnsense")},
		{flag: "omada-id", text: "The controller's own id", help: "Settings, Platform Integration, Open API", when: is("wifi", "omada")},
		{flag: "omada-client", text: "Client id there", when: is("wifi", "omada")},
		{flag: "omada-secret", text: "Client secret there", secret: "omada-secret", when: is("wifi", "omada")},
		{flag: "wifi-pin", text: "SHA-256 of the controller's certificate", help: "compare it with what the controller's own page shows", when: func(a answers) bool {
			return wifi(a) && !strings.HasPrefix(a["wifi-url"], "http://")
		}, wrong: wrongPin},
	}, radiusQuestions()...)
}

func radiusQuestions() []question {
	radius, line := is("wifi", "radius"), func(a answers) bool { return a["wifi"] == "radius" && !strings.HasPrefix(a["radius-address"], "/") }
	return []question{
		{flag: "radius-database", text: "Database that FreeRADIUS reads", help: "mysql also for MariaDB", oneOf: []string{"mysql", "postgres"}, when: radius, usual: always("mysql")},
		{flag: "radius-address", text: "Address of that database", help: "such as 10.0.0.5:3306, or the path of a Unix socket", when: radius, wrong: func(_ answers, text string) string {
			if host, port, err := net.SplitHostPort(text); !strings.HasPrefix(text, "/") && (err != nil || host == "" || port == "") {
				return "an address such as 10.0.0.5:3306, or the path of a Unix socket"
			}
			return ""
		}},
		{flag: "radius-name", text: "Name of that database", when: radius, usual: always("radius")},
		{flag: "radius-user", text: "User name at the database", when: radius, usual: always("agent")},
		{flag: "radius-password", text: "Password at the database", secret: "radius-database-password", when: line},
		{flag: "radius-pin", text: "SHA-256 of the database's certificate", help: "with 64 zeros edgeagent probe shows the right one", when: func(a answers) bool {
			host, _, _ := net.SplitHostPort(a["radius-address"]) // "" for a Unix socket
			return line(a) && host != "localhost" && !net.ParseIP(host).IsLoopback()
		}, usual: always(strings.Repeat("0", 64)), wrong: wrongPin},
		{flag: "radius-nas", text: "Address of the hotspot (NAS)", help: "such as 10.0.0.2, for Disconnect; none if it takes none", when: radius, usual: always(none)},
		{flag: "radius-secret", text: "Secret for Disconnect at the hotspot", secret: "radius-nas-secret", when: both("wifi", "radius-nas")},
	}
}

func wrongPin(_ answers, text string) string {
	if !fingerprint.MatchString(text) {
		return "64 hexadecimal digits"
	}
	return ""
}

var fingerprint = regexp.MustCompile(`^[0-9A-Fa-f:]{64,95}$`)

func both(a, b string) func(answers) bool {
	return func(given answers) bool { return given.has(a) && given.has(b) }
}

func wrongEncoder(_ answers, text string) string {
	if text == none || strings.HasPrefix(text, "/dev/") {
		return ""
	}
	if host, port, err := net.SplitHostPort(text); err != nil || host == "" || port == "" {
		return "a port such as /dev/serial/by-id/…, an address such as 192.0.2.10:8090, or none"
	}
	return ""
}

func wrongBroker(_ answers, text string) string {
	if scheme, rest, ok := strings.Cut(text, "://"); text != none && (!ok || rest == "" || !slices.Contains([]string{"tls", "wss", "tcp", "ws"}, scheme)) {
		return "an address such as tls://broker.hotel.lan:8883, or none"
	}
	return ""
}

var notSlug = regexp.MustCompile(`[^a-z0-9]+`)

// slugOf makes a short name of a name.
func slugOf(name string) string {
	name = strings.ToLower(norm.NFD.String(name)) // ô is o and a mark of its own
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, name)
	for _, word := range []string{"hotel ", "the "} {
		if rest, ok := strings.CutPrefix(name, word); ok && rest != "" {
			name = rest
		}
	}
	if given := strings.Trim(name, "_-"); given != "" && !notSlug.MatchString(strings.NewReplacer("_", "", "-", "").Replace(given)) {
		return given
	}
	return strings.Trim(notSlug.ReplaceAllString(name, "-"), "-")
}

// systemZone is the time zone of the machine, "" if it has none by name.
func systemZone() string {
	at, err := os.Readlink("/etc/localtime")
	if _, name, ok := strings.Cut(at, "zoneinfo/"); err == nil && ok {
		return name
	}
	return os.Getenv("TZ")
}

// problem says what is wrong with an answer, "" if nothing.
func (q *question) problem(a answers, text string) string {
	switch {
	case text == "":
		return "it needs an answer"
	case strings.ContainsAny(text, "\r\n\t"):
		return "one line of plain text"
	case q.oneOf != nil && !slices.Contains(q.oneOf, text):
		return "one of " + strings.Join(q.oneOf, ", ")
	case q.wrong != nil:
		if text := q.wrong(a, text); text != "" {
			return "it must be " + text
		}
	}
	return ""
}

// usage is the help of the question's flag.
func (q *question) usage() string {
	text := strings.ToLower(q.text[:1]) + q.text[1:]
	if strings.HasPrefix(q.text, "PMS") || strings.HasPrefix(q.text, "MQTT") || strings.HasPrefix(q.text, "SHA") || strings.HasPrefix(q.text, "WiFi") {
		text = q.text
	}
	if q.oneOf != nil {
		text += ": " + strings.Join(q.oneOf, ", ")
	} else if q.help != "" {
		text += fmt.Sprintf(" (%s)", q.help)
	}
	return text
}
