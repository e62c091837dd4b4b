package wifi

import (
	"slices"
	"strings"
	"time"
)

// history is what is known of a stay's codes.
type history struct {
	codes []string
	since time.Time
	// uncut says that the vouchers were to be deleted while their devices could
	// not be cut.
	uncut bool
}

// remember adds what the controller lists to what the receipts and this process
// know of a stay's codes.
func (u *unifi) remember(stay Stay, mine []voucher) history {
	u.mu.Lock()
	defer u.mu.Unlock()
	h := u.past[stay.Key]
	add := func(code string) {
		if code != "" && !slices.Contains(h.codes, code) {
			h.codes = append(slices.Clone(h.codes), code)
		}
	}
	earlier := func(t time.Time) {
		if !t.IsZero() && (h.since.IsZero() || t.Before(h.since)) {
			h.since = t
		}
	}
	for code := range strings.FieldsSeq(stay.Known["codes"]) {
		add(code)
	}
	if since, err := time.Parse(time.RFC3339, stay.Known["since"]); err == nil {
		earlier(since)
	}
	for _, v := range mine {
		add(v.Code)
		earlier(v.CreatedAt)
	}
	if len(h.codes) > 0 {
		u.past[stay.Key] = h
	}
	return h
}

func (u *unifi) forget(stay Stay) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.past, stay.Key)
}

func (u *unifi) uncut(stay Stay) {
	u.mu.Lock()
	defer u.mu.Unlock()
	h := u.past[stay.Key]
	h.uncut = true
	u.past[stay.Key] = h
}

// paid says that nothing is to be cut any more: the guest is in house again.
func (u *unifi) paid(stay Stay) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if h, ok := u.past[stay.Key]; ok {
		h.uncut = false
		u.past[stay.Key] = h
	}
}

// owed are the stays whose devices are still to be cut, as credentials, so that
// a sweep comes back to them: no voucher leads to them any more. One that the
// agent has forgotten is nobody's to cut.
func (u *unifi) owed() []Credential {
	u.mu.Lock()
	var list []Credential
	for key, h := range u.past {
		if h.uncut {
			list = append(list, Credential{Key: key, Codes: h.codes, Since: h.since, Created: h.since.Add(-time.Duration(u.skew.Load())), Live: true})
		}
	}
	u.mu.Unlock()
	if len(list) == 0 {
		return nil
	}
	known := map[string]bool{}
	for _, stay := range u.stays() { // without the lock: it asks the agent
		known[stay.Key] = true
	}
	return slices.DeleteFunc(list, func(c Credential) bool { return !known[c.Key] })
}
