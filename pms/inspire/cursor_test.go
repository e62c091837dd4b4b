package inspire

import (
	"math/big"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

func at(c cursor) *place {
	p := &place{}
	p.resumeAt(c)
	return p
}

func ev(offset string, hash uint64) *event { return &event{offset: offset, hash: hash} }

// feed judges and takes in an event.
func (p *place) feed(e *event) standing {
	how := p.judge(e)
	if how != standingDuplicate {
		p.advance(e, how)
	}
	return how
}

func TestCursorText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := cursor{
			epoch:    rapid.IntRange(2, 1<<40).Draw(t, "epoch"),
			offset:   rapid.String().Draw(t, "offset"),
			hash:     rapid.Uint64().Draw(t, "hash"),
			identity: rapid.StringMatching(`[0-9a-f]{8}`).Draw(t, "identity"),
		}
		back, err := parseCursor(c.String())
		if err != nil || back != c {
			t.Fatalf("%+v became %q became %+v, %v", c, c, back, err)
		}
	})
	if s := (cursor{epoch: 2, offset: "17634", hash: 0x9f3c, identity: "51ab51ab"}).String(); s != "2:17634:0000000000009f3c:51ab51ab" {
		t.Error(s)
	}
	if s := (cursor{epoch: 1, identity: "x"}).String(); s != "" {
		t.Errorf("a start without an event is %q", s)
	}
	for _, bad := range []string{"17634", "a:b:c", "1:2:zz:id", "-1:2:00:id", "x:2:00:id", ":"} {
		if c, err := parseCursor(bad); err == nil {
			t.Errorf("%q taken as %+v", bad, c)
		}
	}
}

func TestQ11_CursorOfTheResentEvent(t *testing.T) {
	c := cursor{epoch: 3, offset: "42", hash: 7, identity: "i"}
	p := at(c) // the process was restarted: nothing but the cursor is known
	if how := p.feed(ev("42", 7)); how != standingDuplicate {
		t.Errorf("the event of the cursor, sent again, is %v", how)
	}
	if how := p.feed(ev("43", 8)); how != standingNew || p.epoch != 3 || p.offset != "43" {
		t.Errorf("the next is %v at %+v", how, p.cursor)
	}
}

func TestQ15_EpochOrderOfTests(t *testing.T) {
	tests := []struct {
		name   string
		events []*event
		want   []standing
		offset string
		epoch  int
	}{
		{"same unique id wins over everything", []*event{{offset: "101", unique: "u", hash: 1}, {offset: "1", unique: "u", hash: 2}}, []standing{standingNew, standingDuplicate}, "101", 1},
		{"same offset, same content", []*event{ev("101", 1), ev("101", 1)}, []standing{standingNew, standingDuplicate}, "101", 1},
		{"same offset, other content", []*event{ev("101", 1), ev("101", 2)}, []standing{standingNew, standingEpoch}, "101", 2},
		{"the cursor's offset with other content", []*event{ev("100", 99)}, []standing{standingEpoch}, "100", 2},
		{"counter begins at 1", []*event{ev("1", 5), ev("2", 6)}, []standing{standingEpoch, standingNew}, "2", 2},
		{"counter begins at 0", []*event{ev("0", 5)}, []standing{standingEpoch}, "0", 2},
		{"under a tenth", []*event{ev("9", 5)}, []standing{standingEpoch}, "9", 2},
		{"older than what is known", []*event{ev("60", 5), ev("61", 6), ev("101", 7)}, []standing{standingOld, standingOld, standingNew}, "101", 1},
		{"late but never seen", []*event{ev("105", 5), ev("103", 6), ev("106", 7)}, []standing{standingNew, standingNew, standingNew}, "106", 1},
		{"gap", []*event{ev("5000", 5)}, []standing{standingNew}, "5000", 1},
		{"no number", []*event{ev("x", 5), ev("x", 5), ev("w", 6)}, []standing{standingNew, standingDuplicate, standingNew}, "w", 1},
		{"beyond 64 bits", []*event{ev("18446744073709551617", 5), ev("18446744073709551618", 6)}, []standing{standingNew, standingNew}, "18446744073709551618", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := at(cursor{epoch: 1, offset: "100", hash: 50, identity: "i"})
			for i, e := range tt.events {
				if how := p.feed(e); how != tt.want[i] {
					t.Errorf("event %d (%s) is %v, want %v", i, e.offset, how, tt.want[i])
				}
			}
			if p.offset != tt.offset || p.epoch != tt.epoch {
				t.Errorf("ended at %d:%s, want %d:%s", p.epoch, p.offset, tt.epoch, tt.offset)
			}
		})
	}
}

// A ring that has lost its oldest events must not take a replay of them for
// events that were never seen.
func TestRingForgetsInOrder(t *testing.T) {
	p := at(cursor{epoch: 1, offset: "1000", hash: 1, identity: "i"})
	for i := 1001; i <= 1000+2*ringSize; i++ {
		if how := p.feed(ev(strconv.Itoa(i), uint64(i))); how != standingNew {
			t.Fatal(i, how)
		}
	}
	if len(p.ring.events) != ringSize || len(p.ring.byOffset) != ringSize {
		t.Fatalf("ring of %d with %d offsets", len(p.ring.events), len(p.ring.byOffset))
	}
	if how := p.judge(ev("1500", 1500)); how != standingOld {
		t.Errorf("forgotten event is %v", how)
	}
	last := strconv.Itoa(1000 + 2*ringSize - 5)
	n, _ := strconv.Atoi(last)
	if how := p.judge(ev(last, uint64(n))); how != standingDuplicate {
		t.Errorf("recent event is %v", how)
	}
}

// What was handed over but not processed comes again and must not count as seen.
func TestResumeForgetsWhatWasNotProcessed(t *testing.T) {
	p := at(cursor{epoch: 1, identity: "i"})
	var third cursor
	for i := 1; i <= 5; i++ {
		p.feed(ev(strconv.Itoa(i), uint64(i)))
		if i == 3 {
			third = p.cursor
		}
	}
	p.resumeAt(third)
	for i, want := range map[int]standing{2: standingDuplicate, 3: standingDuplicate, 4: standingNew, 5: standingNew} {
		if how := p.judge(ev(strconv.Itoa(i), uint64(i))); how != want {
			t.Errorf("event %d is %v, want %v", i, how, want)
		}
	}
}

func TestBelowIsNumeric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		digits := rapid.StringMatching(`[0-9]{1,30}`)
		a, b := digits.Draw(t, "a"), digits.Draw(t, "b")
		x, _ := new(big.Int).SetString(a, 10)
		y, _ := new(big.Int).SetString(b, 10)
		if below(a, b) != (x.Cmp(y) < 0) {
			t.Fatalf("below(%s, %s) is %v", a, b, below(a, b))
		}
	})
	if below("x", "5") || below("5", "x") || below("", "5") {
		t.Error("what is no number cannot be compared")
	}
}

// Whatever comes, the place never goes back within an epoch and no event that
// is known by offset and content is handed over twice in it.
func TestPlaceNeverGoesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := at(cursor{epoch: 1, offset: "50", hash: 50, identity: "i"})
		seen := map[string]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "n") {
			n := rapid.IntRange(0, 120).Draw(t, "offset")
			e := ev(strconv.Itoa(n), uint64(n)+1000*rapid.Uint64Range(0, 1).Draw(t, "content"))
			before := p.cursor
			how := p.feed(e)
			if p.epoch == before.epoch && below(p.offset, before.offset) {
				t.Fatalf("went back from %s to %s", before.offset, p.offset)
			}
			key := strconv.Itoa(p.epoch) + "/" + e.offset
			if (how == standingNew || how == standingEpoch) && seen[key] {
				t.Fatalf("%s handed over twice", key)
			}
			if how == standingNew || how == standingEpoch {
				seen[key] = true
			}
		}
	})
}

func TestIdentityOfTheStream(t *testing.T) {
	base := Config{Dialect: "inspire", StreamURL: "wss://a.example/x", EnterpriseID: "E", ChainCode: "C"}
	same := base
	same.StreamURL, same.ClientID = "wss://a.example/other", "z"
	if streamIdentity(&base) != streamIdentity(&same) {
		t.Error("path and client must not matter")
	}
	for i, other := range []Config{
		{Dialect: "ohip", StreamURL: base.StreamURL, EnterpriseID: "E", ChainCode: "C"},
		{Dialect: "inspire", StreamURL: "wss://b.example/x", EnterpriseID: "E", ChainCode: "C"},
		{Dialect: "inspire", StreamURL: base.StreamURL, EnterpriseID: "F", ChainCode: "C"},
		{Dialect: "inspire", StreamURL: base.StreamURL, EnterpriseID: "E", ChainCode: "D"},
	} {
		if streamIdentity(&base) == streamIdentity(&other) {
			t.Errorf("%d: same identity", i)
		}
	}
}
