package mewssim

import (
	"cmp"
	"slices"
	"time"
)

// hit is a row that matched.
type hit[T any] struct {
	id  string
	at  time.Time
	row T
}

// older orders hits from the newest to the oldest, those of one moment by id.
func older[T any](a, b hit[T]) int {
	return cmp.Or(b.at.Compare(a.at), cmp.Compare(a.id, b.id))
}

// list gives the page that was asked for, newest first, and the id to go on
// from: that of its last row, or nil when it is empty. So a last page that is
// full or not always leads to one more, which is empty
// (Connector API, Pagination).
func list[T any](s *Server, q *request, t *table[T], stamp func(*T) time.Time, match func(*T) bool) (rows []T, cursor any) {
	if q.problem != nil {
		return nil, nil
	}
	var hits []hit[T]
	var from *hit[T]
	for id, row := range t.all(s.horizon()) {
		h := hit[T]{id: id, at: stamp(&row), row: row}
		if id == q.page.cursor {
			from = &h
		}
		if match(&row) {
			hits = append(hits, h)
		}
	}
	if q.page.cursor != "" && from == nil {
		q.fail("Invalid Cursor")
		return nil, nil
	}
	slices.SortFunc(hits, older)
	if from != nil {
		hits = slices.DeleteFunc(hits, func(h hit[T]) bool { return older(h, *from) <= 0 })
	}
	if q.page.count > 0 && len(hits) > q.page.count {
		hits = hits[:q.page.count]
	}
	rows = make([]T, 0, len(hits))
	for _, h := range hits {
		rows = append(rows, h.row)
		cursor = h.id
	}
	q.rows = len(rows)
	return rows, cursor
}

// render makes JSON of rows under the present shape.
func render[T any](s *Server, rows []T, draw func(*T) object) []object {
	out := []object{}
	for i := range rows {
		out = append(out, s.dress(draw(&rows[i])))
	}
	return out
}

// dress gives an entity the present shape.
func (s *Server) dress(entity object) object {
	if s.faults.Shape.Absent {
		strip(entity)
	}
	if s.faults.Shape.Extra {
		entity["AddedLater"] = object{"Discriminator": "New", "Value": []int{1}}
	}
	return entity
}

// strip takes out what has no value.
func strip(entity object) {
	for name, value := range entity {
		if value == nil {
			delete(entity, name)
		} else if nested, ok := value.(object); ok {
			strip(nested)
		}
	}
}

// optional texts and moments are null without a value.
func optional(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func optionalTime(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return instant(t)
}
