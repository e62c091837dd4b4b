package mewssim

import (
	"iter"
	"slices"
	"time"
)

// world is all the property knows. The rows are values: a change stores a new
// one, so that reads can lag behind.
type world struct {
	enterprise   string
	chain        string
	services     table[Service]
	categories   table[Category]
	rooms        table[Room]
	assignments  table[assignment]
	customers    table[Customer]
	reservations table[Reservation]
	companions   table[Companionship]
	devices      table[Device]
	commands     table[Command]
	linked       map[string]bool // devices connected to the integration
	numbers      int             // confirmation and customer numbers given
}

func newWorld() world {
	return world{enterprise: newID(), chain: newID(), linked: map[string]bool{}, numbers: 1000,
		services: newTable[Service](), categories: newTable[Category](), rooms: newTable[Room](),
		assignments: newTable[assignment](), customers: newTable[Customer](), reservations: newTable[Reservation](),
		companions: newTable[Companionship](), devices: newTable[Device](), commands: newTable[Command]()}
}

// table holds the rows of one kind, each with the versions a lagging read needs.
type table[T any] struct {
	rows  map[string][]version[T]
	order []string // of creation
}

type version[T any] struct {
	from  time.Time // when it was written; zero if that does not matter
	value T
}

func newTable[T any]() table[T] { return table[T]{rows: map[string][]version[T]{}} }

// get is the row as it really is.
func (t *table[T]) get(id string) (T, bool) { return t.seen(id, time.Time{}) }

// seen is the row as it was at a time, or the newest if that is zero.
func (t *table[T]) seen(id string, at time.Time) (T, bool) {
	versions := t.rows[id]
	for _, version := range slices.Backward(versions) {
		if at.IsZero() || !version.from.After(at) {
			return version.value, true
		}
	}
	var none T
	return none, false
}

// all are the rows as they were at a time, oldest first.
func (t *table[T]) all(at time.Time) iter.Seq2[string, T] {
	return func(yield func(string, T) bool) {
		for _, id := range t.order {
			if value, ok := t.seen(id, at); ok && !yield(id, value) {
				return
			}
		}
	}
}

// save writes a row; the caller holds mu.
func save[T any](s *Server, t *table[T], id string, value T) {
	versions, known := t.rows[id]
	if !known {
		t.order = append(t.order, id)
	}
	if s.faults.Lag > 0 {
		t.rows[id] = append(versions, version[T]{from: s.options.Now(), value: value})
		return
	}
	t.rows[id] = []version[T]{{value: value}}
}

// horizon is how new a write may be to be read; zero means all.
func (s *Server) horizon() time.Time {
	if s.faults.Lag <= 0 {
		return time.Time{}
	}
	return s.options.Now().Add(-s.faults.Lag)
}

// remove forgets a row, at once also for reads that lag.
func (t *table[T]) remove(id string) {
	delete(t.rows, id)
	t.order = slices.DeleteFunc(t.order, func(other string) bool { return other == id })
}
