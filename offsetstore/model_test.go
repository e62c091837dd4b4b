package offsetstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// model is what the store promises, kept in plain maps.
type model struct {
	offset  string
	state   map[string]State // of every id ever accepted
	handed  map[string]int   // how often a job was handed out without being put back
	queue   map[string][]string
	running map[string]Command // subject -> handed out
	// Each command answers an ask of the same id.
	begun, withdrawn, told map[string]bool
}

func newModel() *model {
	return &model{
		state: map[string]State{}, handed: map[string]int{}, queue: map[string][]string{}, running: map[string]Command{},
		begun: map[string]bool{}, withdrawn: map[string]bool{}, told: map[string]bool{},
	}
}

// TestModel drives the store through random operations and power cuts, and
// compares it with the model after each.
func TestModel(t *testing.T) {
	dir := t.TempDir()
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		run++
		path := filepath.Join(dir, fmt.Sprintf("%d.db", run))
		defer os.Remove(path)
		s := open(t, path)
		defer func() { s.Close() }()
		m := newModel()
		count := 0
		rt.Repeat(map[string]func(*rapid.T){
			"accept": func(rt *rapid.T) {
				var commands []Command
				var asks []Ask
				for range rapid.IntRange(1, 4).Draw(rt, "n") {
					id := fmt.Sprintf("c%d", count)
					if rapid.IntRange(0, 4).Draw(rt, "again") == 0 && count > 0 {
						id = fmt.Sprintf("c%d", rapid.IntRange(0, count-1).Draw(rt, "which"))
					} else {
						count++
					}
					c := asked(id, fmt.Sprintf("room:%d", rapid.IntRange(1, 3).Draw(rt, "room")))
					if _, known := m.state[id]; !known {
						m.state[id] = Pending
						m.queue[c.Subject] = append(m.queue[c.Subject], id)
					}
					commands, asks = append(commands, c), append(asks, Ask{Source: "pms", ID: id})
				}
				m.offset = fmt.Sprint(count)
				if err := s.Accept(Batch{Source: "pms", Offset: m.offset, Commands: commands, Asks: asks}); err != nil {
					rt.Fatal(err)
				}
			},
			"withdraw": func(rt *rapid.T) {
				id := fmt.Sprintf("c%d", rapid.IntRange(0, count).Draw(rt, "which"))
				if err := s.Accept(Batch{Source: "pms", Withdrawn: []string{id}}); err != nil {
					rt.Fatal(err)
				}
				m.withdraw(id)
			},
			"cancel": func(rt *rapid.T) {
				id := fmt.Sprintf("c%d", rapid.IntRange(0, count).Draw(rt, "which"))
				want := m.cancel(id)
				if err := s.Cancel(id, "by hand"); !errors.Is(err, want) {
					rt.Fatalf("cancel %s: %v, want %v", id, err, want)
				}
			},
			"tell": func(rt *rapid.T) {
				asks, _, err := unreported(s, "pms")
				if err != nil {
					rt.Fatal(err)
				}
				for _, a := range asks {
					if err := s.Reported(a); err != nil {
						rt.Fatal(err)
					}
					m.told[a.ID] = true
				}
			},
			"next": func(rt *rapid.T) {
				fit := map[string]bool{}
				for subject, q := range m.queue {
					if _, busy := m.running[subject]; !busy && len(q) > 0 {
						fit[q[0]] = true
					}
				}
				if len(fit) == 0 {
					nothing(t, s, "encoder")
					rt.Skip()
				}
				c := next(t, s, "encoder")
				if !fit[c.ID] {
					rt.Fatalf("%s was handed out, want one of %v", c.ID, fit)
				}
				if m.withdrawn[c.ID] {
					if c.State != Cancelled || c.Note != NoteWithdrawn || s.Settle(c, Cancelled) != nil {
						rt.Fatalf("%s was withdrawn and is handed out as %s %q", c.ID, c.State, c.Note)
					}
					m.end(c.ID, c.Subject, Cancelled)
					return
				}
				m.begun[c.ID] = true
				if m.handed[c.ID]++; m.handed[c.ID] > 1 {
					rt.Fatalf("%s was handed out twice", c.ID)
				}
				m.state[c.ID], m.running[c.Subject] = Processing, c
			},
			"settle": func(rt *rapid.T) {
				c := m.pick(rt)
				final := rapid.SampledFrom([]State{Processed, Error, Cancelled}).Draw(rt, "final")
				if err := s.Settle(c, final); err != nil {
					rt.Fatal(err)
				}
				m.end(c.ID, c.Subject, final)
			},
			"retry": func(rt *rapid.T) {
				c := m.pick(rt)
				if err := s.Retry(c, time.Now()); err != nil {
					rt.Fatal(err)
				}
				if err := s.Memory("x").Save(nil); err != nil { // a commit behind it makes it durable
					rt.Fatal(err)
				}
				m.state[c.ID], m.handed[c.ID] = Pending, 0
				delete(m.running, c.Subject)
			},
			"power cut": func(*rapid.T) {
				crash(t, s)
				s = open(t, path)
				for subject, c := range m.running {
					m.end(c.ID, subject, Error)
				}
				for id := range m.withdrawn {
					m.withdraw(id) // one that was put back is not begun again
				}
			},
			"": func(rt *rapid.T) { m.compare(rt, t, s) },
		})
	})
}

func (m *model) end(id, subject string, final State) {
	m.state[id], m.queue[subject] = final, m.queue[subject][1:]
	delete(m.running, subject)
}

// cancel is a person who wants a command no more, and what that comes to.
func (m *model) cancel(id string) error {
	for subject, q := range m.queue {
		at := slices.Index(q, id)
		if at < 0 {
			continue
		}
		if c, busy := m.running[subject]; busy && c.ID == id {
			return ErrUnderWay
		}
		m.queue[subject], m.state[id] = slices.Delete(q, at, at+1), Cancelled
		return nil
	}
	return ErrNotWaiting
}

// withdraw takes a command back: one that waits ends, one under way goes on.
func (m *model) withdraw(id string) {
	if m.state[id].Final() || m.state[id] == "" {
		return
	}
	m.withdrawn[id] = true
	for subject, q := range m.queue {
		if c, busy := m.running[subject]; busy && c.ID == id {
			continue
		}
		if at := slices.Index(q, id); at >= 0 {
			m.queue[subject], m.state[id] = slices.Delete(q, at, at+1), Cancelled
		}
	}
}

// pick chooses a command that is under way.
func (m *model) pick(rt *rapid.T) Command {
	var subjects []string
	for _, room := range []string{"room:1", "room:2", "room:3"} {
		if _, busy := m.running[room]; busy {
			subjects = append(subjects, room)
		}
	}
	if len(subjects) == 0 {
		rt.Skip()
	}
	return m.running[rapid.SampledFrom(subjects).Draw(rt, "subject")]
}

func (m *model) compare(rt *rapid.T, t *testing.T, s *Store) {
	if offset, err := s.Offset("pms"); err != nil || offset != m.offset {
		rt.Fatalf("offset %q, %v; want %q", offset, err, m.offset)
	}
	seen := 0
	opened, _ := s.Open()
	done, _ := s.Done()
	for _, c := range append(opened, done...) {
		seen++
		if c.State != m.state[c.ID] {
			rt.Fatalf("%s is %s, want %s", c.ID, c.State, m.state[c.ID])
		}
	}
	if seen != len(m.state) {
		rt.Fatalf("%d commands in the file, want %d", seen, len(m.state))
	}
	asks, _, err := s.Untold("pms")
	if err != nil || len(asks) != len(m.state)-len(m.told) {
		rt.Fatalf("%d asks are not told, %v; want %d", len(asks), err, len(m.state)-len(m.told))
	}
	for _, a := range asks {
		want := m.state[a.ID]
		if !want.Final() && m.begun[a.ID] {
			want = Processing // also while it waits for another try
		}
		if a.State() != want {
			rt.Fatalf("ask %s is %s, want %s", a.ID, a.State(), want)
		}
	}
}
