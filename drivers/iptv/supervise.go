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
	// brief is a connection so short that somebody else may have ended it, by
	// taking our client id.
	brief = 5 * time.Second
	// farewell bounds the last word to the broker.
	farewell = time.Second
)

// status is what State makes its answer of.
type status struct {
	tried     bool
	reason    string // why there is no session
	orphans   int    // rooms with a screen that an empty ledger cannot judge
	condition drivers.Condition
	since     time.Time
}

// supervise keeps a connection until ctx is done.
func (d *Driver) supervise(ctx context.Context) {
	defer close(d.done)
	short, attempt := 0, 0
	for ctx.Err() == nil {
		began := time.Now()
		err := d.attempt(ctx)
		var broke *drivers.LinkDown
		switch lasted := time.Since(began); {
		case lasted > stable:
			short, attempt = 0, 0
		case errors.As(err, &broke) && lasted < brief:
			short++
		default:
			short = 0
		}
		if short >= 2 {
			err = fmt.Errorf("%w; this happened %d times right after connecting: is another client connected under the client id %s?",
				err, short, d.cfg.ClientID)
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

// serve keeps the screens right: at once, and then from time to time.
func (s *session) serve(ctx context.Context) error {
	tick := time.NewTicker(s.d.cfg.Reconcile)
	defer tick.Stop()
	for {
		if err := s.reconcile(ctx); err != nil {
			return err
		}
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
			case <-tick.C:
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
