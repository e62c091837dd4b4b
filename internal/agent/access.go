package agent

import (
	"encoding/json"
	"sort"

	"edgeagent/drivers"
)

// Access is what a WiFi controller has given a stay.
type Access struct {
	Device string
	// Stay is the stay's opaque key.
	Stay string
	// Values are those of the receipt: user, code, until (RFC 3339), ssid. nil
	// if there is none yet.
	Values map[string]string
}

// Access lists the WiFi access of the guests who are in a room now, for whoever
// prints it. The values are secret.
func (a *Agent) Access(room string) ([]Access, error) {
	var stays []string
	a.mu.Lock()
	for stay := range a.ledger.InHouse() {
		if stay.Room == room {
			stays = append(stays, stay.Key)
		}
	}
	a.mu.Unlock()
	sort.Strings(stays)
	var list []Access
	for _, d := range a.devices {
		if d.Kind != "wifi" {
			continue
		}
		for _, stay := range stays {
			text, err := a.store.Known(d.name, "stay:"+stay)
			if err != nil {
				return nil, err
			}
			var r drivers.Receipt
			if len(text) > 0 {
				if err := json.Unmarshal(text, &r); err != nil {
					return nil, err
				}
			}
			list = append(list, Access{Device: d.name, Stay: stay, Values: r.Values})
		}
	}
	return list, nil
}
