package bench

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"edgeagent/hwsim"
	"edgeagent/hwsim/inspiresim"
)

const (
	// watched is how long each figure of the page is measured.
	watched = 30 * time.Second
	// pageLimit is what an open page may cost at rest, in thousandths of a core.
	pageLimit = 10
)

// page is what the status page costs the agent with 500 rooms in house: closed and
// open, at rest and with an event a second.
func page(b *testing.B, t *table) {
	s := newSite(b, 500)
	load := newTraffic(&inspiresim.Desk{HotelID: hwsim.HotelID, Zone: s.Zone, Now: time.Now}, s.Rooms)
	s.start(b)
	s.live(b)
	for len(load.free) > 0 {
		s.PMS.Publish(hwsim.Chain, load.checkIn())
	}
	s.settled(b)
	s.stop(b)
	s.start(b)
	s.live(b)
	s.settled(b)
	time.Sleep(3 * time.Second)
	own, _, _ := s.memory(b)
	shut := s.busy(b, func() { time.Sleep(watched) })
	shutEvents := s.busy(b, func() { s.events(load) })
	p := s.openPage(b)
	open := s.busy(b, func() { time.Sleep(watched) })
	openEvents := s.busy(b, func() { s.events(load) })
	with, _, _ := s.memory(b)
	t.note("CPU at rest, 500 rooms, page closed", share(shut), fmt.Sprintf("%s with an event a second", share(shutEvents)))
	t.add("  with a page open", share(open), fmt.Sprintf("%s with an event a second", share(openEvents)), "<= 1 % of a core", open <= pageLimit)
	t.note("  what the page is told", fmt.Sprintf("%.1f kB at first", float64(p.first.Load())/1e3),
		fmt.Sprintf("%.1f kB/s with an event a second; memory of its own %s more", float64(p.rest.Load())/watched.Seconds()/2/1e3, mb(with-own)))
}

// share is thousandths of a core as a percentage.
func share(thousandths float64) string { return fmt.Sprintf("%.2f %%", thousandths/10) }

// events sends one that acts each second.
func (s *site) events(load *traffic) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for i := range int(watched / time.Second) {
		<-tick.C
		if i%2 == 0 {
			s.PMS.Publish(hwsim.Chain, load.desk.CheckOut(*load.leave(i)))
		} else {
			s.PMS.Publish(hwsim.Chain, load.checkIn())
		}
	}
}

// busy is how much of a core the agent takes while something goes on, in
// thousandths.
func (s *site) busy(b *testing.B, meanwhile func()) float64 {
	b.Helper()
	before, began := s.ticks(b), time.Now()
	meanwhile()
	return float64(s.ticks(b)-before) * 10 / time.Since(began).Seconds() // a tick is 10 ms
}

// ticks is how long the agent has been on a core, in hundredths of a second.
func (s *site) ticks(b *testing.B) int64 {
	text := must(os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.agent.Process.Pid)))(b)
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+2:]))
	user := must(strconv.ParseInt(fields[11], 10, 64))(b)
	return user + must(strconv.ParseInt(fields[12], 10, 64))(b)
}

// openedPage counts what a page is told.
type openedPage struct{ first, rest atomic.Int64 }

// openPage reads the page's stream until the measuring ends.
func (s *site) openPage(b *testing.B) *openedPage {
	ctx, stop := context.WithCancel(b.Context())
	r := must(http.NewRequestWithContext(ctx, http.MethodGet, s.StatusURL+"/api/stream", http.NoBody))(b)
	resp := must(http.DefaultClient.Do(r))(b)
	p, ended := &openedPage{}, make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewReader(resp.Body)
		for {
			text, err := lines.ReadString('\n')
			if err != nil {
				return
			}
			if strings.Contains(text, `"parts"`) && p.first.Load() == 0 {
				p.first.Store(int64(len(text)))
			} else {
				p.rest.Add(int64(len(text)))
			}
		}
	}()
	b.Cleanup(func() { stop(); <-ended; resp.Body.Close() })
	return p
}
