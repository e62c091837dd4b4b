package agent

import (
	"sync"
	"time"

	"edgeagent/rules"
)

// reloads is what came of the last reading of the property file.
type reloads struct {
	mu      sync.Mutex
	at      time.Time
	refused string // why it was not taken
	restart string // what of it waits for a restart
}

// Reload takes rules over that have been checked: the next event goes by them,
// and what has been planned stays planned. restart names what of the property
// file has changed beside them and counts only after a restart; "" for nothing.
func (a *Agent) Reload(t *rules.Table, restart string) {
	a.mu.Lock()
	a.table = t
	a.mu.Unlock()
	a.reloads.set("", restart)
	a.changes.Add(1)
}

// ReloadRefused notes that the property file has problems: what was read before
// stays in force.
func (a *Agent) ReloadRefused(problem string) {
	a.reloads.set(problem, "")
	a.changes.Add(1)
}

// Table is the rules in force.
func (a *Agent) Table() *rules.Table {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.table
}

func (r *reloads) set(refused, restart string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.at, r.refused, r.restart = time.Now(), refused, restart
}

func (r *reloads) conditions() []Condition {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []Condition
	if r.refused != "" {
		found = append(found, Condition{Code: "reload-refused", About: "property file", Text: r.refused, Since: r.at})
	}
	if r.restart != "" {
		found = append(found, Condition{Code: "restart-needed", About: "property file", Text: r.restart, Since: r.at})
	}
	return found
}
