package bench

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/rs/zerolog"

	"edgeagent/drivers"
	"edgeagent/drivers/iptv"
	"edgeagent/hwsim"
	"edgeagent/hwsim/tvsim"
)

const (
	tvRooms = 500
	tvSets  = 2 // in each room
	tvRoot  = "htl/v1/" + hwsim.PropertyID
)

// tvs has a broker with 500 rooms of two sets each fail in three ways, and
// measures how the driver brings it right again: the messages that it publishes
// beside those that are needed, and its time beside what a bare client takes to
// publish as many.
func tvs(b *testing.B, t *table) {
	h := newTVHouse(b)
	for n := range tvRooms {
		h.welcome(n, "first")
	}
	w := h.watch(b)
	h.open(b)
	w.until(b, "every room is greeted", h.right)
	w.close()
	h.shown(b)

	for _, outage := range []struct {
		what   string
		recall tvsim.Recall
		news   func() (least int)
	}{
		{"back empty", tvsim.Lose, func() int { return tvRooms }},
		{"back as it was", tvsim.Keep, func() int { return 0 }},
		{"back as it was, 50 guests left, 50 new", tvsim.Keep, h.turnover},
	} {
		h.broker.stop(b)
		least := outage.news()
		h.broker.start(b, outage.recall)
		w := h.watch(b)
		w.until(b, outage.what, h.right)
		took := w.last().Sub(w.online())
		h.shown(b)
		all := time.Since(w.online())
		bare := "none needed"
		if least > 0 {
			bare = "a bare client " + ms(h.bare(b, least))
		}
		t.note(fmt.Sprintf("1000 TVs, broker %s: published", outage.what), fmt.Sprint(w.count()), fmt.Sprintf("%d needed", least))
		t.note("  connected -> every room right at the broker", ms(took), bare+"; every TV right after "+ms(all))
		w.close()
	}
	t.note("  broker", h.broker.name, "its own rate: "+fmt.Sprintf("%.0f/s published, delivered, 16 at a time", float64(tvRooms)/h.bare(b, tvRooms).Seconds()))
}

// tvHouse is the driver, the sets and the store that it is told to serve.
type tvHouse struct {
	broker *tvBroker
	driver *iptv.Driver
	sets   []*tvsim.TV
	mu     sync.Mutex
	seq    int64
	newest map[string]drivers.Command
	guests map[string]string // room key -> stay, "" for vacant
}

func newTVHouse(b *testing.B) *tvHouse {
	h := &tvHouse{broker: newTVBroker(b), newest: map[string]drivers.Command{}, guests: map[string]string{}}
	h.broker.start(b, tvsim.Lose)
	b.Cleanup(func() { h.broker.stop(b) })
	for n := range tvRooms * tvSets {
		room := tvRoom(n / tvSets)
		tv := tvsim.NewTV(tvsim.TVOptions{
			Access: h.broker.access(room), Property: hwsim.PropertyID, Room: room, ID: fmt.Sprint("tv", n%tvSets+1),
			Redial: time.Second + time.Duration(n)*time.Millisecond, // they do not all come at once in a hotel either
		})
		tv.Plug()
		b.Cleanup(tv.Unplug)
		h.sets = append(h.sets, tv)
	}
	for _, tv := range h.sets {
		if err := tv.Until(b.Context(), (*tvsim.TV).Connected); err != nil {
			b.Fatal(err)
		}
	}
	return h
}

func tvRoom(n int) string { return fmt.Sprint(1000 + n) }

func (h *tvHouse) open(b *testing.B) {
	agent := h.broker.access(tvsim.AgentUser)
	driver, err := iptv.Open("tvs", iptv.Config{
		Broker: agent.URL, Username: agent.Username, PasswordFile: "password", ReconnectMin: 200 * time.Millisecond, ReconnectMax: 300 * time.Millisecond, // the watcher is there first
	}, drivers.Site{
		Property: hwsim.PropertyID, Zone: time.UTC, Language: "en", Log: zerolog.Nop(), Wanted: h.wanted,
		Secret: func(string) (string, error) { return agent.Password, nil },
	})
	h.driver = must(driver, err)(b)
	b.Cleanup(func() { _ = driver.Halt() })
}

func (h *tvHouse) wanted(string) []drivers.Command {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]drivers.Command, 0, len(h.newest))
	for _, cmd := range h.newest {
		all = append(all, cmd)
	}
	return all
}

// welcome and leave are what the store would hold after a guest came or left.
func (h *tvHouse) welcome(n int, who string) { h.set(n, "welcome", who+"-"+tvRoom(n)) }
func (h *tvHouse) leave(n int)               { h.set(n, "clear", "") }

func (h *tvHouse) set(n int, action, stay string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	room := tvRoom(n)
	p := map[string]string{"room": room, "stay": stay, "vacant": "true"}
	if stay != "" {
		guests, _ := json.Marshal([]map[string]string{{"title": "Mr", "first": "Al", "last": "Guest" + stay}})
		p["guests"], p["language"] = string(guests), "de"
		p["departure"] = time.Now().Add(48 * time.Hour).Format(time.RFC3339)
	}
	h.seq++
	h.newest["room:"+room] = drivers.Command{ID: fmt.Sprint("c", h.seq), Seq: h.seq, Action: action, Subject: "room:" + room, Params: p, Try: 1}
	h.guests[room] = stay
}

// turnover has 50 guests leave and 50 others come in their place elsewhere.
func (h *tvHouse) turnover() (least int) {
	for n := range 50 {
		h.leave(2 * n)
		h.welcome(2*n+1, "second")
	}
	return 100
}

// right says that what is retained is what is wanted.
func (h *tvHouse) right(stays map[string]string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for room, stay := range h.guests {
		if stays[room] != stay {
			return false
		}
	}
	return true
}

// shown waits until every set shows its guest, or nobody.
func (h *tvHouse) shown(b *testing.B) {
	for _, tv := range h.sets {
		want := h.guests[tv.Room()]
		if err := tv.Until(b.Context(), func(tv *tvsim.TV) bool { return tv.Connected() && tv.Shown().Stay == want }); err != nil {
			b.Fatal(err)
		}
	}
}

// bare is how long a client takes to publish as many retained messages of the
// size of a welcome, as many at a time, and to hear all of them.
func (h *tvHouse) bare(b *testing.B, n int) time.Duration {
	heard := make(chan struct{}, n)
	client := h.broker.client(b, "bench-bare", func(paho.Client, paho.Message) { heard <- struct{}{} })
	defer client.Disconnect(100)
	done(b, client.Subscribe(tvRoot+"/bench/+", 1, nil))
	payload := strings.Repeat("x", 600)
	began := time.Now()
	slots := make(chan struct{}, 16)
	for i := range n {
		slots <- struct{}{}
		token := client.Publish(fmt.Sprint(tvRoot, "/bench/", i), 1, true, payload)
		go func() { <-token.Done(); <-slots }()
	}
	for range n {
		<-heard
	}
	took := time.Since(began)
	for i := range n { // retained nothing, as before
		done(b, client.Publish(fmt.Sprint(tvRoot, "/bench/", i), 1, true, ""))
	}
	return took
}

// watcher sees what the agent publishes.
type watcher struct {
	client  paho.Client
	mu      sync.Mutex
	stays   map[string]string // by room key, as retained
	sent    int               // by the agent, while it was watched
	newest  time.Time         // of a welcome
	up      time.Time         // of the agent
	changed chan struct{}
}

func (h *tvHouse) watch(b *testing.B) *watcher {
	w := &watcher{stays: map[string]string{}, changed: make(chan struct{}, 1)}
	w.client = h.broker.client(b, "bench-watch", func(_ paho.Client, m paho.Message) { w.hear(m) })
	// At no more than once, so that the broker's queue does not cut it short.
	done(b, w.client.SubscribeMultiple(map[string]byte{
		tvRoot + "/room/+/welcome": 0, tvRoot + "/room/+/message": 0, tvRoot + "/room/+/command": 0, tvRoot + "/agent/state": 0,
	}, nil))
	return w
}

func (w *watcher) hear(m paho.Message) {
	w.mu.Lock()
	defer w.mu.Unlock()
	topic := strings.Split(strings.TrimPrefix(m.Topic(), tvRoot+"/"), "/")
	if topic[0] == "agent" {
		if string(m.Payload()) == "online" && !m.Retained() && w.up.IsZero() {
			w.up = time.Now()
		}
	} else if topic[2] == "welcome" && topic[1][0] != '_' {
		var doc struct {
			Stay string `json:"stay"`
		}
		_ = json.Unmarshal(m.Payload(), &doc)
		w.stays[topic[1]] = doc.Stay
		if !m.Retained() {
			w.newest = time.Now()
		}
	}
	if !m.Retained() && topic[0] == "room" && topic[1][0] != '_' {
		w.sent++
	}
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

func (w *watcher) until(b *testing.B, what string, is func(map[string]string) bool) {
	b.Helper()
	late := time.After(patience)
	for {
		w.mu.Lock()
		yes := is(w.stays) && !w.up.IsZero()
		w.mu.Unlock()
		if yes {
			return
		}
		select {
		case <-w.changed:
		case <-late:
			b.Fatalf("never: %s", what)
		}
	}
}

func (w *watcher) count() int        { w.mu.Lock(); defer w.mu.Unlock(); return w.sent }
func (w *watcher) online() time.Time { w.mu.Lock(); defer w.mu.Unlock(); return w.up }
func (w *watcher) close()            { w.client.Disconnect(100) }

// last is when the last welcome came; the agent's coming, if none was needed.
func (w *watcher) last() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.newest.Before(w.up) {
		return w.up
	}
	return w.newest
}

func done(b *testing.B, token paho.Token) {
	b.Helper()
	if !token.WaitTimeout(patience) || token.Error() != nil {
		b.Fatalf("the broker did not take it: %v", token.Error())
	}
}

func freePort(b *testing.B) string {
	l := must(net.Listen("tcp", "127.0.0.1:0"))(b)
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return must(port, err)(b)
}
