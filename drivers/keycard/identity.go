package keycard

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
)

// valueKey is the value of a receipt that says which key the room has.
const valueKey = "key_id"

// keyCommands are the link's words for the first card of a command and for
// those after it.
func (d *Driver) keyCommands(p *plan, cmd drivers.Command, fields *cardFields) (first, more string, err error) {
	known := d.known(cmd)
	p.identity = d.identity(cmd.Params["stay"], fields)
	p.owner = d.owner(cmd.Params["stay"])
	switch key := or(cmd.Params["key"], keyNew); key {
	case keyNew:
		return "CN", "CC", nil
	case keyDuplicate:
		p.joined = known[valueOwners]
		return "CC", "CC", nil
	case keyOneShot:
		p.identity, p.kept = "", known // it ends no other key, and is gone once used
		return "CA", "CA", nil
	case keyAuto:
		// A guest of whom nothing is known may be another one, whose new key must
		// end the earlier ones.
		if cmd.Params["stay"] != "" && known[valueKey] == p.identity {
			p.joined = known[valueOwners]
			return "CC", "CC", nil
		}
		return "CN", "CC", nil
	default:
		return "", "", refused(BadRequest, "key %q: write %s, %s, %s or %s", printable(key, 20), keyNew, keyDuplicate, keyOneShot, keyAuto)
	}
}

// known is what earlier commands left to know of the room's key.
func (d *Driver) known(cmd drivers.Command) map[string]string {
	if d.site.Known == nil {
		return nil
	}
	return d.site.Known(d.name, cmd.Subject)
}

// identity tells keys apart: for whom, which doors, until when. It is a keyed
// hash, since receipts are kept and nobody needs to read this.
func (d *Driver) identity(stay string, fields *cardFields) string {
	further := slices.Clone(fields.rooms[1:])
	slices.Sort(further)
	mac := hmac.New(sha256.New, d.site.Key)
	for _, part := range []string{
		"key card", stay, fields.rooms[0], strings.Join(further, ","), sorted(fields.grants), sorted(fields.denials), fields.until,
	} {
		mac.Write([]byte(strconv.Itoa(len(part)) + ":" + part)) // so that no two lists of parts read alike
	}
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

func sorted(chars string) string {
	all := []byte(chars)
	slices.Sort(all)
	return string(all)
}

// remember notes in a receipt which key the room has from now on.
func (p *plan) remember(values map[string]string, now time.Time) {
	if p.identity != "" {
		values[valueKey], values[drivers.ValueAt] = p.identity, instant(now)
		if owners := joinOwners(p.joined, p.owner); owners != "" {
			values[valueOwners] = owners
		}
		return
	}
	// The last two are what the agent adds: until when whose key lasts.
	for _, name := range []string{valueKey, valueOwners, drivers.ValueAt, drivers.ValueStay, "until"} {
		if v := p.kept[name]; v != "" {
			values[name] = v
		}
	}
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
