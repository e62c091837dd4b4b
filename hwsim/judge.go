package hwsim

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"edgeagent/hwsim/console"
	"edgeagent/hwsim/locksim"
)

// inHouse lists the stays in house, by room.
func (h *Hotel) inHouse() map[string][]*Stay {
	h.mu.Lock()
	defer h.mu.Unlock()
	rooms := map[string][]*Stay{}
	for _, key := range slices.Sorted(maps.Keys(h.stays)) {
		if s := h.stays[key]; s.InHouse {
			rooms[s.Room] = append(rooms[s.Room], s)
		}
	}
	return rooms
}

// House lists the stays in house, by room, as they are now.
func (h *Hotel) House() map[string][]Stay {
	h.mu.Lock()
	defer h.mu.Unlock()
	rooms := map[string][]Stay{}
	for _, key := range slices.Sorted(maps.Keys(h.stays)) {
		if s := h.stays[key]; s.InHouse {
			rooms[s.Room] = append(rooms[s.Room], *s)
		}
	}
	return rooms
}

// Screens says what is wrong on the TVs: a name missing, or one too many.
func (h *Hotel) Screens() []string {
	var wrong []string
	rooms := h.House()
	for _, room := range h.Rooms {
		var want []string
		for _, s := range rooms[room] {
			want = append(want, s.Last)
		}
		for _, tv := range h.tvs[room] {
			shown := tv.Shown()
			switch {
			case len(want) == 0 && !shown.Vacant():
				wrong = append(wrong, fmt.Sprintf("TV %s shows %q, but the room is empty", tv.Room(), shown.Names))
			case len(want) > 0 && !namesFit(shown.Names, want):
				wrong = append(wrong, fmt.Sprintf("TV %s shows %q, want %q", tv.Room(), shown.Names, want))
			}
		}
	}
	return wrong
}

// namesFit reports whether the screen names exactly these people.
func namesFit(shown, want []string) bool {
	if len(shown) != len(want) {
		return false
	}
	for _, last := range want {
		if !slices.ContainsFunc(shown, func(s string) bool { return strings.Contains(s, last) }) {
			return false
		}
	}
	return true
}

// Codes says what is wrong with the WiFi: a code of somebody who left, a guest
// without one, or two codes for one stay.
func (h *Hotel) Codes() []string {
	var wrong []string
	live := map[string]int{}
	for _, a := range h.WiFi.Access() {
		if a.Works {
			live[a.Marker]++
		}
	}
	stays := 0
	for _, guests := range h.House() {
		stays += len(guests)
	}
	for name, n := range live {
		if n > 1 {
			wrong = append(wrong, fmt.Sprintf("%d codes work for %s", n, name))
		}
	}
	if len(live) != stays {
		wrong = append(wrong, fmt.Sprintf("codes of %d stays work, but %d are in house", len(live), stays))
	}
	return wrong
}

// Code is the working credential of the stay that is on the screen of a room,
// the zero one if there is none: the screen and the controller name a stay by
// the same opaque key.
func (h *Hotel) Code(room string) console.Access {
	a, _ := ofStay(h.WiFi, h.TV(room).Shown().Stay)
	return a
}

// Endless lists cards and codes that would work on although nobody revoked them.
func (h *Hotel) Endless() []string {
	var wrong []string
	last := time.Now()
	h.mu.Lock()
	for _, s := range h.stays {
		if s.Departure.After(last) {
			last = s.Departure
		}
	}
	h.mu.Unlock()
	for _, e := range h.Locks.Audit() {
		if (e.Deed == locksim.NewKey || e.Deed == locksim.Copied) && (e.Until.IsZero() || e.Until.After(h.cardEnd(last))) {
			wrong = append(wrong, fmt.Sprintf("a card for room %s lasts until %s", e.Room, e.Until))
		}
	}
	for _, a := range h.WiFi.Access() {
		if a.Until.IsZero() || a.Until.After(last.Add(h.site.grace)) {
			wrong = append(wrong, fmt.Sprintf("the code of %s lasts until %s", a.Marker, a.Until))
		}
	}
	return wrong
}

// Status is what the agent says of itself, as far as the judge needs it.
type Status struct {
	Links []struct {
		Name   string `json:"name"`
		Offset string `json:"offset"`
		Link   struct {
			State       string `json:"state"`
			MonitorOnly string `json:"monitor_only"`
		} `json:"link"`
	} `json:"links"`
	Devices []struct {
		Name  string `json:"name"`
		State struct {
			Condition string `json:"condition"`
			Reason    string `json:"reason"`
		} `json:"state"`
	} `json:"devices"`
	Open []struct {
		ID      string    `json:"id"`
		Device  string    `json:"device"`
		Subject string    `json:"subject"`
		State   string    `json:"state"`
		Note    string    `json:"note"`
		Due     time.Time `json:"due"`
	} `json:"open"`
	Recent []struct {
		ID      string `json:"id"`
		Device  string `json:"device"`
		Subject string `json:"subject"`
		State   string `json:"state"`
		Note    string `json:"note"`
		Unknown bool   `json:"unknown"`
	} `json:"recent"`
	Unknown []struct {
		ID   string `json:"id"`
		Note string `json:"note"`
	} `json:"unknown"`
	Conditions []struct {
		Code  string `json:"code"`
		About string `json:"about"`
		Text  string `json:"text"`
	} `json:"conditions"`
	Counts map[string]int64 `json:"counts"`
}

// Live reports whether every link is live and its notices move devices: the
// agent connects a first time only to find out how to ask for the hotel.
func (s *Status) Live() bool {
	for _, l := range s.Links {
		if l.Link.State != "live" || l.Link.MonitorOnly != "" {
			return false
		}
	}
	return len(s.Links) > 0
}

// Due counts the commands that could be under way now.
func (s *Status) Due() (n int) {
	for _, o := range s.Open {
		if o.Due.Before(time.Now()) {
			n++
		}
	}
	return n
}

// Heard reports whether the agent stands at the last event of the stream. Its
// offset is its own affair, but for the PMS's number in it. Mews has no
// numbers: there the agent must have read what it heard of.
func (h *Hotel) Heard(s *Status) bool {
	last := fmt.Sprint(h.PMS.Head(h.site.chain()) - 1)
	for _, l := range s.Links {
		if l.Name == "inspire" && !slices.Contains(strings.Split(l.Offset, ":"), last) {
			return false
		}
	}
	return h.heardAnnex()
}

// Status asks the agent.
func (h *Hotel) Status(ctx context.Context) (Status, error) {
	var v Status
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, h.StatusURL+"/api/status", nil)
	if err != nil {
		return v, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return v, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return v, fmt.Errorf("status: %s", resp.Status)
	}
	return v, json.NewDecoder(resp.Body).Decode(&v)
}

// Eventually waits until cond holds, looking every 20 ms. It returns how long
// that took, and the error of ctx if it does not happen in time.
func Eventually(ctx context.Context, cond func() bool) (time.Duration, error) {
	start := time.Now()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if cond() {
			return time.Since(start), nil
		}
		select {
		case <-ctx.Done():
			return time.Since(start), ctx.Err()
		case <-tick.C:
		}
	}
}
