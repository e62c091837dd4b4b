package web

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/internal/agent"
	"edgeagent/internal/logring"
	"edgeagent/pms"
)

// scene is a house that changes when a test says so.
type scene struct {
	mu    sync.Mutex
	view  agent.View
	err   error
	pulse atomic.Uint64
	looks atomic.Int64
}

func newScene() (*scene, *Page) {
	s := &scene{view: view(pms.LinkLive)}
	p := &Page{Version: "v1", Pulse: s.pulse.Load, Lines: logring.New(), Look: func() (agent.View, error) {
		s.looks.Add(1)
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.view, s.err
	}}
	return s, p
}

func (s *scene) change(f func(*agent.View)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f(&s.view)
	s.pulse.Add(1)
}

// browser is a page that reads the stream.
type browser struct {
	t     *testing.T
	mu    sync.Mutex
	got   []message
	beats int
	ended chan struct{}
	stop  context.CancelFunc
}

// open reads the stream without a network.
func open(t *testing.T, p *Page, with ...func(*http.Request)) *browser {
	t.Helper()
	b := &browser{t: t, ended: make(chan struct{})}
	ctx, stop := context.WithCancel(t.Context())
	b.stop = stop
	r, _ := http.NewRequestWithContext(ctx, "GET", "http://127.0.0.1:8080/api/stream", http.NoBody)
	for _, w := range with {
		w(r)
	}
	go func() {
		defer close(b.ended)
		p.Handler().ServeHTTP(b, r)
	}()
	return b
}

func (b *browser) Header() http.Header { return http.Header{} }
func (b *browser) WriteHeader(int)     {}
func (b *browser) Flush()              {}
func (b *browser) Write(text []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if data, ok := strings.CutPrefix(string(text), "data: "); ok {
		var m message
		if err := json.Unmarshal([]byte(data), &m); err != nil {
			b.t.Errorf("%v: %s", err, data)
		}
		b.got = append(b.got, m)
	} else {
		b.beats++
	}
	return len(text), nil
}

// next are the messages since the last time.
func (b *browser) next() []message {
	b.mu.Lock()
	defer b.mu.Unlock()
	got := b.got
	b.got = nil
	return got
}

func keys(m message) string {
	var list []string
	for name, part := range m.Parts {
		ids := []string{}
		for id := range part.Items {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		text := name + ":" + strings.Join(ids, ",")
		if part.Order != nil {
			text += "*"
		}
		list = append(list, text)
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

func TestStreamTellsWhatChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := newScene()
		b := open(t, p)
		synctest.Wait()
		first := b.next()
		if len(first) != 1 || !first[0].Whole || len(first[0].Parts) != 8 {
			t.Fatalf("at first %+v", first)
		}
		time.Sleep(5 * time.Second)
		if got := b.next(); len(got) > 0 {
			t.Errorf("without news: %+v", got)
		}
		s.change(func(v *agent.View) {
			v.Rooms = append(slices.Clone(v.Rooms), agent.RoomView{Room: "102", Guests: 1})
		})
		time.Sleep(beat)
		synctest.Wait()
		if got := b.next(); len(got) != 1 || got[0].Whole || keys(got[0]) != "rooms:102*" {
			t.Errorf("a new room: %+v", got)
		}
		s.change(func(v *agent.View) { v.Rooms = slices.Clone(v.Rooms); v.Rooms[0].DND = true })
		time.Sleep(beat)
		synctest.Wait()
		if got := b.next(); len(got) != 1 || keys(got[0]) != "rooms:101" || !strings.Contains(string(got[0].Parts["rooms"].Items["101"]), `"dnd":true`) {
			t.Errorf("a changed room: %+v", got)
		}
		s.change(func(v *agent.View) { v.Rooms = v.Rooms[1:] })
		time.Sleep(beat)
		synctest.Wait()
		if got := b.next(); len(got) != 1 || keys(got[0]) != "rooms:*" || len(*got[0].Parts["rooms"].Order) != 1 {
			t.Errorf("a room less: %+v", got)
		}
		fmt.Fprintf(p.Lines, `{"level":"info","message":"hello"}`+"\n")
		time.Sleep(beat)
		synctest.Wait()
		if got := b.next(); len(got) != 1 || len(got[0].Log) != 1 || got[0].Parts != nil {
			t.Errorf("a line of the log: %+v", got)
		}
		second := open(t, p)
		synctest.Wait()
		if got := second.next(); len(got) != 1 || !got[0].Whole || len(got[0].Log) != 1 || len(got[0].Parts) != 8 {
			t.Errorf("who comes later: %+v", got)
		}
		b.stop()
		second.stop()
		<-b.ended
		<-second.ended
	})
}

// A thousand changes a second are two messages, and the last one has the end of it.
func TestStreamIsCoalesced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := newScene()
		b := open(t, p)
		synctest.Wait()
		b.next()
		for i := range 3000 {
			s.change(func(v *agent.View) { v.Rooms = []agent.RoomView{{Room: "101", Guests: i}} })
			fmt.Fprintln(p.Lines, `{"n":1}`)
			time.Sleep(time.Millisecond)
		}
		time.Sleep(beat)
		synctest.Wait()
		got := b.next()
		if len(got) > 8 || !strings.Contains(string(got[len(got)-1].Parts["rooms"].Items["101"]), `"guests":2999`) {
			t.Errorf("%d messages in 3 s", len(got))
		}
		b.stop()
		<-b.ended
	})
}

// Nobody looks, and nothing is looked at; somebody looks, and time brings news too.
func TestNobodyLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := newScene()
		time.Sleep(time.Hour)
		if n := s.looks.Load(); n != 0 {
			t.Errorf("%d looks before anybody came", n)
		}
		b := open(t, p)
		synctest.Wait()
		b.next()
		time.Sleep(time.Minute)
		if n := s.looks.Load(); n < 5 || n > 8 {
			t.Errorf("%d looks in a quiet minute", n)
		}
		b.mu.Lock()
		if b.beats < 3 || b.beats > 5 {
			t.Errorf("%d heartbeats in a minute", b.beats)
		}
		b.mu.Unlock()
		s.mu.Lock()
		s.view.Conditions = nil // without a pulse
		s.mu.Unlock()
		time.Sleep(lookAfter + beat)
		synctest.Wait()
		if got := b.next(); len(got) != 1 || keys(got[0]) != "conditions:*" {
			t.Errorf("what time brought: %+v", got)
		}
		b.stop()
		<-b.ended
		synctest.Wait()
		before := s.looks.Load()
		s.change(func(*agent.View) {})
		time.Sleep(time.Hour)
		if n := s.looks.Load(); n != before || p.hub.parts != nil {
			t.Errorf("%d looks after everybody has left", n-before)
		}
		again := open(t, p)
		synctest.Wait()
		if got := again.next(); len(got) != 1 || !got[0].Whole || len(got[0].Parts) != 8 {
			t.Errorf("who comes back: %+v", got)
		}
		again.stop()
		<-again.ended
	})
}

// The seventeenth page takes the place of the oldest of whoever has most open, and
// that one is told so: whoever looks cannot keep out who operates.
func TestStreamsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := newScene()
		desk := func() func(*http.Request) {
			return carry(&http.Cookie{Name: "edgeagent", Value: p.sessions.begin("desk", toOperate)})
		}
		var all []*browser
		come := func(with ...func(*http.Request)) *browser {
			b := open(t, p, with...)
			all = append(all, b)
			synctest.Wait()
			return b
		}
		told := func(b *browser) string {
			got, said := b.next(), ""
			for _, m := range got {
				said += map[bool]string{true: "full", false: "news"}[m.Full]
			}
			select {
			case <-b.ended:
				return said + ", ended"
			default:
				return said
			}
		}
		first := come(desk())
		for range maxListeners - 1 {
			come()
		}
		second := come(desk())
		for i, want := range []string{"news", "newsfull, ended", "news"} {
			if got := told(all[i]); got != want {
				t.Errorf("page %d is told %s, want %s", i, got, want)
			}
		}
		if got := told(second); got != "news" {
			t.Errorf("the newest page is told %s", got)
		}
		for range 3 * maxListeners {
			come()
		}
		for name, b := range map[string]*browser{"first": first, "second": second} {
			if got := told(b); got != "" {
				t.Errorf("the %s page of who operates is told %s", name, got)
			}
		}
		if len(p.hub.open) != maxListeners || p.hub.streams != maxListeners {
			t.Errorf("%d pages, %d streams", len(p.hub.open), p.hub.streams)
		}
		for _, b := range all {
			b.stop()
			<-b.ended
		}
		if len(p.hub.open) != 0 || p.hub.streams != 0 {
			t.Errorf("%d pages and %d streams are left", len(p.hub.open), p.hub.streams)
		}
	})
}

// Pages that give way and do not read so are bounded too.
func TestStreamsThatHangAreBounded(t *testing.T) {
	_, p := newScene()
	hold := func(stop <-chan struct{}) { <-stop }
	var all []*listener
	for range maxStreams {
		all = append(all, p.hub.join("", hold))
	}
	w := ask(p.Handler(), "GET /api/stream")
	if w.Code != http.StatusServiceUnavailable || w.Body.String() != "too many pages are open; close some\n" {
		t.Errorf("one too many: %d %s", w.Code, w.Body)
	}
	for _, l := range all {
		p.hub.leave(l)
	}
}

// A stream ends with the session, and with the page.
func TestStreamsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, p := newScene()
		closing := make(chan struct{})
		p.Open, p.Closing = true, closing
		id := p.sessions.begin("desk", toLook)
		b := open(t, p, carry(&http.Cookie{Name: "edgeagent", Value: id}))
		synctest.Wait()
		if len(b.next()) != 1 {
			t.Error("it tells nothing")
		}
		p.sessions.end(digestOf(id))
		time.Sleep(heartbeat)
		<-b.ended
		idle := open(t, p, carry(&http.Cookie{Name: "edgeagent", Value: p.sessions.begin("desk", toLook)}))
		time.Sleep(idleFor + 2*heartbeat)
		<-idle.ended // a page that is only open keeps no session alive
		last := open(t, p, carry(&http.Cookie{Name: "edgeagent", Value: p.sessions.begin("desk", toLook)}))
		synctest.Wait()
		close(closing)
		<-last.ended
	})
}

func TestStreamOfATroubledHouse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, p := newScene()
		b := open(t, p)
		synctest.Wait()
		b.next()
		s.mu.Lock()
		s.err = errors.New("disk gone")
		s.mu.Unlock()
		s.pulse.Add(1)
		time.Sleep(beat)
		synctest.Wait()
		if got := b.next(); len(got) != 1 || got[0].Problem != "the store cannot be read: disk gone" {
			t.Errorf("%+v", got)
		}
		b.stop()
		<-b.ended
		bad := open(t, &Page{Problems: "property.yaml:3: no\n"})
		synctest.Wait()
		if got := bad.next(); len(got) != 1 || !strings.Contains(string(got[0].Parts["conditions"].Items["config-invalid "]), "property.yaml:3: no") {
			t.Errorf("%+v", got)
		}
		bad.stop()
		<-bad.ended
	})
}

// Over a real connection it lasts longer than the server gives an answer, and ends
// when the page closes: no longer than that may the end of the agent wait.
func TestStreamOverTheNetwork(t *testing.T) {
	s, p := newScene()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	p.Closing = ctx.Done()
	server := httptest.NewUnstartedServer(p.Handler())
	server.Config.WriteTimeout, server.Config.ReadTimeout = 300*time.Millisecond, 300*time.Millisecond
	server.Start()
	defer server.Close()
	resp, err := http.Get(server.URL + "/api/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" {
		t.Error(kind)
	}
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	read := func() string {
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "data: ") {
				return lines.Text()
			}
		}
		return "ended"
	}
	if got := read(); !strings.Contains(got, `"whole":true`) {
		t.Error(got)
	}
	time.Sleep(700 * time.Millisecond)
	s.change(func(v *agent.View) { v.Rooms = nil })
	if got := read(); !strings.Contains(got, `"rooms":{"order":[]}`) {
		t.Error(got)
	}
	stop()
	if got := read(); got != "ended" {
		t.Error(got)
	}
}

// Serve does not wait for pages that are open.
func TestServeEndsStreams(t *testing.T) {
	_, p := newScene()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	p.Closing = ctx.Done()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, p.Handler()) }()
	resp, err := http.Get("http://" + l.Addr().String() + "/api/stream")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	began := time.Now()
	stop()
	if err := <-served; err != nil || time.Since(began) > 3*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}
