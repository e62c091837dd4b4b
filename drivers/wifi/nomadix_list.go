package wifi

import (
	"context"
	"fmt"
	"maps"
	"time"
)

// List asks for the account of every stay that the agent knows of, one call
// each. A stay whose account is gone is asked for once: only Ensure can bring
// one back. One that cannot be read does not hide the others.
func (n *nomadix) List(ctx context.Context) ([]Credential, error) {
	stays := n.stays()
	n.forget(stays)
	var list []Credential
	var errs faults
	for _, stay := range stays {
		n.mu.Lock()
		absent := n.absent[stay.Key]
		n.mu.Unlock()
		if absent {
			continue
		}
		made := n.made.Load()
		there := false
		for _, name := range n.names(stay) {
			found, err := n.query(ctx, name)
			if errs.enough(err) {
				return list, together(errs.all)
			}
			if err != nil {
				there = true // nobody knows
				continue
			}
			if found == nil {
				continue
			}
			there = true
			list = append(list, Credential{Key: stay.Key, Code: found.password, Created: n.created(stay), Live: true})
		}
		n.mu.Lock()
		// An account that was begun meanwhile may be this stay's.
		if !there && made == n.made.Load() {
			n.absent[stay.Key] = true
		}
		n.mu.Unlock()
	}
	return list, together(errs.all)
}

// created is when an account counts as made. The gateway does not say when it
// was; for a sweep it matters only to those whose departure lay in the past
// when access was granted, and they got the shortest there is.
func (n *nomadix) created(stay Stay) time.Time {
	until, err := time.Parse(time.RFC3339, stay.Known["until"])
	if err != nil {
		return n.now() // of a lost receipt
	}
	return until.Add(-minAccess)
}

// forget drops what is kept of stays that nobody knows any more.
func (n *nomadix) forget(stays []Stay) {
	known := make(map[string]bool, len(stays))
	for _, stay := range stays {
		known[stay.Key] = true
	}
	gone := func(key string, _ bool) bool { return !known[key] }
	n.mu.Lock()
	defer n.mu.Unlock()
	maps.DeleteFunc(n.absent, gone)
	maps.DeleteFunc(n.doubt, gone)
}

// nomadixNobody is a name that no account has: it is longer than ours are.
const nomadixNobody = "edgeagent-probe"

// Probe asks for an account that there is not. Which commands the firmware has
// cannot be asked without making something, so it is not.
func (n *nomadix) Probe(ctx context.Context) (Report, error) {
	reply, err := n.ask(ctx, newUSG("USER_QUERY").put("USER", nomadixNobody, "ID_TYPE", "USER_NAME"), "USER_QUERY")
	if hasUSGError(err, usgUnknownUser) {
		err = nil
	}
	if err != nil {
		return Report{}, fmt.Errorf("ask for an account: %w", err)
	}
	report := Report{Product: "Nomadix", Site: reply.id, Skew: time.Duration(n.skew.Load())}
	if n.wanted.newer && n.older.Load() {
		return report, fmt.Errorf("%s does not know %s, so guests get accounts made with USER_ADD: remove credentials, or update the gateway's firmware", n.base.Host, n.wanted.command)
	}
	return report, nil
}
