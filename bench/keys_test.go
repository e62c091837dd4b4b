package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"edgeagent/hwsim/locksim"
	"edgeagent/hwsim/mewssim"
)

// keyCount is how many keys the desk asks for.
const keyCount = 20

// keys has a desk ask for keys in Mews, one after another, and measures from the
// event on the socket to the encoder's first byte, and to the answer in Mews.
func keys(b *testing.B, t *table) {
	s := newSite(b, 2, "401", "402", "403", "404")
	s.start(b)
	s.live(b)
	guest := s.Guest("Ms", "Key", "Wanted", "", 2)
	if err := s.MewsDesk().CheckIn(guest, "401"); err != nil {
		b.Fatal(err)
	}
	s.settled(b)
	var first, done, trips, own []time.Duration
	for range keyCount {
		before := len(s.Locks.Transcript())
		at := time.Now()
		command := must(s.MewsDesk().CutKey(guest, 1))(b)
		c := must(s.Annex.AwaitCommand(b.Context(), command, mewssim.Command.Final))(b)
		if c.State != mewssim.Processed {
			b.Fatalf("the key ended as %s: %s", c.State, c.Notes)
		}
		lines := s.Locks.Transcript()[before:]
		first = append(first, firstIn(b, lines).Sub(at))
		done = append(done, c.History[len(c.History)-1].At.Sub(at))
		own = append(own, encoderTime(lines))
		trips = append(trips, s.trip(b, command))
		s.settled(b)
		// After a card the line is watched for a second result (t_duplicate); a
		// desk does not ask as fast as that.
		time.Sleep(200 * time.Millisecond)
	}
	trip, work := quantile(trips, 0.5), quantile(own, 0.5)
	// The command must be read, and the answer given: two trips, and the encoder between them.
	least := 2*trip + work
	for _, l := range []struct {
		what   string
		took   []time.Duration
		least  time.Duration
		beside string
	}{
		{"Mews sends a key command -> first serial byte", first, trip, fmt.Sprintf("one round trip %s", ms(trip))},
		{"Mews sends a key command -> Processed", done, least, fmt.Sprintf("two round trips and the encoder's own %s: %s", ms(work), ms(least))},
	} {
		median := quantile(l.took, 0.5)
		t.note(l.what, fmt.Sprintf("%s, p99 %s", ms(median), ms(quantile(l.took, 0.99))),
			fmt.Sprintf("%s: %.1f times", l.beside, float64(median)/float64(l.least)))
	}
}

// firstIn is when the lock system first heard from the agent.
func firstIn(b *testing.B, lines []locksim.Line) time.Time {
	for _, l := range lines {
		if l.Dir == locksim.In {
			return l.At
		}
	}
	b.Fatal("the encoder was not asked")
	return time.Time{}
}

// encoderTime is how long the agent waited for the encoder: from what it said
// to the answer, each time.
func encoderTime(lines []locksim.Line) (sum time.Duration) {
	var asked time.Time
	for _, l := range lines {
		switch {
		case l.Dir == locksim.In:
			asked = l.At
		case l.Dir == locksim.Out && !asked.IsZero():
			sum += l.At.Sub(asked)
			asked = l.At // a result comes unasked, after its work
		}
	}
	return sum
}

// trip is a round trip to Mews for a request such as the agent makes.
func (s *site) trip(b *testing.B, command string) time.Duration {
	body := must(json.Marshal(map[string]any{
		"ClientToken": s.Annex.ClientToken(), "AccessToken": s.Annex.AccessToken(), "Client": "bench 1",
		"CommandIds": []string{command},
	}))(b)
	began := time.Now()
	resp := must(http.Post(s.Annex.PlatformURL()+"/api/connector/v1/commands/getAllByIds", "application/json", bytes.NewReader(body)))(b)
	defer resp.Body.Close()
	must(io.Copy(io.Discard, resp.Body))(b)
	return time.Since(began)
}
