package pms

import (
	"fmt"
	"testing"
	"time"
)

// fullHouse is a hotel with 500 rooms in house, and an update of each guest as
// PMSs send them: many fields, none of them changed.
func fullHouse(b testing.TB) (*house, []Notice) {
	h := newHouse(b)
	var notices []Notice
	for i := range 500 {
		id, room := fmt.Sprint(20000+i), fmt.Sprint("room=", 1000+i)
		about := []string{
			"room_type=DLX", "last_name=Smith", "first_name=Ann", "title=Ms", "language=E", "vip=V1", "group=TOUR", "guest_id=" + id,
			"confirmation=" + id, "confirmation_leg=1", "arrival_date=2026-06-10", "departure_date=2026-06-12", "adults=2", "shared=N",
		}
		h.l.Apply(h.l.Fold(h.told(KindCheckIn, id, append(about, room)...), h.now))
		for i, f := range about {
			for j := range f {
				if f[j] == '=' {
					about[i] = f[:j+1] + f[j:]
					break
				}
			}
		}
		notices = append(notices, h.told(KindReservationUpdate, id, append(about, "status==CHECKED IN", fmt.Sprint("room==", 1000+i))...))
	}
	h.later(time.Minute)
	return h, notices
}

func BenchmarkFold(b *testing.B) {
	b.Run("quiet", func(b *testing.B) {
		h, notices := fullHouse(b)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if c := h.l.Fold(notices[i%len(notices)], h.now); c.Stays != nil {
				b.Fatal("not quiet")
			}
		}
	})
	b.Run("quiet without reservation", func(b *testing.B) {
		h, notices := fullHouse(b)
		for i := range notices {
			notices[i].Reservation = ""
		}
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			if c := h.l.Fold(notices[i%len(notices)], h.now); c.Stays != nil {
				b.Fatal("not quiet")
			}
		}
	})
	b.Run("acting", func(b *testing.B) {
		h, notices := fullHouse(b)
		b.ReportAllocs()
		for i := 0; b.Loop(); i++ {
			n := &notices[i%len(notices)]
			n.Fields[1].New = [...]string{"Smith", "Smythe"}[(i/len(notices)+1)%2]
			c := h.l.Fold(*n, h.now)
			if len(c.Events) == 0 {
				b.Fatal("quiet")
			}
			h.l.Apply(c)
		}
	})
}

// Quiet notices are most of what a PMS sends.
func TestQuietNoticesAllocateNothing(t *testing.T) {
	h, notices := fullHouse(t)
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		h.l.Fold(notices[i%len(notices)], h.now)
		i++
	}); n > 1 {
		t.Errorf("%v allocations", n)
	}
}
