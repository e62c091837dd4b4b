package locksim

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
)

// readOrPrint does LT, P1 to P3 and L1 to L3.
func (s *System) readOrPrint(j job, e *encoder) ([]string, string) {
	uid, p, code := s.awaitCard(e)
	if code != "" {
		return nil, code
	}
	s.mu.Lock()
	kind := s.cards[uid].Kind
	s.mu.Unlock()
	switch {
	case kind == Damaged, kind == Clone, kind == Foreign && j.verb != "LT", kind == Protected && j.verb == "P":
		return nil, "EF"
	case kind == Staff && j.verb == "P":
		return nil, j.staff
	}
	// Neither reading nor printing endangers the key: the stripe is another medium.
	if code := s.work(e, uid, p, j, false); code != "" {
		return nil, code
	}
	out, code := s.readCard(j, e, uid)
	if j.eject != "R" {
		s.sleep(s.cfg.TakeTime)
	}
	s.finish(e, uid, j.eject == "R", false)
	return out, code
}

func (s *System) readCard(j job, e *encoder, uid string) ([]string, string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cards[uid]
	entry := Entry{Deed: Read, Command: j.command, Encoder: e.name, UID: uid}
	defer func() { s.log(entry) }()
	switch j.verb {
	case "P":
		entry.Deed = Wrote
		if c.Kind != Stubborn {
			c.Tracks[j.track-1] = j.text
		}
		return nil, ""
	case "L":
		return []string{c.Tracks[j.track-1]}, ""
	}
	return j.explain(s, j, c)
}

// explainStandard says what a card is, in the fields that follow LT and the
// encoder. The caller holds s.mu.
func explainStandard(s *System, j job, c *Card) ([]string, string) {
	out := s.explain(j.layout, c)
	if s.cfg.UIDOnRead || j.tell {
		out = append(out, c.UID)
	}
	return out, ""
}

func (s *System) explain(layout string, c *Card) []string {
	switch c.Kind {
	case Staff:
		return []string{"LM"}
	case Spare:
		return []string{"LR"}
	case Diagnostic:
		return []string{"LS"}
	}
	if c.Key == nil {
		return []string{"LD"}
	}
	k := c.Key
	at := s.now()
	if k.From.After(at) {
		at = k.From // a key for tomorrow is a good key
	}
	status := "CI"
	switch s.standing(k, k.Rooms[0], at) {
	case cancelled:
		status = "CO"
	case superseded, outside, used, notThisRoom:
		return []string{"LC"}
	}
	out := make([]string, 0, 10)
	out = append(out, k.Rooms...)
	for len(out) < 4 {
		out = append(out, "")
	}
	return append(out, status, k.Copy, k.Grants, stamp(layout, s.cfg.Zone, k.From), stamp(layout, s.cfg.Zone, k.Until), k.Operator)
}

// image answers CNB and CCB: the key counts as cut, and the caller gets the
// blocks to write on the card of the given serial, each as type, sector,
// block and 16 bytes in hex. The caller holds s.mu.
func (s *System) image(j job) []string {
	uid := strings.ToUpper(j.first)
	c := s.cards[uid]
	if c == nil {
		c = &Card{UID: uid, Kind: Blank}
		s.cards[uid] = c
		s.order = append(s.order, uid)
	}
	s.cut(j, c, j.verb == "CNB", "")
	sum := sha256.Sum256([]byte(uid + "\x00" + strconv.FormatInt(c.Key.Serial, 10)))
	var out []string
	for block := range 2 {
		data := strings.ToUpper(hex.EncodeToString(sum[16*block : 16*block+16]))
		out = append(out, j.text, "1", strconv.Itoa(block), data)
	}
	return out
}
