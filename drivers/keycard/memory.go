package keycard

import (
	"sync"

	"edgeagent/drivers"
)

// remembered is how many commands are kept: far more than can be repeated by a
// double click or a lane.
const remembered = 256

// memory keeps what became of recent commands, so that one id never cuts twice
// within this process. Across restarts the agent's store answers for that.
type memory struct {
	mu    sync.Mutex
	order []string
	byID  map[string]*memo
}

// memo is one command, under way until done is closed.
type memo struct {
	done    chan struct{}
	receipt drivers.Receipt
	err     error
}

// begin gives the memo of a command, and whether it is the caller's to carry out.
func (m *memory) begin(id string) (*memo, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.byID[id]; e != nil {
		return e, false
	}
	e := &memo{done: make(chan struct{})}
	if id == "" {
		return e, true
	}
	if m.byID == nil {
		m.byID = make(map[string]*memo)
	}
	m.byID[id] = e
	m.order = append(m.order, id)
	if len(m.order) > remembered {
		delete(m.byID, m.order[0])
		m.order = m.order[1:]
	}
	return e, true
}

// finish ends a command. Where nothing happened it is forgotten: it may be tried again.
func (m *memory) finish(id string, e *memo, receipt drivers.Receipt, err error, keep bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e.receipt, e.err = receipt, err
	if !keep && m.byID[id] == e {
		delete(m.byID, id)
		for i, other := range m.order {
			if other == id {
				m.order = append(m.order[:i], m.order[i+1:]...)
				break
			}
		}
	}
	close(e.done)
}

// late adds a result that came too late to a command whose outcome was unknown.
func (m *memory) late(id, what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.byID[id]
	if e == nil || e.err == nil {
		return
	}
	e.err = &amended{err: e.err, what: what}
}

// amended is an error with later news.
type amended struct {
	err  error
	what string
}

func (e *amended) Error() string { return e.err.Error() + "; " + e.what }
func (e *amended) Unwrap() error { return e.err }

// recall gives what became of a command that has ended.
func (m *memory) recall(e *memo) (drivers.Receipt, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return e.receipt, e.err
}
