package iptv

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Bridge says in the property file what a product that speaks MQTT in its own
// words is told: no code of ours knows any such product.
type Bridge struct {
	// Name is for people.
	Name string `yaml:"name"`
	// Rooms are the room keys that it is about; all if empty.
	Rooms []string `yaml:"rooms"`
	// Publish are the messages.
	Publish []BridgeMessage `yaml:"publish"`
}

// BridgeMessage is one message of a bridge. ${field} stands for a value.
type BridgeMessage struct {
	// On is when it is sent: state (retained, and kept right), welcome, clear or message.
	On string `yaml:"on"`
	// Topic is where, with ${key} and ${property} in it.
	Topic string `yaml:"topic"`
	// JSON is the payload of a product that takes JSON; values are escaped in it.
	JSON string `yaml:"json"`
	// Text is the payload of a product that takes plain text.
	Text string `yaml:"text"`
	// Without are characters that are taken out of values, since the product reads them as markup.
	Without string `yaml:"without"`
}

// What a message can be on.
const (
	onState   = "state"
	onWelcome = "welcome"
	onClear   = "clear"
	onMessage = "message"
)

// topicFields may stand in a topic; nothing that came from a guest is among them.
var topicFields = []string{"property", "key"}

// bridgeFields are the values of each kind of message. What is retained has
// none that a guest could be known by, so that no broker keeps a name that
// nobody would clear.
var bridgeFields = map[string][]string{
	onState:   {"property", "key", "root", "hotel", "occupied"},
	onClear:   {"property", "key", "root", "hotel"},
	onWelcome: {"property", "key", "root", "hotel", "room", "name", "greeting", "language", "direction"},
	onMessage: {"property", "key", "root", "hotel", "room", "title", "body", "kind", "language", "direction"},
}

var fieldPattern = regexp.MustCompile(`\$\{([^}]*)\}`)

// fill puts values into a template. Only what the template itself says can be
// a field: a value is never looked into.
func fill(template string, value func(string) string) string {
	return fieldPattern.ReplaceAllStringFunc(template, func(field string) string { return value(field[2 : len(field)-1]) })
}

// payload is the message with its values.
func (m *BridgeMessage) payload(values map[string]string) []byte {
	raw := func(name string) string {
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(m.Without, r) {
				return -1
			}
			return r
		}, values[name])
	}
	if m.JSON == "" {
		return []byte(fill(m.Text, raw))
	}
	return []byte(fill(m.JSON, func(name string) string {
		quoted, err := json.Marshal(raw(name)) // also what HTML would read as markup
		if err != nil {
			return "" // text always encodes
		}
		return string(quoted[1 : len(quoted)-1])
	}))
}

// like says that a payload is this message with those values, whatever it says
// of the room, and whatever the hotel was called then.
func (m *BridgeMessage) like(values map[string]string, payload string) bool {
	const hotel, occupied = "\x01", "\x02" // no template has them
	values = maps.Clone(values)
	values["hotel"], values["occupied"] = hotel, occupied
	raw := *m
	if m.JSON != "" {
		raw.Text, raw.JSON = m.JSON, "" // nothing else in it needs an escape
	}
	form := regexp.QuoteMeta(string(raw.payload(values)))
	form = strings.NewReplacer(hotel, `.*`, occupied, `(true|false)`).Replace(form)
	ours, err := regexp.Compile(`(?s)^` + form + `$`)
	return err == nil && ours.MatchString(payload)
}

// topic is where it goes for a room key.
func (m *BridgeMessage) topic(property, key string) string {
	return fill(m.Topic, func(name string) string {
		if name == "key" {
			return key
		}
		return property
	})
}

// filter subscribes to that topic of all rooms.
func (m *BridgeMessage) filter(property string) string {
	levels := strings.Split(m.Topic, "/")
	for i, level := range levels {
		if strings.Contains(level, "${key}") {
			levels[i] = "+"
		} else {
			levels[i] = strings.ReplaceAll(level, "${property}", property)
		}
	}
	return strings.Join(levels, "/")
}

// keyOf is the room key in a topic of this message, "" if it is none.
func (m *BridgeMessage) keyOf(property, topic string) string {
	before, after, _ := strings.Cut(strings.ReplaceAll(m.Topic, "${property}", property), "${key}")
	key, ok := strings.CutPrefix(topic, before)
	key, too := strings.CutSuffix(key, after)
	if !ok || !too || !slugPattern.MatchString(key) || m.topic(property, key) != topic {
		return ""
	}
	return key
}

// about says whether the bridge is about a room key.
func (b *Bridge) about(key string) bool { return len(b.Rooms) == 0 || slices.Contains(b.Rooms, key) }

func (c *Config) checkBridges(yield func(string, string) bool) bool {
	for i := range c.Bridges {
		b := &c.Bridges[i]
		at := fmt.Sprintf("bridges[%d]", i)
		if len(b.Publish) == 0 && !yield(at, "publishes nothing: write publish: with at least one message, or leave the bridge out") {
			return false
		}
		for n, key := range b.Rooms {
			if !slugPattern.MatchString(key) && !yield(fmt.Sprintf("%s.rooms[%d]", at, n), fmt.Sprintf("%q is no room key: 1 to 64 of a-z, 0-9, - and _", key)) {
				return false
			}
		}
		for n := range b.Publish {
			path, text := b.Publish[n].problem(orElse(c.Prefix, "htl/v1"))
			if text != "" && !yield(fmt.Sprintf("%s.publish[%d].%s", at, n, path), text) {
				return false
			}
		}
	}
	return true
}

// problem is the first thing that is wrong with a message, and where.
func (m *BridgeMessage) problem(prefix string) (path, text string) {
	fields, known := bridgeFields[m.On]
	if !known {
		return "on", fmt.Sprintf("%q is unknown: write one of %s", m.On, strings.Join(sortedKeys(bridgeFields), ", "))
	}
	if text := m.topicProblem(prefix); text != "" {
		return "topic", text
	}
	path, template := "text", m.Text
	if m.JSON != "" {
		path, template = "json", m.JSON
	}
	if (m.JSON == "") == (m.Text == "") {
		return path, "needs a payload: write either json or text"
	}
	for _, found := range fieldPattern.FindAllStringSubmatch(template, -1) {
		if !slices.Contains(fields, found[1]) {
			return path, fmt.Sprintf("has no value ${%s} on %s: there are %s", found[1], m.On, strings.Join(fields, ", "))
		}
	}
	if strings.HasPrefix(m.Text, "${") && (m.On == onWelcome || m.On == onMessage) {
		return path, "begins with what a guest or the desk has written: a product that takes JSON too would read it as that if it begins with {; begin with a word of yours, or write json"
	}
	if m.JSON != "" && !m.isJSON(fields) {
		return path, `is no JSON with its values in place: each stands within quotes, such as "${key}"; only ${occupied} may stand alone`
	}
	return "", ""
}

// apart says whether property and key cannot run into each other: a hotel "sea"
// with a room "2_101" must not have the topic of the room 101 of "sea_2".
func (m *BridgeMessage) apart() bool {
	for level := range strings.SplitSeq(m.Topic, "/") {
		before, after, found := strings.Cut(level, "${property}")
		switch {
		case !found:
		case before == "" && after == "":
			return true
		case after == "" || after[0] == '$' || slugPattern.MatchString(after[:1]):
		case strings.Contains(before, "${key}") && slugPattern.MatchString(before[len(before)-1:]), strings.HasSuffix(before, "}"):
		default:
			return true
		}
	}
	return false
}

// isJSON tries the template with values such as guests have, or make up.
func (m *BridgeMessage) isJSON(fields []string) bool {
	for _, trial := range []string{"x", `"a "b" \ </script>` + "\n\""} {
		values := map[string]string{}
		for _, name := range fields {
			values[name] = trial
		}
		values["occupied"] = "true"
		if !json.Valid(m.payload(values)) {
			return false
		}
	}
	return true
}

func (m *BridgeMessage) topicProblem(prefix string) string {
	plain := fill(m.Topic, func(string) string { return "x" })
	for _, found := range fieldPattern.FindAllStringSubmatch(m.Topic, -1) {
		if !slices.Contains(topicFields, found[1]) {
			return fmt.Sprintf("has ${%s}, and a topic holds nothing but ${key} and ${property}: others see topics", found[1])
		}
	}
	switch {
	case m.Topic == "":
		return "missing: write where it goes, such as kodi/${key}/command/notify"
	case len(m.Topic) > 200 || strings.ContainsAny(plain, "+#$ \x00") || strings.Contains(plain, "//") || strings.HasPrefix(plain, "/") || strings.HasSuffix(plain, "/"):
		return "is no topic: levels parted by /, without + # $ and spaces, at most 200 characters"
	case strings.HasPrefix(plain+"/", prefix+"/"):
		return fmt.Sprintf("begins with %s, which is our own contract's: choose another", prefix)
	case strings.Count(m.Topic, "${key}") != 1:
		return "needs ${key} once: each room has a topic of its own"
	case m.On == onState && !m.apart():
		return "needs ${property} as a level of its own, or before a character that no id has, such as ${property}.${key}: else the rooms of one hotel could be those of another at the same broker, and be cleared"
	}
	return ""
}
