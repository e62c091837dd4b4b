package iptv

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/tvsim"

	"github.com/rs/zerolog"
)

const property = "seaview"

// ledger is what the store would want of the TVs: the newest setting of every
// subject.
type ledger struct {
	mu     sync.Mutex
	seq    int64
	newest map[string]drivers.Command
}

func (l *ledger) accept(action, subject string, params map[string]string) drivers.Command {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	cmd := drivers.Command{ID: "c" + time.Duration(l.seq).String(), Seq: l.seq, Action: action, Subject: subject, Params: params, Try: 1}
	if action == actionWelcome || action == actionClear {
		l.newest[subject] = cmd
	}
	return cmd
}

func (l *ledger) welcome(room, stay, name string, more ...string) drivers.Command {
	guests, _ := json.Marshal([]guest{{Title: "Mr", First: "Al", Last: name}})
	p := map[string]string{
		"room": room, "stay": stay, "guests": string(guests), "language": "EN",
		"departure": time.Now().Add(48 * time.Hour).Format(time.RFC3339),
	}
	for i := 0; i+1 < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return l.accept(actionWelcome, "room:"+room, p)
}

func (l *ledger) clear(room, stay string, more ...string) drivers.Command {
	p := map[string]string{"room": room, "stay": stay}
	for i := 0; i+1 < len(more); i += 2 {
		p[more[i]] = more[i+1]
	}
	return l.accept(actionClear, "room:"+room, p)
}

func (l *ledger) wanted(string) []drivers.Command {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []drivers.Command
	for _, cmd := range l.newest {
		all = append(all, cmd)
	}
	return all
}

// rig is a broker, a driver and TVs.
type rig struct {
	t      *testing.T
	ctx    context.Context
	broker *tvsim.Broker
	driver *Driver
	ledger *ledger
	cfg    Config
}

func newRig(t *testing.T, edit ...func(*Config)) *rig {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	t.Cleanup(cancel)
	r := &rig{t: t, ctx: ctx, ledger: &ledger{newest: map[string]drivers.Command{}}}
	r.broker = tvsim.NewBroker(tvsim.BrokerOptions{Property: property, AgentPassword: "secret"})
	r.must(r.broker.Start(tvsim.Keep))
	t.Cleanup(r.broker.Stop)
	r.cfg = Config{
		Broker: r.broker.URL(), Username: tvsim.AgentUser, PasswordFile: "mqtt", Languages: map[string]string{"EN": "en", "GE": "de"},
		AckTimeout: 5 * time.Second, ReconnectMin: 20 * time.Millisecond, ReconnectMax: 50 * time.Millisecond,
	}
	for _, e := range edit {
		e(&r.cfg)
	}
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) site() drivers.Site {
	return drivers.Site{
		Property: property, Label: "Sea View", Zone: time.UTC, Language: "en", Wanted: r.ledger.wanted, Log: zerolog.Nop(),
		Secret: func(string) (string, error) { return "secret", nil },
	}
}

// open starts the driver, which may still be connecting then.
func (r *rig) open(edit ...func(*Driver)) *Driver {
	r.t.Helper()
	d, err := prepare("tvs", r.cfg, r.site())
	r.must(err)
	for _, e := range edit {
		e(d)
	}
	d.start()
	r.t.Cleanup(func() { _ = d.Halt() })
	r.driver = d
	return d
}

// connected waits until the driver has a session.
func (r *rig) connected() {
	r.t.Helper()
	r.state(func(s drivers.State) bool { return s.Condition == drivers.Online || s.Condition == drivers.Degraded })
}

// state waits until the driver's state is as told.
func (r *rig) state(is func(drivers.State) bool) drivers.State {
	r.t.Helper()
	for {
		s := r.driver.State()
		if is(s) {
			return s
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-r.ctx.Done():
			r.t.Fatalf("state stays %+v", r.driver.State())
		}
	}
}

func (r *rig) eventually(what string, is func() bool) {
	r.t.Helper()
	for !is() {
		select {
		case <-time.After(5 * time.Millisecond):
		case <-r.ctx.Done():
			r.t.Fatalf("never: %s", what)
		}
	}
}

func (r *rig) tv(room, id string, edit ...func(*tvsim.TVOptions)) *tvsim.TV {
	r.t.Helper()
	o := tvsim.TVOptions{
		Access: r.broker.Access(room), Property: property, Room: room, ID: id, Silence: 300 * time.Millisecond, Redial: 20 * time.Millisecond,
	}
	for _, e := range edit {
		e(&o)
	}
	tv := tvsim.NewTV(o)
	tv.Plug()
	r.t.Cleanup(tv.Unplug)
	r.online(tv)
	return tv
}

// online waits until the driver has heard that the set is online, if there is a driver.
func (r *rig) online(tv *tvsim.TV) {
	r.t.Helper()
	r.must(tv.Until(r.ctx, (*tvsim.TV).Connected))
	r.eventually("set is retained as online", func() bool {
		for _, text := range r.broker.Retained("htl/v1/" + property + "/room/" + tv.Room() + "/tv/" + tv.ID()) {
			return strings.Contains(string(text), `"online"`)
		}
		return false
	})
	r.eventually("driver has heard of the set", func() bool {
		if r.driver == nil {
			return true
		}
		s, err := r.driver.live()
		if err != nil {
			return true
		}
		_, online := s.house.sets(tv.Room())
		return online > 0
	})
}

func (r *rig) do(cmd drivers.Command) drivers.Receipt {
	r.t.Helper()
	receipt, err := r.driver.Do(r.ctx, cmd)
	r.must(err)
	return receipt
}

// again repeats a command as a lane would, while the link is down.
func (r *rig) again(cmd drivers.Command) drivers.Receipt {
	r.t.Helper()
	for {
		receipt, err := r.driver.Do(r.ctx, cmd)
		var down *drivers.LinkDown
		if err == nil {
			return receipt
		}
		if !errors.As(err, &down) || r.ctx.Err() != nil {
			r.t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (r *rig) shows(tv *tvsim.TV, name string) {
	r.t.Helper()
	err := tv.Until(r.ctx, func(tv *tvsim.TV) bool { return shownName(tv) == name })
	if err != nil {
		r.t.Fatalf("TV %s shows %q, not %q", tv.ID(), shownName(tv), name)
	}
}

func shownName(tv *tvsim.TV) string { return strings.Join(tv.Shown().Names, ", ") }

// sets counts the sets of a room that the driver takes for online.
func (r *rig) sets(room string) int {
	s, err := r.driver.live()
	if err != nil {
		return -1
	}
	_, online := s.house.sets(room)
	return online
}

// retained is what the broker holds for a room; "" for vacant.
func (r *rig) retained(room string) string {
	return string(r.broker.Retained("htl/v1/" + property + "/room/" + room + "/welcome")["htl/v1/"+property+"/room/"+room+"/welcome"])
}

func (r *rig) retainedStay(room string) string {
	var doc welcomeDoc
	_ = json.Unmarshal([]byte(r.retained(room)), &doc)
	return doc.Stay
}
