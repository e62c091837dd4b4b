package inspiresim

import (
	"encoding/json"
	"slices"
	"time"
)

// subscription is one accepted subscribe message.
type subscription struct {
	c       *conn
	id      string
	request *request
	log     *chainLog
	seen    *Subscription // guarded by the audit book
	begin   beginning
	done    chan struct{}

	completed bool // by the client; guarded by conn.mu
	ended     bool // guarded by conn.mu
}

type subscribePayload struct {
	Query         string                     `json:"query"`
	OperationName *string                    `json:"operationName"`
	Variables     map[string]json.RawMessage `json:"variables"`
	Extensions    struct {
		FromOffset json.RawMessage `json:"fromOffset"`
	} `json:"extensions"`
}

func (c *conn) clientSubscribe(m message) {
	var p subscribePayload
	if m.ID == nil || *m.ID == "" || json.Unmarshal(m.Payload, &p) != nil || p.Query == "" {
		c.violateAndClose("subscribe", "lacks an id or a payload with a query", 4400, "Invalid message received")
		return
	}
	id := *m.ID
	c.mu.Lock()
	_, twice := c.subs[id]
	c.subscribed = true
	client := c.token.client
	c.mu.Unlock()
	if twice {
		c.violateAndClose("subscribe", "id is in use", 4409, "Subscriber for this id already exists")
		return
	}
	seen := &Subscription{Conn: c.id, At: c.s.now(), ID: id, Query: p.Query}
	c.s.audit.write(func() { c.s.audit.subs = append(c.s.audit.subs, seen) })
	f := c.faults()
	r, err := understand(p.Query, p.Variables, &f.Subscribe, c.s.options.Dialect)
	if err == nil && r.kind == "newEvent" {
		f = c.faultsFor(r.chain)
		r, err = understand(p.Query, p.Variables, &f.Subscribe, c.s.options.Dialect)
	}
	if err == nil {
		err = c.readPosition(r, p.Extensions.FromOffset, &f.Subscribe)
	}
	if err != nil {
		c.s.audit.violate(c.id, "query", "%v", err)
		c.no(seen, id, f.Subscribe.Invalid, 4400, err.Error())
		return
	}
	c.s.audit.write(func() { seen.Chain, seen.Offset, seen.Fields = r.chain, r.from.raw, paths(r.fields, "") })
	if r.kind != "newEvent" {
		c.answerQuery(id, r)
		return
	}
	if !slices.Contains(c.s.chainsOf(client), r.chain) {
		c.no(seen, id, f.Subscribe.Forbidden, 4403, "Forbidden: not authorized for chain")
		return
	}
	c.accept(&subscription{c: c, id: id, request: r, log: c.s.chain(r.chain), seen: seen, done: make(chan struct{})}, &f)
}

// readPosition takes the position from where the dialect has it.
func (c *conn) readPosition(r *request, fromOffset json.RawMessage, f *Subscribe) error {
	if c.s.options.Dialect == OHIP {
		if len(fromOffset) > 0 && string(fromOffset) != "null" {
			c.s.audit.violate(c.id, "position", "extensions.fromOffset means nothing here, offset belongs into the input")
		}
		return nil
	}
	from, err := readFromOffset(fromOffset, f.Offset)
	r.from = from
	return err
}

// chainsOf is what a client may read now, which can differ from when its token was issued.
func (s *Server) chainsOf(client Client) []string {
	now, _ := s.clientByID(client.ID)
	return now.Chains
}

// no refuses a subscribe in the way asked for.
func (c *conn) no(seen *Subscription, id string, how Refusal, code int, reason string) {
	c.s.audit.write(func() { seen.Refused, seen.Ended = reason, c.s.now() })
	switch how {
	case RefuseError:
		c.send("error", id, string(appendErrors(nil, reason)))
	case RefuseErrors:
		c.send(c.word("next", "data"), id, `{"errors":`+string(appendErrors(nil, reason))+`}`)
	case RefuseComplete:
		c.send("complete", id, "")
	case RefuseClose4401:
		c.close(4401, "Unauthorized")
	case RefuseClose1008:
		c.close(1008, "Policy")
	default:
		c.close(code, reason[:min(len(reason), 120)])
	}
}

// accept decides on a valid subscribe: the consumer lock, the position, and
// the switches that say no all the same.
func (c *conn) accept(sub *subscription, f *Faults) {
	switch {
	case f.Subscribe.Fail != "":
		c.no(sub.seen, sub.id, RefuseError, 0, f.Subscribe.Fail)
		return
	case f.Subscribe.FailClose != 0:
		c.no(sub.seen, sub.id, RefuseClose, f.Subscribe.FailClose, "told to")
		return
	case f.Subscribe.Complete:
		c.no(sub.seen, sub.id, RefuseComplete, 0, "told to")
		return
	}
	sub.begin = sub.log.begin(sub.request, &f.Replay, c.s.now())
	if sub.begin.tooOld && f.Replay.TooOld == StaleRefuse || sub.begin.ahead && f.Replay.Ahead == StaleRefuse {
		c.no(sub.seen, sub.id, f.Subscribe.Invalid, 4400, "Validation error: fromOffset is outside of what is kept.")
		return
	}
	if !c.s.claim(sub, &f.Lock) {
		c.no(sub.seen, sub.id, RefuseClose, 4409, "Another consumer is active, or was until just now")
		return
	}
	c.mu.Lock()
	c.subs[sub.id] = sub
	c.mu.Unlock()
	c.s.audit.write(func() {
		c.s.audit.live++
		sub.seen.Accepted = true
	})
	if f.Subscribe.EndOnExpiry {
		c.mu.Lock()
		left := c.token.expires.Sub(c.s.now())
		c.mu.Unlock()
		c.after(max(left, time.Millisecond), func() { c.close(4401, "Token expired") })
	}
	c.pumps.Go(func() { c.pump(sub) })
}

// finish takes a subscription off the connection, once.
func (c *conn) finish(sub *subscription, clean bool) {
	c.mu.Lock()
	if sub.ended {
		c.mu.Unlock()
		return
	}
	sub.ended = true
	delete(c.subs, sub.id)
	close(sub.done)
	c.mu.Unlock()
	c.s.release(sub, clean)
	c.s.audit.write(func() {
		c.s.audit.live--
		sub.seen.Ended = c.s.now()
	})
}

// answerQuery answers OHIP's two plain queries.
func (c *conn) answerQuery(id string, r *request) {
	value := []byte(`"Streaming of business events: subscribe to newEvent."`)
	if r.kind == "connection" {
		status := "Inactive"
		if c.s.lockHeld(c.appKey) {
			status = "Active"
		}
		value = []byte{'{'}
		for i, f := range r.fields {
			value = appendKey(value, f.key, i == 0)
			if f.name == "status" {
				value = appendString(value, status)
			} else {
				value = appendString(value, c.s.Host())
			}
		}
		value = append(value, '}')
	}
	payload := append([]byte(`{"data":{`), appendString(nil, r.key)...)
	payload = append(append(payload, ':'), value...)
	c.send("next", id, string(append(payload, "}}"...)))
	c.send("complete", id, "")
}
