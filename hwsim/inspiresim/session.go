package inspiresim

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// message is what a client sends.
type message struct {
	ID      *string         `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// receive is the state machine of graphql-transport-ws, server side.
func (c *conn) receive(data []byte) {
	var m message
	if json.Unmarshal(data, &m) != nil {
		c.violateAndClose("message", "not one JSON object with id, type and payload", 4400, "Invalid message received")
		return
	}
	strict := json.NewDecoder(bytes.NewReader(data))
	if strict.DisallowUnknownFields(); strict.Decode(new(message)) != nil {
		c.s.audit.violate(c.id, "message", "has members beside id, type and payload")
	}
	c.mu.Lock()
	initialised, acked, closing := c.initialised, c.acked, c.closing
	c.mu.Unlock()
	if closing {
		return
	}
	switch {
	case m.Type == "ping" && !c.legacy:
		c.clientPing(m.Payload)
	case m.Type == "pong" && !c.legacy:
		c.clientPong()
	case m.Type == "connection_init" && initialised:
		c.violateAndClose("connection_init", "sent a second time", 4429, "Too many initialisation requests")
	case m.Type == "connection_init":
		c.clientInit(m.Payload)
	case m.Type == c.word("subscribe", "start") && !acked:
		c.violateAndClose("subscribe", "sent before connection_ack", 4401, "Unauthorized")
	case m.Type == c.word("subscribe", "start"):
		c.clientSubscribe(m)
	case m.Type == c.word("complete", "stop"):
		c.clientComplete(m)
	case m.Type == "connection_terminate" && c.legacy:
		c.close(1000, "")
	default:
		c.violateAndClose("message", "type "+printable(m.Type)+" is not the client's to send", 4400, "Invalid message received")
	}
}

// word is a message type in the protocol spoken.
func (c *conn) word(now, legacy string) string {
	if c.legacy {
		return legacy
	}
	return now
}

// printable shortens what a client sent for the audit.
func printable(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), 40)]
}

func (c *conn) violateAndClose(rule, what string, code int, reason string) {
	c.s.audit.violate(c.id, rule, "%s", what)
	c.close(code, reason)
}

// send writes a message that is not an event.
func (c *conn) send(kind, id, payload string) {
	b := append([]byte(`{"type":`), appendString(nil, kind)...)
	if id != "" {
		b = append(append(b, `,"id":`...), appendString(nil, id)...)
	}
	if payload != "" {
		b = append(append(b, `,"payload":`...), payload...)
	}
	_ = c.w.frame(opText, append(b, '}')) // if the client is gone, reading finds out
}

func (c *conn) clientInit(payload json.RawMessage) {
	f := c.faults()
	c.mu.Lock()
	c.initialised = true
	c.mu.Unlock()
	if f.Handshake.Close != 0 {
		c.close(f.Handshake.Close, "")
		return
	}
	var in struct {
		Authorization string
		AppKey        string `json:"x-app-key"`
	}
	problem := ""
	if json.Unmarshal(payload, &in) != nil {
		problem = "payload is no object with Authorization and x-app-key"
	}
	var token issued
	if problem == "" {
		token, problem = c.s.checkBearer(in.Authorization)
	}
	if problem == "" && (in.AppKey != token.client.AppKey || in.AppKey != c.appKey) {
		problem = "x-app-key is missing, or not the one of the token and the URL"
	}
	if problem != "" {
		c.s.audit.violate(c.id, "credentials", "%s", problem)
		c.refuseCredentials(&f.Handshake)
		return
	}
	c.s.audit.write(func() { c.seen.TokenSerial = token.serial })
	c.mu.Lock()
	c.token = token
	c.mu.Unlock()
	c.after(f.Handshake.SubscribeWithin, c.subscribeLate)
	if f.Handshake.NoAck {
		return
	}
	if f.Handshake.AckDelay > 0 {
		c.after(f.Handshake.AckDelay, func() { c.ack(&f.Handshake) })
		return
	}
	c.ack(&f.Handshake)
}

func (c *conn) refuseCredentials(f *Handshake) {
	if f.RefuseFrame || c.legacy {
		c.send("connection_error", "", `{"message":"Unauthorized"}`)
	}
	code := f.RefuseCode
	if code == 0 {
		code = 4401
	}
	c.close(code, "Unauthorized")
}

func (c *conn) ack(f *Handshake) {
	c.mu.Lock()
	c.acked = true
	c.mu.Unlock()
	c.s.audit.write(func() { c.seen.Acked = true })
	c.send("connection_ack", "", f.AckPayload)
	if c.legacy {
		c.send("ka", "", "")
	}
}

func (c *conn) subscribeLate() {
	c.mu.Lock()
	late := len(c.subs) == 0 && !c.subscribed && c.acked
	c.mu.Unlock()
	if late {
		c.violateAndClose("subscribe", "did not come in time", 4408, "Subscribe timeout")
	}
}

// after runs do once, unless the connection ends first.
func (c *conn) after(d time.Duration, do func()) {
	if d <= 0 {
		return
	}
	c.s.running.Go(func() {
		if sleep(c.ctx, d) {
			do()
		}
	})
}

func (c *conn) clientComplete(m message) {
	c.mu.Lock()
	var sub *subscription
	if m.ID != nil {
		sub = c.subs[*m.ID]
	}
	known := sub != nil
	if known {
		sub.completed = true
	}
	c.mu.Unlock()
	if m.ID == nil || !known {
		c.s.audit.violate(c.id, "complete", "id is not that of a live subscription")
		return
	}
	c.s.audit.write(func() { sub.seen.Completed = true })
	f := c.faultsFor(sub.request.chain)
	end := func() {
		c.finish(sub, true)
		c.mu.Lock()
		last := len(c.subs) == 0
		c.mu.Unlock()
		if last && !f.Subscribe.KeepOpen {
			c.close(1000, "")
		}
	}
	if f.Subscribe.CloseDelay > 0 {
		c.after(f.Subscribe.CloseDelay, end)
		return
	}
	end()
}

// liveSubs lists the subscriptions; the caller holds mu.
func (c *conn) liveSubs() []*subscription {
	out := make([]*subscription, 0, len(c.subs))
	for _, sub := range c.subs {
		out = append(out, sub)
	}
	slices.SortFunc(out, func(a, b *subscription) int { return strings.Compare(a.id, b.id) })
	return out
}
