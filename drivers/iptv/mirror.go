package iptv

import (
	"context"
	"maps"
	"strings"
	"time"

	"edgeagent/drivers"
)

// maxBridged bounds what is remembered of the bridges' retained messages.
const maxBridged = 4 * maxRooms

// states are the retained messages of the bridges, each with its bridge.
func (d *Driver) states() (all []bridged) {
	for i := range d.cfg.Bridges {
		b := &d.cfg.Bridges[i]
		for n := range b.Publish {
			if b.Publish[n].On == onState {
				all = append(all, bridged{b, &b.Publish[n]})
			}
		}
	}
	return all
}

// bridged is a message of a bridge.
type bridged struct {
	bridge  *Bridge
	message *BridgeMessage
}

// hearBridge notes what the broker retains for a bridge.
func (s *session) hearBridge(topic string, payload []byte) {
	for _, b := range s.d.states() {
		if b.message.keyOf(s.d.site.Property, topic) != "" {
			s.house.hearBridge(topic, string(payload[:min(len(payload), maxDocument)]))
			return
		}
	}
}

func (h *house) hearBridge(topic, payload string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if payload == "" {
		delete(h.bridged, topic)
	} else if _, known := h.bridged[topic]; known || len(h.bridged) < maxBridged {
		h.bridged[topic] = payload
	}
}

// holds says whether the broker retains that for a bridge; "" for nothing.
func (h *house) holds(topic, payload string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.bridged[topic] == payload
}

func (h *house) bridgedTopics() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return sortedKeys(h.bridged)
}

// watchBridges subscribes to the bridges' retained messages, so that only what
// is wrong of them is published, and what nobody wants is cleared.
func (s *session) watchBridges(ctx context.Context) error {
	filters := map[string]byte{}
	for _, b := range s.d.states() {
		filters[b.message.filter(s.d.site.Property)] = 1
	}
	if len(filters) == 0 {
		return nil
	}
	refused, err := s.subscribe(ctx, filters)
	if err != nil {
		return err
	}
	for _, filter := range refused {
		s.complain(filter, true)
	}
	_, err = s.proves(ctx, topicWelcome) // then everything retained has come
	return err
}

// common are the values that any message of a room key may have.
func (d *Driver) common(key string) map[string]string {
	return map[string]string{"property": d.site.Property, "key": key, "root": d.root, "hotel": clean(d.site.Label, maxName)}
}

// mirror brings the bridges' retained messages of a room key to what the broker
// retains of its screen. The caller has the key's lock.
func (s *session) mirror(ctx context.Context, key string) error {
	for _, b := range s.d.states() {
		if !b.bridge.about(key) {
			continue
		}
		values := s.d.common(key)
		values["occupied"] = "false"
		if s.house.retained(key) != nil {
			values["occupied"] = "true"
		}
		topic, payload := b.message.topic(s.d.site.Property, key), b.message.payload(values)
		if s.house.holds(topic, string(payload)) {
			continue
		}
		if err := s.publish(ctx, topic, true, payload); err != nil {
			return err
		}
	}
	return nil
}

// mirrorAll brings the bridges' retained messages of all rooms right, clears
// those of rooms that are no more, and says which do not come back.
func (s *session) mirrorAll(ctx context.Context, wishes map[string]wish) error {
	states := s.d.states()
	if len(states) == 0 {
		return nil
	}
	keys := maps.Clone(wishes)
	for _, several := range *s.d.rooms.Load() {
		for _, key := range several {
			keys[key] = wish{}
		}
	}
	for _, key := range sortedKeys(keys) {
		unlock, err := s.d.lock(ctx, key)
		if err != nil {
			return err
		}
		err = s.mirror(ctx, key)
		unlock()
		if err != nil {
			return err
		}
	}
	for _, topic := range s.house.bridgedTopics() {
		if _, known := keys[s.bridgedKey(states, topic)]; known || !s.wrote(states, topic) {
			continue
		}
		if err := s.publish(ctx, topic, true, nil); err != nil {
			return err
		}
	}
	return s.mirrored(ctx, states, sortedKeys(keys))
}

// bridgedKey is the room key of a topic that is somebody's, "" if it is of no
// room that its bridge is about.
func (s *session) bridgedKey(states []bridged, topic string) string {
	for _, b := range states {
		if key := b.message.keyOf(s.d.site.Property, topic); key != "" && b.bridge.about(key) {
			return key
		}
	}
	return ""
}

// wrote says that what the broker retains there is of the form in which this
// hotel writes it. Only that is cleared: others may use such topics too.
func (s *session) wrote(states []bridged, topic string) bool {
	s.house.mu.Lock()
	payload := s.house.bridged[topic]
	s.house.mu.Unlock()
	for _, b := range states {
		if key := b.message.keyOf(s.d.site.Property, topic); key != "" && b.message.like(s.d.common(key), payload) {
			return true
		}
	}
	return false
}

// mirrored waits until one message of each kind has come back, and complains of
// a topic that has not.
func (s *session) mirrored(ctx context.Context, states []bridged, keys []string) error {
	until := time.NewTimer(s.d.echo)
	defer until.Stop()
	for _, b := range states {
		for _, key := range keys {
			if !b.bridge.about(key) {
				continue
			}
			topic := b.message.topic(s.d.site.Property, key)
			came, err := s.comes(ctx, topic, until.C)
			if err != nil {
				return err
			}
			s.complain(topic, !came)
			break
		}
	}
	return nil
}

// comes waits for a topic of a bridge to be there.
func (s *session) comes(ctx context.Context, topic string, until <-chan time.Time) (bool, error) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if !s.house.holds(topic, "") {
			return true, nil
		}
		select {
		case <-tick.C:
		case <-until:
			return false, nil
		case <-s.lost:
			return false, s.down()
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

// tellBridges sends the messages of the bridges that are on that moment. They
// are for once: no product is to find them when it starts.
func (s *session) tellBridges(ctx context.Context, on, key string, more map[string]string) error {
	for i := range s.d.cfg.Bridges {
		b := &s.d.cfg.Bridges[i]
		if !b.about(key) {
			continue
		}
		for n := range b.Publish {
			m := &b.Publish[n]
			if m.On != on {
				continue
			}
			values := s.d.common(key)
			maps.Copy(values, more)
			if err := s.publish(ctx, m.topic(s.d.site.Property, key), false, m.payload(values)); err != nil {
				return err
			}
		}
	}
	return nil
}

// greeted tells the bridges of a room's new screen: who has just come is
// greeted there too, but not for news of an hour ago, nor a guest who wants no
// disturbance.
func (s *session) greeted(ctx context.Context, cmd drivers.Command, key string, held, doc *welcomeDoc) error {
	if err := s.mirror(ctx, key); err != nil {
		return err
	}
	if doc.DND || s.d.old(cmd) || (held != nil && held.Stay == doc.Stay) {
		return nil
	}
	return s.tellBridges(ctx, onWelcome, key, map[string]string{
		"room": doc.Room, "name": joined(doc.Guests), "greeting": doc.Greeting, "language": doc.Lang, "direction": doc.Dir,
	})
}

// joined are the guests in one line.
func joined(guests []guestDoc) string {
	var line strings.Builder
	for i, g := range guests {
		if i > 0 {
			line.WriteString(", ")
		}
		line.WriteString(g.Display)
	}
	return line.String()
}

// left tells the bridges that a room is vacant.
func (s *session) left(ctx context.Context, key string) error {
	if err := s.mirror(ctx, key); err != nil {
		return err
	}
	return s.tellBridges(ctx, onClear, key, nil)
}

// popped tells the bridges of a message, by the rules of the sets: for the stay
// that is on the screen, and not against do-not-disturb unless it must be.
func (s *session) popped(ctx context.Context, key string, m *messageDoc) error {
	held := s.house.retained(key)
	if held == nil || held.Stay != m.Stay || (held.DND && !m.Urgent && m.Kind != "alarm") {
		return nil
	}
	return s.tellBridges(ctx, onMessage, key, map[string]string{
		"room": held.Room, "title": m.Title, "body": m.Body, "kind": m.Kind, "language": m.Lang, "direction": m.Dir,
	})
}
