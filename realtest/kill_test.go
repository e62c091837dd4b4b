//go:build real

package realtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/drivers"
	"edgeagent/drivers/iptv"
	"edgeagent/hwsim"
	"edgeagent/hwsim/tvsim"
)

// kills is how often TestKilledBroker kills each broker: KILLS, or 20.
func kills(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv("KILLS"))
	if err != nil || n < 1 {
		return 20
	}
	return n
}

// TestKilledBroker kills a broker with -9 at random moments of a busy house, as
// Debian sets it up and as we do. Once the driver has had its time, the broker
// must retain the guests of now, all of them, and nobody else's name.
func TestKilledBroker(t *testing.T) {
	for name, keeps := range map[string]memory{"as Debian sets it up": debians, "as we do": ours} {
		t.Run(name, func(t *testing.T) {
			rooms := []string{"101", "102", "103", "104", "105", "106"}
			m := newMosquittoWith(t, keeps, "", rooms...)
			if err := m.Start(tvsim.Keep); err != nil {
				t.Fatal(err)
			}
			h := newDesk(t, m, rooms)
			dice := rand.New(rand.NewPCG(uint64(os.Getpid()), 1))
			came := 0 // how often the broker came back with a name of old
			n := kills(t)
			for kill := range n {
				h.busy(dice, time.Duration(dice.IntN(150))*time.Millisecond)
				if dice.IntN(3) == 0 {
					m.Save() // what it says then, Debian's comes back with
				}
				h.busy(dice, time.Duration(dice.IntN(150))*time.Millisecond)
				ended := h.busyUntil(dice)
				time.Sleep(time.Duration(dice.IntN(40)) * time.Millisecond)
				m.Stop()
				ended()
				for range dice.IntN(10) {
					h.act(dice)
				}
				if len(h.departed(m.stored())) > 0 {
					came++
				}
				if err := m.Start(tvsim.Keep); err != nil {
					t.Fatal(err)
				}
				h.settle()
				if !h.right(t, m, fmt.Sprintf("kill %d of %d", kill+1, n)) {
					return
				}
			}
			t.Logf("%d kills; %d times names of departed guests were in what the broker had on disk; none was retained in the end", n, came)
			if keeps == debians && n >= 20 && came == 0 {
				t.Error("the broker never had an old name on its disk: this proves nothing")
			}
		})
	}
}

// desk is a house that the driver serves: who is in which room, the store that
// knows it, and lanes that try until it is done.
type desk struct {
	t      *testing.T
	rooms  []string
	driver *iptv.Driver

	mu     sync.Mutex
	guests map[string]string // room -> name; each guest has a name of his own
	newest map[string]drivers.Command
	all    []string // every name there ever was
	seq    int64
	lanes  sync.WaitGroup
}

func newDesk(t *testing.T, m *mosquitto, rooms []string) *desk {
	t.Helper()
	d := &desk{t: t, rooms: rooms, guests: map[string]string{}, newest: map[string]drivers.Command{}}
	id := m.identity()
	driver, err := iptv.Open("tvs", iptv.Config{
		Broker: m.URL(), CAFile: id.CAFile, CertFile: id.CertFile, KeyFile: id.KeyFile,
		ReconnectMin: 20 * time.Millisecond, ReconnectMax: 50 * time.Millisecond,
	}, drivers.Site{
		Property: hwsim.PropertyID, Zone: time.UTC, Language: "en", Log: zerolog.Nop(), Wanted: d.wanted,
		Secret: func(file string) (string, error) { text, err := os.ReadFile(file); return string(text), err },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.driver = driver
	t.Cleanup(func() { _ = driver.Halt() })
	for _, room := range rooms[:len(rooms)/2] { // the others have no set
		tv := tvsim.NewTV(tvsim.TVOptions{
			Access: m.Access(room), Property: hwsim.PropertyID, Room: room, ID: "tv1", Silence: 300 * time.Millisecond, Redial: 20 * time.Millisecond,
		})
		tv.Plug()
		t.Cleanup(tv.Unplug)
	}
	return d
}

func (d *desk) wanted(string) []drivers.Command {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Collect(maps.Values(d.newest))
}

// act has a guest come or go, and a lane carry it out.
func (d *desk) act(dice *rand.Rand) {
	d.mu.Lock()
	defer d.mu.Unlock()
	room := d.rooms[dice.IntN(len(d.rooms))]
	d.seq++
	cmd := drivers.Command{
		ID: fmt.Sprint("c", d.seq), Seq: d.seq, Subject: "room:" + room, Action: "welcome", Try: 1,
		Params: map[string]string{"room": room, "vacant": "true"},
	}
	if d.guests[room] != "" && dice.IntN(2) == 0 {
		cmd.Action, cmd.Params["stay"] = "clear", "stay-"+d.guests[room]
		delete(d.guests, room)
	} else {
		name := fmt.Sprintf("Guest%06d", d.seq)
		guests, _ := json.Marshal([]map[string]string{{"title": "Mr", "last": name}})
		cmd.Params["stay"], cmd.Params["guests"] = "stay-"+name, string(guests)
		d.guests[room] = name
		d.all = append(d.all, name)
	}
	d.newest[cmd.Subject] = cmd
	d.lanes.Go(func() { d.carry(cmd) })
}

// carry tries as a lane would, unless a newer command of the room has come.
func (d *desk) carry(cmd drivers.Command) {
	for d.t.Context().Err() == nil {
		d.mu.Lock()
		old := d.newest[cmd.Subject].Seq > cmd.Seq
		d.mu.Unlock()
		if old {
			return
		}
		_, err := d.driver.Do(d.t.Context(), cmd)
		if err == nil {
			return
		}
		if errors.Is(err, drivers.ErrRefused) {
			d.t.Errorf("%s of %s: %v", cmd.Action, cmd.Subject, err)
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// busy has guests come and go for a while.
func (d *desk) busy(dice *rand.Rand, how time.Duration) {
	for end := time.Now().Add(how); time.Now().Before(end); time.Sleep(time.Duration(dice.IntN(8)) * time.Millisecond) {
		d.act(dice)
	}
}

// busyUntil has them come and go beside what else happens, until told to end.
func (d *desk) busyUntil(dice *rand.Rand) (end func()) {
	stop, stopped := make(chan struct{}), make(chan struct{})
	own := rand.New(rand.NewPCG(dice.Uint64(), 2))
	go func() {
		defer close(stopped)
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(own.IntN(6)) * time.Millisecond):
				d.act(own)
			}
		}
	}()
	return func() { close(stop); <-stopped }
}

func (d *desk) settle() { d.lanes.Wait() }

// departed are the names in a text of guests who have left.
func (d *desk) departed(text string) (names []string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, name := range d.all {
		if strings.Contains(text, name) && !slices.Contains(slices.Collect(maps.Values(d.guests)), name) {
			names = append(names, name)
		}
	}
	return names
}

// right asks the broker: every guest's name is retained in the guest's room,
// and no name that is not.
func (d *desk) right(t *testing.T, m *mosquitto, when string) bool {
	t.Helper()
	wrong := ""
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if wrong = d.wrong(m); wrong == "" {
			return true
		}
	}
	t.Errorf("%s: %s", when, wrong)
	return false
}

func (d *desk) wrong(m *mosquitto) string {
	held := m.Retained(root + "/room/")
	var text strings.Builder
	for topic, payload := range held {
		fmt.Fprintln(&text, topic, string(payload))
	}
	if names := d.departed(text.String()); len(names) > 0 {
		return fmt.Sprintf("the broker retains departed guests: %s", names)
	}
	for _, room := range d.rooms {
		name, welcome := d.guests[room], string(held[root+"/room/"+room+"/welcome"])
		if name != "" && !strings.Contains(welcome, name) {
			return fmt.Sprintf("room %s does not greet its guest %s, but has %q", room, name, welcome)
		}
		if name == "" && welcome != "" {
			return fmt.Sprintf("room %s is vacant, and has %q", room, welcome)
		}
	}
	return ""
}
