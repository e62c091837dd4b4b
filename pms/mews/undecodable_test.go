package mews

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/mewssim"
	"edgeagent/pms"
)

// meddler stands between the source and the simulator and changes answers.
func meddler(t *testing.T, r *rig, change func(path string, answer map[string]json.RawMessage)) {
	t.Helper()
	to, err := url.Parse(r.sim.PlatformURL())
	check(t, err)
	proxy := httputil.NewSingleHostReverseProxy(to)
	proxy.ModifyResponse = func(resp *http.Response) error {
		var answer map[string]json.RawMessage
		if resp.StatusCode != http.StatusOK || json.NewDecoder(resp.Body).Decode(&answer) != nil {
			return nil
		}
		change(strings.TrimPrefix(resp.Request.URL.Path, "/api/connector/v1/"), answer)
		text, err := json.Marshal(answer)
		if err != nil {
			return err
		}
		resp.Body = readCloser{strings.NewReader(string(text))}
		resp.ContentLength = int64(len(text))
		resp.Header.Del("Content-Length")
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	r.cfg.PlatformURL = server.URL
	r.make()
}

type readCloser struct{ *strings.Reader }

func (readCloser) Close() error { return nil }

// spoil puts a row that cannot be read in front of a list.
func spoil(list json.RawMessage, row string) json.RawMessage {
	inner := strings.TrimPrefix(string(list), "[")
	if inner == "]" {
		return json.RawMessage("[" + row + "]")
	}
	return json.RawMessage("[" + row + "," + inner)
}

func TestUndecodableRows(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	meddler(t, r, func(path string, answer map[string]json.RawMessage) {
		for name, row := range map[string]string{
			"Reservations": `{"Id":"x","State":{"odd":1},"Number":"secret"}`, "Customers": `{"Id":17}`, "Companionships": `[]`, "Resources": `{"Name":5}`,
			"Services": `"?"`, "ResourceCategories": `null`, "ResourceCategoryAssignments": `{"IsActive":"yes"}`, "Commands": `{"Id":{}}`,
		} {
			if list, ok := answer[name]; ok && string(list) != "null" {
				answer[name] = spoil(list, row)
			}
		}
	})
	stay := r.arrive("Guest", "101")
	r.run().live()
	r.waitIn("101", "Guest")
	r.arrive("Second", "102")
	r.waitIn("102", "Second")
	id := r.key(stay, mewssim.KeyOrder{})
	r.await("command", ofCommand(id))
	for _, what := range []string{"reservation", "guest profile", "device command"} {
		name := "this " + what + " of Mews cannot be read"
		r.await("quarantine", func(n pms.Notice) bool { return n.Kind == pms.KindUndecodable && n.Name == name })
		if n := r.count(func(n pms.Notice) bool { return n.Name == name }); n != 1 {
			t.Errorf("%s is %d times in quarantine", what, n)
		}
	}
}

func TestUndecodableProfileKeepsTheName(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	broken := make(chan bool, 1)
	var owner string
	meddler(t, r, func(path string, answer map[string]json.RawMessage) {
		if len(broken) > 0 && path == "customers/getAll" {
			answer["Customers"] = json.RawMessage(fmt.Sprintf(`[{"Id":%q,"LastName":{"First":1}}]`, owner))
		}
	})
	owner = r.guest("Known")
	stay := r.book(mewssim.Booking{Owner: owner, Room: r.hotel.room["101"]})
	check(t, r.sim.CheckIn(stay))
	r.run().live()
	r.waitIn("101", "Known")
	broken <- true
	check(t, r.sim.Move(stay, r.hotel.room["102"]))
	r.waitIn("102", "Known")
}

func TestUndecodableCommands(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	for _, data := range []string{`{}`, `{"KeyCount":"two"}`, `{"KeyCount":1,"LockIds":"101"}`, `[]`, `"x"`,
		`{"KeyCount":0,"LockIds":["101"],"EndUtc":"2099-01-01T00:00:00Z"}`, `{"KeyCount":10,"LockIds":["101"],"EndUtc":"2099-01-01T00:00:00Z"}`,
		`{"KeyCount":1,"LockIds":["101"]}`, `{"KeyCount":1,"LockIds":["101"],"EndUtc":"tomorrow"}`, `{"KeyCount":1,"LockIds":["", " "]}`,
		`{"KeyCount":1,"EndUtc":"2099-01-01T00:00:00Z","LockIds":["` + strings.Repeat(`1","`, 40) + `2"]}`,
	} {
		want := map[byte]string{
			'}': "not cut: Mews names no lock for this reservation; assign a room, or have its lock entered in Mews",
		}['}']
		switch {
		case strings.Contains(data, `"two"`), strings.Contains(data, `:"101"}`), data == `[]`, data == `"x"`:
			want = "the command could not be read: ask again, and tell the installer if it stays so"
		case strings.Contains(data, `"KeyCount":0,`):
			want = "not cut: 0 cards were asked for; ask for 1 to 9"
		case strings.Contains(data, `"KeyCount":10,`):
			want = "not cut: 10 cards were asked for; ask for 1 to 9"
		case strings.Contains(data, `1","1"`):
			want = "not cut: 41 locks are too many for one card"
		case strings.Contains(data, `["101"]`):
			want = "not cut: Mews gives no departure; correct the reservation and ask again"
		}
		id := must(r.sim.AddRawCommand(mewssim.Command{Device: r.hotel.cutter, Data: []byte(data)}))(t)
		if n := r.await("command", ofCommand(id)); n.Refuse != want {
			t.Errorf("%s: %q, want %q", data, n.Refuse, want)
		}
	}
	if len(r.told(pms.KeyRequested)) != 0 {
		t.Error("a rule sees one")
	}
}

func TestUndecodableFrames(t *testing.T) {
	t.Parallel()
	r := newRig(t).run().live()
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.LoseNext = 2 })
	stay := r.arrive("Hidden", "101") // what the frame below would have said
	r.sim.SendRaw(`{"Events":[{"Type":"Reservation","Id":`)
	r.waitIn("101", "Hidden")
	n := r.await("quarantine", kind(pms.KindUndecodable))
	if string(n.Raw) != `{"Events":[{"Type":"Reservation","Id":` || n.Name != "this frame of Mews cannot be read" {
		t.Errorf("notice %+v", n)
	}
	other := r.booking("Other", "102")
	r.sim.Change(func(f *mewssim.Faults) { f.Socket.LoseNext = 1 })
	id := r.key(stay, mewssim.KeyOrder{})
	r.sim.SendRaw(fmt.Sprintf(`{"Events":[7,{"Type":"Reservation","Id":"not an id","State":"Started"},{"Type":"Reservation","Id":%q,"State":"Confirmed"}]}`, other))
	r.await("the event beside them", func(n pms.Notice) bool { return n.Reservation == other })
	r.await("the command that it may have been", ofCommand(id))
	r.wait("quarantine", func() bool { return r.count(kind(pms.KindUndecodable)) == 3 })
	if c := r.sim.Audit().Connects; len(c) != 1 {
		t.Errorf("%d connects", len(c))
	}
}

// Whatever is spoilt all the time, everything is read for it now and then only.
func TestManyUndecodableFrames(t *testing.T) {
	t.Parallel()
	r := newRig(t, waits(func(w *Waits) { w.Lag = time.Hour })).run().live()
	r.settled()
	edits, looks := r.calls("customers/getAll"), r.calls("commands/getAllActive") // nobody is in house
	for i := range 50 {
		r.sim.SendRaw(fmt.Sprintf(`{"Events":[{"Type":"Resource","Id":"odd %d"}]}`, i))
		r.wait("quarantine", func() bool { return r.count(kind(pms.KindUndecodable)) == i+1 })
	}
	r.settled()
	r.wait("one look at the queue", func() bool { return r.calls("commands/getAllActive") > looks })
	if n, m := r.calls("customers/getAll")-edits, r.calls("commands/getAllActive")-looks; n != 1 || m != 1 {
		t.Errorf("caught up %d times, asked for commands %d times", n, m)
	}
	// Those that came since are read for together, in their time.
	f := bare(t)
	now := f.now()
	f.spoiltAt = now.Add(-3 * time.Second)
	f.collect(catch{overflow: true})
	if at := f.spoiltAt.Add(10 * time.Second); !f.due[dutySpoilt].Equal(at) || f.behind || f.isDue(dutySpoilt, now) || !f.isDue(dutySpoilt, at) {
		t.Errorf("due %s", f.due[dutySpoilt])
	}
	if in := f.untilDue(); in > 7*time.Second {
		t.Errorf("nothing is due for %s", in)
	}
}
