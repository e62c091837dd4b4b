package main

import (
	"encoding/json"
	"maps"
	"slices"
	"sort"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard"
	"edgeagent/internal/agent"
	"edgeagent/internal/config"
	"edgeagent/offsetstore"
)

// known is what an earlier command about the subject left to know. A room has one
// key, whichever encoder made it: for one, all that make such keys are asked.
func known(l *config.Loaded, store *offsetstore.Store, device, subject string) map[string]string {
	encoders := encoders(l, device)
	if encoders == nil {
		return receipt(store, device, subject).Values
	}
	var newest drivers.Receipt
	for _, encoder := range encoders {
		if r := receipt(store, encoder, subject); !r.At().Before(newest.At()) {
			newest = r
		}
	}
	lost, err := store.Unknown()
	lost = slices.DeleteFunc(lost, func(c offsetstore.Command) bool {
		return !slices.Contains(encoders, c.Lane) || c.Subject != subject || !c.Settled.After(newest.At())
	})
	_, restored := store.Restored()
	// Of a lock system, a duplicate is one of whatever key the room has. Ours has the
	// number of the one we know, and locks have seen a later one, perhaps.
	stale := ours(l, device) && newest.At().Before(restored)
	if err != nil || stale || len(lost) > 0 {
		newest.Values = doubted(lost) // what key the room has since then, nobody can say
	}
	if underWay(store, encoders, device, subject) {
		newest.Values = maps.Clone(newest.Values)
		if newest.Values == nil {
			newest.Values = map[string]string{}
		}
		newest.Values[drivers.ValueUnderWay] = "true"
	}
	return newest.Values
}

// doubted is what is known of a room's key after commands whose outcome is
// unknown: whose the last of them would be.
func doubted(lost []offsetstore.Command) map[string]string {
	sort.Slice(lost, func(i, j int) bool { return lost[i].Settled.After(lost[j].Settled) })
	for _, c := range lost {
		if cmd, err := agent.Command(c); err == nil && keycard.KeyOf(cmd) != "" {
			return map[string]string{drivers.ValueStay: keycard.KeyOf(cmd), drivers.ValueDoubted: "true"}
		}
	}
	return nil
}

// underWay reports whether another of the encoders is at work on a key of the
// subject, or cannot be asked.
func underWay(store *offsetstore.Store, encoders []string, device, subject string) bool {
	open, err := store.Open()
	return err != nil || slices.ContainsFunc(open, func(c offsetstore.Command) bool {
		return c.Lane != device && slices.Contains(encoders, c.Lane) && c.Subject == subject &&
			!c.Setting && c.State == offsetstore.Processing
	})
}

// receipt is the newest of a device about a subject that has values.
func receipt(store *offsetstore.Store, device, subject string) drivers.Receipt {
	text, err := store.Known(device, subject)
	var r drivers.Receipt
	if err != nil || json.Unmarshal(text, &r) != nil {
		return drivers.Receipt{}
	}
	return r
}

// encoders lists the encoders that make the same keys as the device, itself too;
// none if it is no encoder. A room may have a key of the lock system and one
// that we sign ourselves: neither ends the other, nor knows of it.
func encoders(l *config.Loaded, device string) []string {
	byKeys := map[string][]string{}
	var its string
	for i := range l.Devices {
		if k := l.Devices[i].Keycard; k != nil {
			byKeys[k.Keys()] = append(byKeys[k.Keys()], l.Devices[i].Name)
			if l.Devices[i].Name == device {
				its = k.Keys()
			}
		}
	}
	return byKeys[its]
}

// ours reports whether a device makes the keys of locks that we own.
func ours(l *config.Loaded, device string) bool {
	return slices.ContainsFunc(l.Devices, func(d config.Device) bool {
		return d.Name == device && d.Keycard != nil && d.Keycard.IsPN532()
	})
}

// keysOf says which keys a device makes; "" for none.
func keysOf(d *config.Device) string {
	if d.Keycard == nil {
		return ""
	}
	return d.Keycard.Keys()
}
