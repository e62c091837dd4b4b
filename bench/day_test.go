package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim"
	"edgeagent/hwsim/inspiresim"
	"edgeagent/hwsim/locksim"
	"edgeagent/hwsim/tvsim"
)

const (
	memoryLimit = 24_000_000
	actingLimit = 32 << 10
	quietLimit  = 256
	pacedCount  = 40
	quietCount  = 4096
)

// day runs the real agent through a backlog of 100,000 notices, then lets it
// rest, then gives it one notice a second.
func day(b *testing.B, t *table) {
	s := newSite(b, 500)
	clock := time.Now
	load := newTraffic(&inspiresim.Desk{HotelID: hwsim.HotelID, Zone: s.Zone, Now: func() time.Time { return clock() }}, s.Rooms)
	s.start(b)
	must(s.PMS.Wait(b.Context(), func(a inspiresim.Audit) bool { // the query that it stays with
		return len(a.Subscriptions) > 0 && strings.Contains(a.Subscriptions[len(a.Subscriptions)-1].Query, "timestamp")
	}))(b)
	s.live(b)
	s.PMS.Publish(hwsim.Chain, load.quiet()) // from here on it knows where to resume
	s.until(b, "a first notice", func(status hwsim.Status) bool { return status.Counts["notices"] == 1 })
	s.stop(b)
	clock = func() time.Time { return time.Now().Add(-24 * time.Hour) }
	s.flood(b, t, load)
	clock = time.Now
	s.rest(b, t, load)
	s.pace(b, t, load)
	s.quiet(b, t, load)
}

// flood lets the agent find a backlog when it starts.
func (s *site) flood(b *testing.B, t *table, load *traffic) {
	s.PMS.PublishAll(hwsim.Chain, load.backlog(backlogSize))
	subs := s.PMS.Audit().Subscriptions
	if err := s.PMS.Prepare(hwsim.Chain, subs[len(subs)-1].Query); err != nil {
		b.Fatal(err)
	}
	s.start(b)
	s.until(b, "backlog", func(status hwsim.Status) bool { return status.Counts["notices"] >= backlogSize })
	done := time.Now()
	taken := s.written(b)
	began := s.PMS.Audit().Subscriptions[len(subs)].At
	s.settled(b)
	own, files, most := s.memory(b)
	all := s.written(b)
	acting := backlogSize / 10
	t.note("the same backlog, agent as a process of its own", fmt.Sprintf("%.0f/s", backlogSize/done.Sub(began).Seconds()), "500 TVs and all devices on the same machine")
	t.add("  resident memory, most", mb(most), fmt.Sprintf("of any time; afterwards %s its own, %s of mapped files", mb(own), mb(files)), "<= 24 MB", most <= memoryLimit)
	t.add("  written per acting notice", fmt.Sprintf("%d B", all/int64(acting)),
		fmt.Sprintf("%d B of it when all was taken in", taken/int64(acting)), "<= 32 KiB", all/int64(acting) <= actingLimit)
}

// rest fills the house and leaves it alone.
func (s *site) rest(b *testing.B, t *table, load *traffic) {
	for len(load.free) > 0 {
		s.PMS.Publish(hwsim.Chain, load.checkIn())
	}
	s.settled(b)
	s.stop(b)
	s.start(b)
	s.live(b)
	s.settled(b)
	time.Sleep(3 * time.Second) // rest is what is measured
	own, files, most := s.memory(b)
	t.add("at rest, 500 rooms in house: resident memory", mb(own+files),
		fmt.Sprintf("%s its own, %s of mapped files; most %s", mb(own), mb(files), mb(most)), "<= 24 MB", own+files <= memoryLimit)
}

// pace gives the agent one acting notice a second: guests come, move and go.
func (s *site) pace(b *testing.B, t *table, load *traffic) {
	for range 20 {
		s.PMS.Publish(hwsim.Chain, load.desk.CheckOut(*load.leave(0)))
	}
	s.settled(b)
	var screen, serial, sync []time.Duration
	before := s.written(b)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := range pacedCount {
		<-tick.C
		at := time.Now()
		switch i % 4 {
		case 0, 2:
			s.PMS.Publish(hwsim.Chain, load.checkIn())
			guest := load.guests[len(load.guests)-1]
			screen = append(screen, s.shown(b, guest).Sub(at))
			serial = append(serial, s.firstByte(b, at).Sub(at))
		case 1:
			s.PMS.Publish(hwsim.Chain, load.move(i))
			serial = append(serial, s.firstByte(b, at).Sub(at))
		case 3:
			s.PMS.Publish(hwsim.Chain, load.desk.CheckOut(*load.leave(i)))
			serial = append(serial, s.firstByte(b, at).Sub(at))
		}
		s.settled(b)
		sync = append(sync, s.fsync(b)...)
	}
	each := (s.written(b) - before) / pacedCount
	one, tail := quantile(sync, 0.5), quantile(sync, 0.99)
	beside := fmt.Sprintf("one fsync %s, p99 %s", ms(one), ms(tail))
	for _, l := range []struct {
		what string
		took []time.Duration
	}{{"PMS sends -> name on the TV", screen}, {"PMS sends -> first serial byte", serial}} {
		median, worst := quantile(l.took, 0.5), quantile(l.took, 0.99)
		t.note(l.what+", 1/s", fmt.Sprintf("%s, p99 %s", ms(median), ms(worst)),
			fmt.Sprintf("%s: %.1f times", beside, float64(median)/float64(one)))
	}
	t.add("written per acting notice, 1/s", fmt.Sprintf("%d B", each), "each settled before the next", "<= 32 KiB", each <= actingLimit)
}

// shown is when the guest's name came on the screen of the room.
func (s *site) shown(b *testing.B, guest *inspiresim.Stay) time.Time {
	tv := s.TV(guest.Room)
	err := tv.Until(b.Context(), func(tv *tvsim.TV) bool {
		names := tv.Shown().Names
		return len(names) == 1 && strings.HasSuffix(names[0], guest.Last)
	})
	if err != nil {
		s.fail(b, err)
	}
	return tv.Shown().Since
}

// firstByte is when the lock system first heard from the agent after an instant.
func (s *site) firstByte(b *testing.B, after time.Time) time.Time {
	var first time.Time
	err := s.Locks.Wait(b.Context(), func() bool {
		lines := s.Locks.Transcript()
		for i := len(lines) - 1; i >= 0 && lines[i].At.After(after); i-- {
			if lines[i].Dir == locksim.In {
				first = lines[i].At
			}
		}
		return !first.IsZero()
	})
	if err != nil {
		s.fail(b, err)
	}
	return first
}

// fsync is the cost of one on the disk of the store: 4 KiB written and synced.
func (s *site) fsync(b *testing.B) (took []time.Duration) {
	f := must(os.OpenFile(filepath.Join(s.dir, "sync"), os.O_CREATE|os.O_WRONLY, 0o600))(b)
	defer f.Close()
	page := make([]byte, 4096)
	for range 5 {
		began := time.Now()
		if _, err := f.WriteAt(page, 0); err != nil {
			b.Fatal(err)
		}
		if err := f.Sync(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	return took
}

// quiet sends notices that change nothing, one at a time.
func (s *site) quiet(b *testing.B, t *table, load *traffic) {
	var seen int64
	s.until(b, "counts", func(status hwsim.Status) bool { seen = status.Counts["notices"]; return true })
	before := s.written(b)
	for range quietCount {
		s.PMS.Publish(hwsim.Chain, load.quiet())
		time.Sleep(time.Millisecond) // so that they do not come in groups
	}
	s.until(b, "quiet notices", func(status hwsim.Status) bool { return status.Counts["notices"] >= seen+quietCount })
	each := (s.written(b) - before) / quietCount
	t.add("written per quiet notice", fmt.Sprintf("%d B", each), "one at a time", "<= 256 B", each <= quietLimit)
}
