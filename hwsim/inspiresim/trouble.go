package inspiresim

import (
	"bytes"
	"slices"
	"strings"
)

// Action is something that happens to a live connection.
type Action int

// The actions.
const (
	ActClose     Action = iota // close frame with Code and Text; 1006 drops the TCP connection, 1005 sends no code
	ActReset                   // TCP reset
	ActFreeze                  // half-open: no reading, no writing
	ActComplete                // complete to each subscription; the socket stays open, idle
	ActError                   // error frame with Text; the socket stays open, idle
	ActHuge                    // an event frame of Size bytes, with the next offset
	ActEndless                 // one frame that announces 1 TiB and keeps coming
	ActFragments               // one message of fragments without an end
	ActUnknown                 // a message of type Text
	ActText                    // a text frame with Text as it is
	ActPing                    // a JSON ping
	ActControl                 // a WebSocket-level ping
)

// Trouble is an action with what it needs.
type Trouble struct {
	// After is the number of events sent on the connection before it happens;
	// 0 means with the subscription. Server.Do ignores it.
	After int
	Do    Action
	Code  int
	Text  string
	Size  int
}

// endlessLimit is where even an endless message stops and the connection is
// reset: a client that has taken so much has failed the test anyway.
const endlessLimit = 256 << 20

// troubleDue counts events and says whether a trouble waits for that number.
func (c *conn) troubleDue(events int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent += events
	return slices.ContainsFunc(c.troubles, func(t Trouble) bool { return t.After > 0 && t.After <= c.sent })
}

// trouble does what is due, each once.
func (c *conn) trouble() {
	c.mu.Lock()
	var due []Trouble
	c.troubles = slices.DeleteFunc(c.troubles, func(t Trouble) bool {
		if t.After > c.sent {
			return false
		}
		due = append(due, t)
		return true
	})
	c.mu.Unlock()
	for _, t := range due {
		c.do(t)
	}
}

// do lets it happen.
func (c *conn) do(t Trouble) {
	switch t.Do {
	case ActClose:
		c.close(t.Code, t.Text)
	case ActReset:
		c.reset()
	case ActFreeze:
		c.freeze()
	case ActComplete, ActError:
		c.endSubs(t)
	case ActHuge:
		c.huge(t.Size)
	case ActEndless:
		start := appendHeader(nil, opText, true, 1<<40)
		c.w.flood(append(start, `{"pad":"`...), bytes.Repeat([]byte("x"), burst), endlessLimit)
		c.reset()
	case ActFragments:
		chunk := append(appendHeader(nil, opContinuation, false, 1024), bytes.Repeat([]byte("x"), 1024)...)
		start := append(appendHeader(nil, opText, false, 8), `{"pad":"`...)
		c.w.flood(start, chunk, endlessLimit)
		c.reset()
	case ActUnknown:
		c.send(t.Text, "", "")
	case ActText:
		_ = c.w.frame(opText, []byte(t.Text)) // if the client is gone, reading finds out
	case ActPing:
		c.ping()
	case ActControl:
		c.pingControl()
	}
}

// endSubs ends the operations and leaves the socket, with its heartbeats, alone.
func (c *conn) endSubs(t Trouble) {
	c.mu.Lock()
	subs := c.liveSubs()
	c.mu.Unlock()
	for _, sub := range subs {
		c.finish(sub, true) // before the frame, so that no event comes after it
		if t.Do == ActError {
			c.send("error", sub.id, string(appendErrors(nil, t.Text)))
		} else {
			c.send("complete", sub.id, "")
		}
	}
}

// huge publishes an event, with an offset of its own, whose message to the
// first subscription has exactly that many bytes.
func (c *conn) huge(size int) {
	c.mu.Lock()
	subs := c.liveSubs()
	c.mu.Unlock()
	if len(subs) == 0 {
		return
	}
	sub := subs[0]
	f := c.faultsFor(sub.request.chain)
	sub.log.change(func() {
		r := sub.log.add(c.s.now(), Event{Module: "RESERVATION", Name: "NEW GUEST MESSAGE", Detail: []Element{{Name: "COMMENTS", New: "x"}}})
		bare := sub.appendFrame(nil, &f.Shape, sub.form(&f.Shape).appendPayload(nil, []*record{r}))
		r.event.Detail[0].New = strings.Repeat("x", max(size-len(bare), 0)+1)
	})
}

// Do lets something happen, now, to every connection that has a subscription to
// the chain; "" means to every connection. It reports to how many.
func (s *Server) Do(chain string, t Trouble) int {
	n := 0
	for _, c := range s.liveConns() {
		c.mu.Lock()
		match := chain == "" || slices.ContainsFunc(c.liveSubs(), func(sub *subscription) bool { return sub.request.chain == chain })
		c.mu.Unlock()
		if match {
			c.do(t)
			n++
		}
	}
	return n
}
