package iptv

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// The topic tree, below <prefix>/<property>:
//
//	agent/state                online or offline, retained
//	room/<key>/welcome         desired state of the screen, retained; empty: vacant
//	room/<key>/message         pop-up
//	room/<key>/command         power, mute, wake, reload
//	room/<key>/tv/<tv>/state   of a set, retained
//	room/<key>/tv/<tv>/ack     answers of a set
//	room/<key>/tv/<tv>/event   what a guest does at a set
//
// A topic holds no name, no label and nothing else that came from a guest.
const (
	topicWelcome = "welcome"
	topicMessage = "message"
	topicCommand = "command"
	// checkKey is a room key that no room has: what is published there proves
	// that the broker delivers.
	checkKey = "_agentcheck"
)

// roomTopic is the topic of that name of a room key.
func (d *Driver) roomTopic(key, name string) string { return d.root + "/room/" + key + "/" + name }

// keys are the room keys of a room of the PMS.
func (d *Driver) keys(room string) []string { return roomKeys(*d.rooms.Load(), room) }

// SetRooms replaces the room keys of rooms, and has every screen compared with
// what it should show: those of a room that is called otherwise now are cleared.
func (d *Driver) SetRooms(rooms map[string][]string) {
	d.rooms.Store(&rooms)
	select {
	case d.remapped <- struct{}{}:
	default: // it holds one already
	}
}

// roomKey makes a room key of a room number. Two room numbers never get the
// same key (a name would stand in the wrong room): what has to be replaced is
// made up for by a hash of the whole.
func roomKey(room string) string {
	lower := strings.ToLower(strings.TrimSpace(room))
	if slugPattern.MatchString(lower) && lower != checkKey && lower != AgentUser {
		return lower
	}
	var slug strings.Builder
	for _, r := range lower {
		if (r >= 'a' && r <= 'z') || (r >= '0' && r <= '9') {
			slug.WriteRune(r)
		} else {
			slug.WriteByte('-')
		}
	}
	text := slug.String()
	if len(text) > 40 {
		text = text[:40]
	}
	sum := sha256.Sum256([]byte(lower))
	return text + "-" + hex.EncodeToString(sum[:4])
}

// heard is what a topic below the root is about.
type heard struct {
	key  string // room key
	tv   string // set, "" for topics of the room
	name string // last level
}

// parseTopic takes a topic of the tree apart; ok is false for any other.
func parseTopic(root, topic string) (h heard, ok bool) {
	rest, ok := strings.CutPrefix(topic, root+"/room/")
	if !ok {
		return h, false
	}
	levels := strings.Split(rest, "/")
	switch {
	case len(levels) == 2:
		return heard{key: levels[0], name: levels[1]}, true
	case len(levels) == 4 && levels[1] == "tv":
		return heard{key: levels[0], tv: levels[2], name: levels[3]}, true
	}
	return h, false
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
