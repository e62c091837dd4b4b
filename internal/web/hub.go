package web

import (
	"bytes"
	"encoding/json"
	"slices"
	"sync"
	"time"

	"edgeagent/internal/agent"
)

const (
	// beat is how often a page that somebody looks at may change.
	beat = 500 * time.Millisecond
	// lookAfter is when the house is looked at although nothing seems to have
	// happened: some conditions come with time.
	lookAfter = 10 * time.Second
	// maxListeners is how many pages are open at once; maxStreams counts those too
	// that had to give way and have not read so yet.
	maxListeners = 16
	maxStreams   = 2 * maxListeners
)

// known is an item of a part as it is shown now, and since which version.
type known struct {
	text json.RawMessage
	at   int64
}

// kept is a part as it is shown now.
type kept struct {
	order   []string
	ordered int64 // the version that changed the order
	items   map[string]known
}

// listener is a page that is open.
type listener struct {
	user string        // whose, "" for nobody in particular
	out  chan struct{} // closed when another page has taken its place
}

// hub watches the house while somebody looks, and only then. It keeps one picture
// for all: a page that is slow skips what has changed twice meanwhile.
type hub struct {
	mu      sync.Mutex
	open    []*listener // the oldest first
	streams int         // with those that have had to give way
	stop    chan struct{}
	version int64
	names   []string
	parts   map[string]*kept
	problem string
	news    chan struct{} // closed when there is a new version
}

// join begins to listen, and another page gives way if there are too many; nil if
// even that does not help. watch runs while anybody listens.
func (h *hub) join(user string, watch func(stop <-chan struct{})) *listener {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams >= maxStreams {
		return nil
	}
	if len(h.open) >= maxListeners {
		h.giveWay()
	}
	l := &listener{user: user, out: make(chan struct{})}
	h.open = append(h.open, l)
	h.streams++
	if h.streams == 1 {
		h.stop, h.news, h.parts, h.names, h.problem = make(chan struct{}), make(chan struct{}), map[string]*kept{}, nil, ""
		h.version++
		stop := h.stop
		go watch(stop)
	}
	return l
}

// giveWay ends the oldest page of whoever has most of them open, so that nobody
// keeps others out. h.mu is held.
func (h *hub) giveWay() {
	pages, most := map[string]int{}, 0
	for _, l := range h.open {
		pages[l.user]++
		most = max(most, pages[l.user])
	}
	i := slices.IndexFunc(h.open, func(l *listener) bool { return pages[l.user] == most })
	close(h.open[i].out)
	h.open = slices.Delete(h.open, i, i+1)
}

func (h *hub) leave(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.open = slices.DeleteFunc(h.open, func(other *listener) bool { return other == l })
	h.streams--
	if h.streams == 0 {
		close(h.stop)
		h.parts, h.names = nil, nil
	}
}

// watch looks at the house until stop is closed.
func (p *Page) watch(stop <-chan struct{}) {
	tick := time.NewTicker(beat)
	defer tick.Stop()
	var pulse uint64
	var looked time.Time
	var line int64
	for {
		now, newest := uint64(0), p.Lines.Newest()
		if p.Pulse != nil {
			now = p.Pulse()
		}
		switch {
		case looked.IsZero(), now != pulse, time.Since(looked) >= lookAfter:
			pulse, looked, line = now, time.Now(), newest
			v, err := p.viewNow()
			p.hub.update(stop, parts(v), err)
		case newest != line:
			line = newest
			p.hub.tell(stop)
		}
		select {
		case <-tick.C:
		case <-stop:
			return
		}
	}
}

// viewNow is how things stand, also where nothing runs.
func (p *Page) viewNow() (agent.View, error) {
	if p.Look == nil {
		return agent.Idle(p.Problems, p.Standing), nil
	}
	return p.Look()
}

// update makes a new picture, unless its time is over.
func (h *hub) update(stop <-chan struct{}, fresh []part, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stop != stop || h.parts == nil {
		return // all have left, and perhaps others have come
	}
	problem := ""
	if err != nil {
		problem = "the store cannot be read: " + err.Error()
	}
	next := h.version + 1
	changed := problem != h.problem || len(h.names) == 0
	h.problem = problem
	if err == nil {
		h.names = h.names[:0]
		for i := range fresh {
			h.names = append(h.names, fresh[i].name)
			changed = h.keep(&fresh[i], next) || changed
		}
	}
	if changed {
		h.version = next
		h.wake()
	}
}

// keep takes over what has changed in a part. h.mu is held.
func (h *hub) keep(fresh *part, version int64) (changed bool) {
	old := h.parts[fresh.name]
	if old == nil {
		old = &kept{items: map[string]known{}, ordered: version}
		h.parts[fresh.name] = old
		changed = true
	}
	if !slices.Equal(old.order, fresh.order) {
		old.order, old.ordered, changed = fresh.order, version, true
		for id := range old.items {
			if _, still := fresh.items[id]; !still {
				delete(old.items, id)
			}
		}
	}
	for id, text := range fresh.items {
		if was, ok := old.items[id]; !ok || !bytes.Equal(was.text, text) {
			old.items[id], changed = known{text, version}, true
		}
	}
	return changed
}

// tell wakes the listeners for something that is not in the picture.
func (h *hub) tell(stop <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stop == stop {
		h.wake()
	}
}

func (h *hub) wake() {
	close(h.news)
	h.news = make(chan struct{})
}

// message is what a page is told: all that has changed since the last one.
type message struct {
	// Whole says that it is everything there is.
	Whole bool `json:"whole,omitempty"`
	// Full says that another page has taken the place of this one, and that it is
	// told no more.
	Full    bool                   `json:"full,omitempty"`
	Now     time.Time              `json:"now"`
	Problem string                 `json:"problem,omitempty"`
	Parts   map[string]partMessage `json:"parts,omitempty"`
	Log     []json.RawMessage      `json:"log,omitempty"`
}

// partMessage is what has changed in a part.
type partMessage struct {
	Order *[]string                  `json:"order,omitempty"`
	Items map[string]json.RawMessage `json:"items,omitempty"`
}

// since is what has changed since a version, and the channel that is closed when
// there is more.
func (h *hub) since(version int64) (m message, now int64, news <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	m = message{Whole: version == 0, Now: time.Now(), Problem: h.problem}
	for _, name := range h.names {
		k, out := h.parts[name], partMessage{}
		if k.ordered > version {
			order := append([]string{}, k.order...)
			out.Order = &order
		}
		for id, item := range k.items {
			if item.at > version {
				if out.Items == nil {
					out.Items = map[string]json.RawMessage{}
				}
				out.Items[id] = item.text
			}
		}
		if out.Order != nil || out.Items != nil {
			if m.Parts == nil {
				m.Parts = map[string]partMessage{}
			}
			m.Parts[name] = out
		}
	}
	return m, h.version, h.news
}
