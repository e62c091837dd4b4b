package agent

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"edgeagent/drivers"
	"edgeagent/offsetstore"
	"edgeagent/pms"
)

// Condition is something that a person should know, with what to do about it.
type Condition struct {
	Code    string    `json:"code"`
	About   string    `json:"about,omitempty"` // link, device or room
	Text    string    `json:"text"`
	Do      string    `json:"do"`
	Since   time.Time `json:"since"`
	Serious bool      `json:"serious"`
}

// conditionKinds says of each code what to do, how long it must last before it
// is shown, and which other condition about the same thing explains it.
var conditionKinds = map[string]struct {
	do      string
	visible time.Duration
	because string
	serious bool
}{
	"pms-disconnected": {"check the internet uplink; events are replayed when the link is back", 30 * time.Second, "pms-refused", true},
	"pms-refused":      {"correct what the text names in the property file, or ask the PMS vendor to approve it", 0, "", true},
	"pms-gap":          {"compare the rooms in house with the PMS: events may be lost", 0, "", true},
	"pms-alarm":        {"compare the rooms in house with the PMS", 0, "", false},
	"answer-waiting":   {"see in the PMS which commands are still open; they are answered as soon as it takes the answers", 5 * time.Minute, "pms-disconnected", false},
	"monitor-only":     {"say in the property file which property this is (chain_scope, hotel_code)", 0, "", true},
	"device-silent":    {"check power, cable and network of the device", 10 * time.Second, "", true},
	"device-degraded":  {"see the reason", 10 * time.Second, "device-silent", false},
	"queue-waiting":    {"the device answers but does not keep up; see its last notes", 2 * time.Minute, "device-silent", false},
	"outcome-unknown":  {"look whether the card was cut (try it on the door, or read it), say so on the status page or with edgeagent resolve and the command's id, and if it was not, have it tried again there or with edgeagent retry", 0, "", true},
	"card-to-collect":  {"take the card off the encoder and keep it: the desk has called the key off", 0, "", true},
	"clock-unset":      {"give the gateway a time server (NTP); keys wait until then", 0, "", true},
	"disk-low":         {"free space on the gateway", 0, "", true},
	"unmapped":         {"if they matter, add the names to aliases in the property file and restart edgeagent", 0, "", false},
	"quarantine":       {"ask the PMS vendor what these messages are", 0, "", false},
	"config-invalid":   {"mend the property file and restart edgeagent", 0, "", true},
	"stepped-back":     {"the version before is in its place again; send what journalctl -u edgeagent shows to who made the new one, and install the next version when there is one", 0, "", true},
	"backup-failed":    {"see to the USB stick named EDGEBACKUP: is it plugged in, has it space, can it be written to; the next backup is made at night", 0, "", true},
	"update-failed":    {"see that the gateway reaches the server named in updates.txt on its card, and that the file is right; it looks again at night", 0, "", false},
	"reload-refused":   {"mend it (edgeagent check shows every line) and reload again; until then the rules read before stay in force", 0, "", true},
	"restored":         {"if it stays, see to the PMS link: until it is back, screens and WiFi are left as they are", 0, "", true},
	"restart-needed":   {"restart edgeagent when it suits", 0, "", false},
	"key-short":        {"cut the room's key again: it ends before the guest's departure", 0, "", false},
}

// diskLow is the free space below which a person is told, in bytes.
const diskLow = 64 << 20

// sightings remembers since when each condition has held.
type sightings struct {
	mu    sync.Mutex
	since map[string]time.Time
}

// conditions finds what holds now, leaving out what is too young to show and
// what another condition about the same thing explains.
func (a *Agent) conditions(v View, now time.Time) []Condition {
	found := slices.Concat(linkConditions(v.Links), deviceConditions(v.Devices), houseConditions(v), a.collect.conditions(now), a.reloads.conditions(),
		a.restoredConditions(), gatewayConditions(a.clock.Trusted(), freeSpace(a.store.Dir())), told(a.standing))
	holds := map[string]bool{}
	for _, c := range found {
		holds[c.Code+" "+c.About] = true
	}
	a.seen.mu.Lock()
	defer a.seen.mu.Unlock()
	since := map[string]time.Time{}
	shown := []Condition{}
	for _, c := range found {
		key, kind := c.Code+" "+c.About, conditionKinds[c.Code]
		if c.Since.IsZero() {
			c.Since = now
			if first, ok := a.seen.since[key]; ok {
				c.Since = first
			}
		}
		since[key] = c.Since
		if now.Sub(c.Since) < kind.visible || kind.because != "" && holds[kind.because+" "+c.About] {
			continue
		}
		c.Do, c.Serious = kind.do, kind.serious
		shown = append(shown, c)
	}
	a.seen.since = since
	return shown
}

func linkConditions(links []LinkView) []Condition {
	var found []Condition
	for _, l := range links {
		add := func(code, text string, since time.Time) {
			found = append(found, Condition{Code: code, About: l.Name, Text: text, Since: since})
		}
		switch l.Link.State {
		case pms.LinkLive, pms.LinkCatchingUp, pms.LinkDraining:
		case pms.LinkParked:
			add("pms-refused", l.Link.Problem, l.Link.Since)
		default:
			add("pms-disconnected", strings.TrimSpace("not connected; "+l.Link.Problem), time.Time{})
		}
		if l.Link.MonitorOnly != "" {
			add("monitor-only", l.Link.MonitorOnly, time.Time{})
		}
		if text, since := unanswered(l.Commands); text != "" {
			add("answer-waiting", text, since)
		}
		for _, alarm := range l.Link.Alarms {
			code, text := alarm.Code, alarm.Text
			if _, known := conditionKinds[code]; !known {
				code, text = "pms-alarm", alarm.Code+": "+alarm.Text
			}
			add(code, text, alarm.Since)
		}
	}
	return found
}

func deviceConditions(devices []DeviceView) []Condition {
	var found []Condition
	for _, d := range devices {
		switch d.State.Condition {
		case drivers.Offline:
			found = append(found, Condition{Code: "device-silent", About: d.Name, Text: d.State.Reason, Since: d.State.Since})
		case drivers.Degraded, drivers.Quarantined:
			found = append(found, Condition{Code: "device-degraded", About: d.Name, Text: d.State.Reason, Since: d.State.Since})
		}
		if d.Waiting > 20 {
			found = append(found, Condition{Code: "queue-waiting", About: d.Name, Text: fmt.Sprintf("%d commands wait", d.Waiting)})
		}
	}
	return found
}

// Idle is how things stand where the property file keeps an agent from running:
// its problems, and the conditions that hold whatever an agent finds; nil for none.
func Idle(problems string, standing func() []Condition) View {
	v := View{Conditions: append([]Condition{{Code: "config-invalid", Text: problems}}, told(standing)...)}
	for i := range v.Conditions {
		c := &v.Conditions[i]
		kind := conditionKinds[c.Code]
		c.Do, c.Serious = kind.do, kind.serious
	}
	return v
}

func told(standing func() []Condition) []Condition {
	if standing == nil {
		return nil
	}
	return standing()
}

func houseConditions(v View) []Condition {
	var found []Condition
	for _, c := range v.Unknown {
		found = append(found, Condition{Code: "outcome-unknown", About: c.Device + ", " + c.Subject, Text: c.Note, Since: c.Settled})
	}
	for _, r := range v.Rooms {
		if !r.KeyUntil.IsZero() && r.KeyUntil.Before(r.Departure) {
			found = append(found, Condition{Code: "key-short", About: r.Room, Text: "the key ends " + r.KeyUntil.Format(time.RFC3339)})
		}
	}
	if len(v.Unmapped) > 0 {
		found = append(found, Condition{Code: "unmapped", Text: fmt.Sprintf("%d names of the PMS are not mapped", len(v.Unmapped))})
	}
	if v.Quarantine > 0 {
		found = append(found, Condition{Code: "quarantine", Text: fmt.Sprintf("%d messages could not be read", v.Quarantine)})
	}
	return found
}

// gatewayConditions are about the gateway itself; free is in bytes.
func gatewayConditions(clockTrusted bool, free uint64) []Condition {
	var found []Condition
	if !clockTrusted {
		found = append(found, Condition{Code: "clock-unset", Text: "the clock shows a time that cannot be right"})
	}
	if free < diskLow {
		found = append(found, Condition{Code: "disk-low", Text: fmt.Sprintf("%d MiB are free", free>>20)})
	}
	return found
}

// freeSpace is what is left for the store, in bytes; all there is if nobody can tell.
func freeSpace(dir string) uint64 {
	var disk syscall.Statfs_t
	if syscall.Statfs(dir, &disk) != nil {
		return math.MaxUint64
	}
	return disk.Bavail * uint64(disk.Bsize)
}

// withEnd adds to a receipt, for as long as it is worth knowing, whose key was
// cut and until when it lasts.
func withEnd(r drivers.Receipt, c offsetstore.Command) drivers.Receipt {
	var b body
	if c.Setting || json.Unmarshal(c.Body, &b) != nil || b.Params["until"] == "" || b.Params["stay"] == "" {
		return r
	}
	values := map[string]string{drivers.ValueStay: b.Params["stay"], "until": b.Params["until"]}
	maps.Copy(values, r.Values)
	r.Values = values
	return r
}

// madeKey is a key that was cut for a room: where, when, and until when it lasts.
type madeKey struct {
	device    string
	at, until time.Time
}

// roomKey is the key of a room that ends first, of one of each lock system and of
// our own locks; the zero one if nobody knows of any.
func (a *Agent) roomKey(room string, stays []string) (first madeKey) {
	asked := map[string]bool{}
	for _, d := range a.devices {
		if d.Kind != "keycard" || asked[d.Keys] {
			continue
		}
		asked[d.Keys] = true
		if k := a.keyOf(d.Keys, room, stays); !k.until.IsZero() && (first.until.IsZero() || k.until.Before(first.until)) {
			first = k
		}
	}
	return first
}

// keyOf is the last key cut for a room, on whichever encoder of those keys. Its end
// is zero if it was not cut for one of the stays, or nobody knows.
func (a *Agent) keyOf(keys, room string, stays []string) (last madeKey) {
	for _, d := range a.devices {
		if d.Kind != "keycard" || d.Keys != keys {
			continue
		}
		text, err := a.store.Known(d.name, "room:"+room)
		var r drivers.Receipt
		if err != nil || json.Unmarshal(text, &r) != nil || r.At().Before(last.at) {
			continue
		}
		var until time.Time
		if slices.Contains(stays, r.Values[drivers.ValueStay]) {
			until, _ = time.Parse(time.RFC3339, r.Values["until"]) // unreadable: unknown
		}
		if r.At().After(last.at) || until.After(last.until) {
			last = madeKey{d.name, r.At(), until}
		}
	}
	return last
}
