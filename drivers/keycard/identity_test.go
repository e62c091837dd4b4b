package keycard

import (
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
)

// registry plays the store: the newest values of each subject, whichever
// encoder they came from.
type registry map[string]map[string]string

func (r registry) site() drivers.Site {
	site := testSite()
	site.Key = []byte("property")
	site.Known = func(_, subject string) map[string]string { return r[subject] }
	return site
}

// desk is two encoders of one hotel on a clock of the test's own.
type keyDesk struct {
	t    *testing.T
	know registry
	now  time.Time
}

// cut plans a command and carries it out in thought: made of its cards succeed.
// It returns the words of the link.
func (k *keyDesk) cut(made int, change ...string) string {
	k.t.Helper()
	params := map[string]string{"stay": "9f00", "room": "101", "until": "2026-07-17T11:00:00+02:00", "key": keyAuto}
	for _, c := range change {
		name, value, _ := strings.Cut(c, "=")
		params[name] = value
	}
	k.now = k.now.Add(time.Minute)
	d := planner(nil)
	d.site = k.know.site()
	cmd := drivers.Command{Action: actionEncode, Subject: "room:" + params["room"], Params: params}
	p, err := d.plan(cmd, k.now)
	if err != nil {
		k.t.Fatal(err)
	}
	values := map[string]string{}
	var words []string
	for i, st := range p.steps {
		words = append(words, st.command)
		if i < made {
			p.remember(values, k.now)
		}
	}
	if made > 0 {
		k.know[cmd.Subject] = values
	}
	return strings.Join(words, " ")
}

// The first key of a stay is new and ends those of the guest before; later ones
// join it, until anything about the key is another.
func TestAutoKey(t *testing.T) {
	for _, tc := range []struct {
		name          string
		first, second []string
		want          string
	}{
		{"the same", nil, nil, "CC"},
		{"two more", nil, []string{"copies=2"}, "CC CC"},
		{"the end in another zone", nil, []string{"until=2026-07-17T09:00:00Z"}, "CC"},
		{"the same rooms in another order", []string{"rooms=103,104"}, []string{"rooms=104,103"}, "CC"},
		{"the same rights in another order", []string{"grants=pool,10"}, []string{"grants=10,pool"}, "CC"},
		{"another guest", nil, []string{"stay=aa11"}, "CN"},
		{"extended", nil, []string{"until=2026-07-18T11:00:00+02:00"}, "CN"},
		{"two, extended", nil, []string{"until=2026-07-18T11:00:00+02:00", "copies=2"}, "CN CC"},
		{"a further room", nil, []string{"rooms=103"}, "CN"},
		{"another right", nil, []string{"grants=pool"}, "CN"},
		{"another room", nil, []string{"room=102"}, "CN"},
		{"no stay", []string{"stay="}, []string{"stay="}, "CN"},
		{"after one by the rules", []string{"key=new"}, nil, "CC"},
		{"after a duplicate by the rules", []string{"key=duplicate"}, nil, "CC"},
		{"new by the rules", nil, []string{"key=new"}, "CN"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := &keyDesk{t: t, know: registry{}, now: time.Date(2026, 7, 15, 9, 0, 0, 0, time.UTC)}
			k.cut(9, tc.first...)
			if got := k.cut(9, tc.second...); got != tc.want {
				t.Errorf("second key: %s, want %s", got, tc.want)
			}
		})
	}
}

func TestAutoKeyAfterTrouble(t *testing.T) {
	fresh := func() *keyDesk {
		return &keyDesk{t: t, know: registry{}, now: time.Date(2026, 7, 15, 9, 0, 0, 0, time.UTC)}
	}
	k := fresh()
	if got := k.cut(0, "copies=2"); got != "CN CC" {
		t.Errorf("first: %s", got)
	}
	if got := k.cut(1, "copies=2"); got != "CN CC" { // the first failed, so this is the first
		t.Errorf("after a failure: %s", got)
	}
	if got := k.cut(1); got != "CC" { // one of two was made: its card shall stay good
		t.Errorf("after half a success: %s", got)
	}
	if got := k.cut(0); got != "CC" {
		t.Errorf("a further one: %s", got)
	}
	if got := k.cut(1); got != "CC" { // nobody held a card up; the others are good
		t.Errorf("after a further one that failed: %s", got)
	}
	k = fresh()
	k.cut(1)
	at := maps.Clone(k.know["room:101"])
	if got := k.cut(1, "key=one_shot"); got != "CA" {
		t.Errorf("one-shot: %s", got)
	}
	if got := k.know["room:101"]; got[valueKey] != at[valueKey] || got[drivers.ValueAt] != at[drivers.ValueAt] {
		t.Errorf("a key that opens once hides the room's key: %v", got)
	}
	k.know["room:101"] = map[string]string{drivers.ValueAt: instant(k.now)} // as a check-out leaves it
	if got := k.cut(1); got != "CN" {
		t.Errorf("after the room was checked out: %s", got)
	}
}

func TestKeyIdentityIsSecret(t *testing.T) {
	a, b := planner(nil), planner(nil)
	a.site.Key, b.site.Key = []byte("one"), []byte("two")
	fields := &cardFields{rooms: []string{"101"}, until: "1100170726"}
	if a.identity("s", fields) == b.identity("s", fields) {
		t.Error("who lacks the property's key can make it")
	}
	if a.identity("s", &cardFields{rooms: []string{"1", "23"}}) == a.identity("s", &cardFields{rooms: []string{"12", "3"}}) {
		t.Error("two keys have one identity")
	}
}

// Over the wire: what the receipts say is what the next command goes by.
func TestAutoKeyOverTheWire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		know := registry{}
		b := newBenchWith(t, nil, know.site(), ack, false)
		b.ready()
		auto := func(id string) drivers.Command {
			c := encode(id, "1")
			c.Subject, c.Params["key"], c.Params["stay"] = "room:101", keyAuto, "9f00"
			return c
		}
		turn := func(cmd drivers.Command, word string, answer ...any) {
			t.Helper()
			p := b.do(t.Context(), cmd)
			b.expect(word + "|")
			b.say(answer...)
			if p.wait(); len(p.receipt.Values) > 0 {
				know["room:101"] = p.receipt.Values
			}
			b.ready() // no repetition of a result is in the way
		}
		turn(auto("a"), "CN", ack, "EP|1") // nobody presented a card
		turn(auto("b"), "CN", ack, "CN|1")
		turn(auto("c"), "CC", ack, "CC|1")
		turn(drivers.Command{ID: "d", Action: actionCancel, Subject: "room:101", Params: map[string]string{"room": "101"}}, "CO", ack, "CO|0")
		turn(auto("e"), "CN", ack, "CN|1")
	})
}
