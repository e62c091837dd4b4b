package keycard

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"edgeagent/drivers"
)

// ends says whether a check-out of a stay would end the keys of room 101, so
// long after the last of them was made.
func (k *keyDesk) ends(stay string, after time.Duration) bool {
	d := planner(nil)
	d.site = k.know.site()
	cmd := drivers.Command{Action: actionCancel, Subject: "room:101", Params: map[string]string{"room": "101", "stay": stay}}
	note, err := d.leftAlone(cmd, k.now.Add(after))
	if err != nil {
		k.t.Fatal(err)
	}
	return note == ""
}

// A check-out ends the keys of the stay that leaves, and never the next guest's.
func TestCheckOutIsOfAStay(t *testing.T) {
	type key = []string
	for _, tc := range []struct {
		name  string
		keys  []key
		stay  string
		after time.Duration
		want  bool
	}{
		{"the same", []key{{"stay=a"}}, "a", 0, true},
		{"the same, with a copy", []key{{"stay=a"}, {"stay=a"}}, "a", 0, true},
		{"the same, extended", []key{{"stay=a"}, {"stay=a", "until=2026-07-18T11:00:00+02:00"}}, "a", 0, true},
		{"the next guest has a key", []key{{"stay=a"}, {"stay=b"}}, "a", 0, false},
		{"since yesterday", []key{{"stay=a"}, {"stay=b"}}, "a", 24 * time.Hour, false},
		{"the next guest leaves", []key{{"stay=a"}, {"stay=b"}}, "b", 0, true},
		{"the first key that we know of is the next guest's", []key{{"stay=b"}}, "a", 0, false},
		{"nothing is known", nil, "a", 0, true},
		{"a key for nobody", []key{{"stay=a"}, {"stay=", "key=new"}}, "b", 0, true},
		{"for no stay", []key{{"stay=a"}}, "", 0, true},
		{"a dormitory, the last who came", []key{{"stay=a"}, {"stay=b", "key=duplicate"}}, "b", 0, true},
		{"a dormitory, the last who leaves", []key{{"stay=a"}, {"stay=b", "key=duplicate"}}, "a", time.Hour, true},
		{"a dormitory, and somebody has just come", []key{{"stay=a"}, {"stay=b", "key=duplicate"}}, "a", time.Minute, false},
		{"a dormitory, all new since", []key{{"stay=a"}, {"stay=b", "key=duplicate"}, {"stay=c", "key=new"}}, "b", time.Hour, false},
		{"a copy for nobody", []key{{"stay=a"}, {"stay=", "key=duplicate"}}, "a", 0, true},
		{"somebody looks at the room", []key{{"stay=a"}, {"stay=b", "key=one_shot"}}, "a", 0, true},
		{"somebody has looked at the room", []key{{"stay=a"}, {"stay=b"}, {"stay=c", "key=one_shot"}}, "a", 0, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			k := &keyDesk{t: t, know: registry{}, now: time.Date(2026, 7, 15, 9, 0, 0, 0, time.UTC)}
			for _, change := range tc.keys {
				k.cut(9, change...)
			}
			if got := k.ends(tc.stay, tc.after); got != tc.want {
				t.Errorf("keys end: %v, want %v; known %v", got, tc.want, k.know["room:101"])
			}
		})
	}
}

// Nobody knows whether the last key was made, or which it was: its stay counts.
func TestCheckOutWhileAKeyIsInDoubt(t *testing.T) {
	doubted := map[string]string{drivers.ValueStay: "b", drivers.ValueDoubted: "true"}
	found := map[string]string{drivers.ValueStay: "b", drivers.ValueAt: "2026-07-15T08:00:00Z"} // by a person, after a crash
	for _, tc := range []struct {
		known map[string]string
		stay  string
		want  string
	}{
		{doubted, "a", "left alone: nobody knows whether room 101 has the next guest's key already; the command that was to make it says so"},
		{doubted, "b", ""},
		{doubted, "", ""},
		{found, "a", "left alone: room 101 has the next guest's key already"},
		{found, "b", ""},
	} {
		d := planner(nil)
		d.site = registry{"room:101": tc.known}.site()
		cmd := drivers.Command{Action: actionCancel, Subject: "room:101", Params: map[string]string{"room": "101", "stay": tc.stay}}
		if note, err := d.leftAlone(cmd, time.Date(2026, 7, 15, 9, 0, 0, 0, time.UTC)); note != tc.want || err != nil {
			t.Errorf("%q leaves, known %v: %q, %v", tc.stay, tc.known, note, err)
		}
	}
}

func TestKeyOf(t *testing.T) {
	for action, want := range map[string]string{actionEncode: "a", actionMobile: "a", actionCancel: "", actionRead: ""} {
		if got := KeyOf(drivers.Command{Action: action, Params: map[string]string{"stay": "a"}}); got != want {
			t.Errorf("%s: %q", action, got)
		}
	}
	if got := KeyOf(drivers.Command{Action: actionEncode, Params: map[string]string{"stay": "a", "key": keyOneShot}}); got != "" {
		t.Errorf("a key that opens once is the key of %q", got)
	}
}

func TestOwnersAreFewAndSecret(t *testing.T) {
	k := &keyDesk{t: t, know: registry{}, now: time.Date(2026, 7, 15, 9, 0, 0, 0, time.UTC)}
	for i := range 2 * maxOwners {
		k.cut(1, fmt.Sprintf("stay=guest%d", i), "key=duplicate")
	}
	owners := k.know["room:101"][valueOwners]
	if n := len(strings.Fields(owners)); n != maxOwners || strings.Contains(owners, "guest") {
		t.Errorf("%d owners: %s", n, owners)
	}
	if !k.ends(fmt.Sprintf("guest%d", 2*maxOwners-1), 0) {
		t.Error("the newest was left out")
	}
}

// A key that opens once hides neither whose key the room has nor until when.
func TestOneShotCarriesOn(t *testing.T) {
	k := &keyDesk{t: t, know: registry{}, now: time.Date(2026, 7, 15, 9, 0, 0, 0, time.UTC)}
	k.cut(1)
	k.know["room:101"]["stay"], k.know["room:101"]["until"] = "9f00", "2026-07-17T11:00:00+02:00" // as the agent adds them
	k.cut(1, "key=one_shot", "stay=aa11", "until=2026-07-15T12:00:00+02:00")
	if v := k.know["room:101"]; v["stay"] != "9f00" || v["until"] != "2026-07-17T11:00:00+02:00" {
		t.Error(v)
	}
}

// Over the wire: nothing is sent, and what was known stays known.
func TestLateCheckOutIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		know := registry{}
		b := newBenchWith(t, nil, know.site(), ack, false)
		b.ready()
		turn := func(cmd drivers.Command, word, result string) *promise {
			t.Helper()
			p := b.do(t.Context(), cmd)
			if word != "" {
				b.expect(word + "|")
				b.say(ack, result)
			}
			if p.succeeds(); len(p.receipt.Values) > 0 {
				know["room:101"] = p.receipt.Values
			}
			b.ready() // no repetition of a result is in the way
			return p
		}
		key := func(id, stay string) drivers.Command {
			c := encode(id, "1")
			c.Subject, c.Params["key"], c.Params["stay"] = "room:101", keyAuto, stay
			return c
		}
		out := func(id, stay string) drivers.Command {
			return drivers.Command{ID: id, Action: actionCancel, Subject: "room:101", Params: map[string]string{"room": "101", "stay": stay}}
		}
		turn(key("a", "one"), "CN", "CN|1")
		turn(key("b", "two"), "CN", "CN|1")
		for _, id := range []string{"c", "d"} {
			p := turn(out(id, "one"), "", "")
			if p.receipt.Note != "left alone: room 101 has the next guest's key already" || len(p.receipt.Values) > 0 {
				t.Errorf("%+v", p.receipt)
			}
		}
		b.quiet(time.Second)
		turn(key("e", "two"), "CC", "CC|1")
		turn(out("f", "two"), "CO", "CO|0")
		turn(out("g", "one"), "CO", "CO|0") // the room has no key that anybody knows of
	})
}

// A check-out waits for the key that another encoder is making, and for whoever
// works on the room: once it is its turn, it looks again whose key the room has.
func TestCheckOutWaitsForAKeyInTheMaking(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		know := registry{}
		b := newBenchWith(t, nil, know.site(), ack, false)
		b.ready()
		out := drivers.Command{ID: "a", Action: actionCancel, Subject: "room:101", Params: map[string]string{"room": "101", "stay": "one"}}
		know["room:101"] = map[string]string{drivers.ValueUnderWay: "true"}
		p := b.do(t.Context(), out)
		p.fails(nil, "another encoder is making a key of the room")
		if later, ok := errors.AsType[*drivers.RetryAfter](p.err); !ok || later.Wait != awaitKey {
			t.Error(p.err)
		}
		b.quiet(time.Second)
		know["room:101"] = nil
		p = b.do(t.Context(), out)
		b.expect("CO|")
		b.say(ack, "EO|0") // somebody else is at it
		p.fails(nil, "another station is working on this room")
		know["room:101"] = map[string]string{valueOwners: b.d.owner("two")}
		b.ready()
		p = b.do(t.Context(), out)
		p.succeeds()
		b.quiet(time.Second)
	})
}

// A key on a phone is somebody's, as one on a card is.
func TestMobileKeyHasAnOwner(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		know := registry{}
		b := newBenchWith(t, nil, know.site(), ack, false)
		b.ready()
		turn := func(cmd drivers.Command, word, result string) {
			t.Helper()
			cmd.Subject = "room:101"
			p := b.do(t.Context(), cmd)
			b.expect(word + "|")
			b.say(ack, result)
			if p.succeeds(); len(p.receipt.Values) > 0 {
				know["room:101"] = p.receipt.Values
			}
			b.ready()
		}
		card := encode("a", "1")
		card.Params["stay"] = "one"
		turn(card, "CN", "CN|1")
		phone := func(id, stay, key string) drivers.Command {
			return drivers.Command{ID: id, Action: actionMobile, Params: map[string]string{
				"room": "101", "until": card.Params["until"], "phone": "+41791234567", "stay": stay, "key": key}}
		}
		turn(phone("b", "two", keyNew), "CNM", "CNM|0")
		out := drivers.Command{ID: "c", Action: actionCancel, Subject: "room:101", Params: map[string]string{"room": "101", "stay": "one"}}
		if p := b.do(t.Context(), out).wait(); p.err != nil || !strings.HasPrefix(p.receipt.Note, "left alone") {
			t.Errorf("the check-out before: %+v, %v", p.receipt, p.err)
		}
		b.quiet(time.Second)
		turn(phone("d", "one", keyDuplicate), "CCM", "CCM|0") // a sharer joins
		if got := len(strings.Fields(know["room:101"][valueOwners])); got != 2 {
			t.Errorf("%d stays have keys of the room", got)
		}
	})
}

// Only after a job that was cut off does a start wait for somebody else's result.
func TestStartAfterAnInterruptedJob(t *testing.T) {
	for _, cut := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			site := testSite()
			site.Interrupted = func(device string) bool { return cut && device == "desk" }
			b := newBenchWith(t, nil, site, 0, false)
			b.expect("ENQ")
			b.say(ack)
			synctest.Wait()
			want := drivers.Online
			if cut {
				want = drivers.Quarantined
			}
			if got := b.d.State(); got.Condition != want {
				t.Errorf("interrupted %v: %+v, want %s", cut, got, want)
			}
		})
	}
}
