package inspiresim

import (
	"encoding/json"
	"time"
)

// beat is something that happens at a pace of the switches; 0: never.
type beat struct {
	pace func(*Life) time.Duration
	do   func()
	last time.Time
}

// live runs the heartbeats of the server and the watch over the client's.
func (c *conn) live() {
	start := time.Now()
	beats := []*beat{
		{func(l *Life) time.Duration { return l.PingEvery }, c.ping, start},
		{func(l *Life) time.Duration { return l.ControlPingEvery }, c.pingControl, start},
		{func(l *Life) time.Duration { return l.KeepAlive }, func() { c.send("ka", "", "") }, start},
		{func(l *Life) time.Duration { return l.DeadAfter / 4 }, c.watchDead, start},
		{func(l *Life) time.Duration { return l.PingWithin / 4 }, c.watchPings, start},
		{func(l *Life) time.Duration { return l.PongWithin / 4 }, c.watchPongs, start},
	}
	for {
		changed := c.s.changes()
		f := c.faults()
		now := time.Now()
		wait := time.Hour
		for _, b := range beats {
			d := b.pace(&f.Life)
			if d <= 0 {
				b.last = now
				continue
			}
			if now.Sub(b.last) >= d {
				b.do()
				b.last = now
			}
			wait = min(wait, b.last.Add(d).Sub(now))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
		case <-c.ctx.Done():
		}
		timer.Stop()
		if c.ctx.Err() != nil {
			return
		}
	}
}

func (c *conn) heard() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastHeard = time.Now()
}

func (c *conn) ping() {
	c.mu.Lock()
	c.awaited = append(c.awaited, time.Now())
	c.mu.Unlock()
	c.send("ping", "", "")
}

func (c *conn) pingControl() {
	_ = c.w.frame(opPing, []byte("sim")) // if the client is gone, reading finds out
}

// watchDead closes on a silent client, as OHIP does after 180 s without a pong.
func (c *conn) watchDead() {
	f := c.faults()
	c.mu.Lock()
	silent := time.Since(c.lastHeard)
	c.mu.Unlock()
	if silent > f.Life.DeadAfter {
		c.violateAndClose("heartbeat", "nothing heard for "+f.Life.DeadAfter.String(), 4504, "No heartbeat")
	}
}

// watchPings records a client that does not ping often enough, once per gap.
func (c *conn) watchPings() {
	f := c.faults()
	c.mu.Lock()
	late := c.acked && !c.pingLate && time.Since(c.lastPing) > f.Life.PingWithin
	if late {
		c.pingLate = true
	}
	c.mu.Unlock()
	if late {
		c.s.audit.violate(c.id, "ping", "more than %s without a ping", f.Life.PingWithin)
	}
}

func (c *conn) watchPongs() {
	f := c.faults()
	c.mu.Lock()
	late := len(c.awaited) > 0 && time.Since(c.awaited[0]) > f.Life.PongWithin
	if late {
		c.awaited = nil
	}
	c.mu.Unlock()
	if late {
		c.s.audit.violate(c.id, "pong", "a ping was not answered within %s", f.Life.PongWithin)
	}
}

// clientPing answers a JSON ping, as the switches want it.
func (c *conn) clientPing(payload json.RawMessage) {
	c.mu.Lock()
	now := time.Now()
	gap := time.Duration(0)
	if !c.lastPing.IsZero() {
		gap = now.Sub(c.lastPing)
	}
	c.lastPing, c.pingLate = now, false
	c.mu.Unlock()
	c.s.audit.write(func() {
		c.seen.Pings++
		c.seen.LongestPingGap = max(c.seen.LongestPingGap, gap)
	})
	f := c.faults()
	switch f.Life.Pong {
	case PongNever:
	case PongLate:
		c.after(f.Life.PongDelay, func() { c.send("pong", "", string(payload)) })
	default:
		c.send("pong", "", string(payload))
	}
}

func (c *conn) clientPong() {
	c.mu.Lock()
	c.awaited = nil
	c.mu.Unlock()
	c.s.audit.write(func() { c.seen.Pongs++ })
}

func (c *conn) controlPing(data string) error {
	c.heard()
	c.s.audit.write(func() { c.seen.ControlPings++ })
	if f := c.faults(); !f.Life.NoControlPong && f.Life.Pong != PongNever {
		return c.w.frame(opPong, []byte(data))
	}
	return nil
}

func (c *conn) controlPong(string) error {
	c.heard()
	c.s.audit.write(func() { c.seen.ControlPongs++ })
	return nil
}
