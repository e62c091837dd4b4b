package iptv

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"edgeagent/drivers"
)

const (
	// stable is how long a connection must have held for the next attempt to
	// come quickly again.
	stable = 30 * time.Second
	// often and lately are how many connections must have broken, and in which
	// time, to ask whether somebody else has our client id: each who connects
	// under it ends the other's connection, and the broker says no word.
	often  = 3
	lately = 10 * time.Minute
	// farewell bounds the last word to the broker.
	farewell = time.Second
)

// status is what State makes its answer of.
type status struct {
	tried     bool
	reason    string // why there is no session
	orphans   int    // rooms with a screen that an empty ledger cannot judge
	papers    string // what is wrong with the files of TLS
	condition drivers.Condition
	since     time.Time
}

// supervise keeps a connection until ctx is done.
func (d *Driver) supervise(ctx context.Context) {
	defer close(d.done)
	attempt := 0
	for ctx.Err() == nil {
		began := time.Now()
		err := d.attempt(ctx)
		if time.Since(began) > stable {
			attempt = 0
		}
		if errors.Is(err, errReload) {
			continue
		}
		if _, broke := errors.AsType[*drivers.LinkDown](err); broke {
			if text := d.broke(); text != "" {
				err = fmt.Errorf("%w; %s", err, text)
			}
		}
		if ctx.Err() == nil {
			d.setOffline(err)
			attempt++
			d.pause(ctx, attempt)
		}
	}
	d.setOffline(errors.New("the agent has closed the connection"))
}

// attempt connects and serves until the connection breaks or ctx is done.
func (d *Driver) attempt(ctx context.Context) error {
	s, err := d.connect(ctx, true)
	if err != nil {
		return err
	}
	defer s.close()
	defer s.sayOffline()
	if err := s.publish(ctx, d.root+"/agent/state", true, []byte("online")); err != nil {
		return err
	}
	if err := s.check(ctx); err != nil {
		return err
	}
	d.setSession(s)
	err = s.serve(ctx)
	d.setOffline(err)
	return err
}

// broke notes that a connection broke, and asks why if it is one of many.
func (d *Driver) broke() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.breaks = append(d.breaks, d.now())
	if len(d.breaks) > often {
		d.breaks = d.breaks[1:]
	}
	text := d.rival()
	if text != "" && d.now().Sub(d.asked) > lately {
		d.asked = d.now()
		// Into the log too: the broker's has the other one's address.
		d.site.Log.Warn().Str("device", d.name).Str("client_id", d.cfg.ClientID).Msg(text)
	}
	return text
}

// rival asks whether another client has our client id. The caller holds mu.
func (d *Driver) rival() string {
	if len(d.breaks) < often || d.now().Sub(d.breaks[0]) > lately {
		return ""
	}
	return fmt.Sprintf("connections have broken %d times within %d minutes: is another client connected under the client id %s?",
		often, int(lately.Minutes()), d.cfg.ClientID)
}

// serve keeps the screens right: at once, and then from time to time.
func (s *session) serve(ctx context.Context) error {
	tick := time.NewTicker(s.d.cfg.Reconcile)
	defer tick.Stop()
	look := time.NewTicker(max(s.d.cfg.AckTimeout/2, 50*time.Millisecond))
	defer look.Stop()
	for {
		if err := s.reconcile(ctx); err != nil {
			return err
		}
		var strays map[[2]string]stray // anew with each reconciliation, so that nobody is given up for good
		for due := false; !due; {
			select {
			case <-s.d.news:
				if err := s.complete(ctx, s.d.takeChanged()); err != nil {
					return err
				}
			case <-s.lost:
				return s.down()
			case <-ctx.Done():
				return ctx.Err()
			case e := <-s.house.events:
				s.d.site.Log.Info().Str("device", s.d.name).Str("room", e.key).Str("tv", e.tv).Str("event", e.what).Msg("guest at the tv")
			case <-look.C:
				var err error
				if strays, err = s.recall(ctx, strays); err != nil {
					return err
				}
			case <-tick.C:
				due = true
			case <-s.d.remapped:
				due = true
			}
		}
	}
}

// sayOffline tells what the will would tell, which a proper goodbye cancels.
func (s *session) sayOffline() {
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	_ = s.publish(ctx, s.d.root+"/agent/state", true, []byte("offline"))
}

// pause waits before the next attempt: longer after each, and never in step
// with other gateways that lost the same broker.
func (d *Driver) pause(ctx context.Context, attempt int) {
	longest := d.cfg.ReconnectMin << min(attempt, 10)
	longest = min(longest, d.cfg.ReconnectMax)
	wait := d.cfg.ReconnectMin
	if longest > wait {
		wait += rand.N(longest - wait)
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

func (d *Driver) setSession(s *session) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.session = s
	d.status.reason = ""
	d.status.orphans = 0
	d.attempted()
}

func (d *Driver) setOffline(why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.session = nil
	d.status.reason = why.Error()
	d.attempted()
}

// attempted lets Probe answer. The caller holds mu.
func (d *Driver) attempted() {
	if !d.status.tried {
		d.status.tried = true
		close(d.tried)
	}
}

// State says how the broker and the sets behind it stand.
func (d *Driver) State() drivers.State {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, reason := drivers.Unset, ""
	switch {
	case d.session != nil:
		now, reason = drivers.Online, d.complaints()
		if reason != "" {
			now = drivers.Degraded
		}
	case d.status.tried:
		now, reason = drivers.Offline, d.status.reason
	}
	if now != d.status.condition {
		d.status.condition, d.status.since = now, d.now()
	}
	return drivers.State{Condition: now, Since: d.status.since, Reason: reason}
}

// complaints are what does not work although the broker is there. The caller
// holds mu.
func (d *Driver) complaints() string {
	s := d.session
	s.mu.Lock()
	all := slices.Sorted(maps.Values(s.denied))
	s.mu.Unlock()
	all = append(all, d.expiries()...)
	if text := d.rival(); text != "" {
		all = append(all, text)
	}
	for _, tv := range s.house.restless(time.Now()) {
		all = append(all, fmt.Sprintf("TV %s came online %d times within a minute: do two sets have that client id?", tv, restless))
	}
	if silent := s.house.silentSets(); len(silent) > 0 {
		all = append(all, fmt.Sprintf("%d TVs are online and do not confirm: %s", len(silent), some(silent)))
	}
	if d.status.orphans > 0 {
		all = append(all, fmt.Sprintf("%d rooms have a screen at the broker that this gateway knows nothing of; "+
			"they stay until the PMS has told of some room", d.status.orphans))
	}
	return strings.Join(all, "; ")
}

// some names a few of many.
func some(names []string) string {
	if len(names) > 5 {
		return strings.Join(names[:5], ", ") + ", …"
	}
	return strings.Join(names, ", ")
}
