package inspire

import (
	"context"
	"errors"
	"fmt"
	"time"

	"edgeagent/pms"
)

// Probe goes through the steps of a connection one by one and ends it
// properly. It must not run beside Notices: the server allows one consumer.
// It takes the waits that the server asked for, and no events.
func (s *Source) Probe(ctx context.Context) []pms.Finding {
	if !s.busy.CompareAndSwap(false, true) {
		return []pms.Finding{{Step: "settings", Text: errBusy.Error(), Advice: "look at the status page instead, or stop the agent first"}}
	}
	defer s.busy.Store(false)
	if err := s.resume(""); err != nil {
		return []pms.Finding{{Step: "settings", Text: err.Error(), Advice: "check the state directory and its permissions"}}
	}
	var list []pms.Finding
	good := func(step, format string, args ...any) {
		list = append(list, pms.Finding{Step: step, OK: true, Text: fmt.Sprintf(format, args...)})
	}
	bad := func(step string, err error) []pms.Finding { return append(list, s.finding(step, err)) }

	creds, err := s.credentials()
	if err != nil {
		return bad("settings", err)
	}
	good("settings", "dialect %s, chain code %s, %s", s.dialect.name, s.cfg.ChainCode, scopeText(s.cfg.ChainScope))
	if wait := s.pendingWait(); wait > 0 {
		good("wait", "the server wants %s of rest before the next connection", wait.Round(time.Second))
		if !s.awaitTurn(ctx) {
			return bad("wait", errors.New("interrupted"))
		}
	}
	if s.token, err = s.fetchToken(ctx, creds); err != nil {
		return bad("token", err)
	}
	good("token", "good for %s", s.token.lifetime.Round(time.Second))
	return s.probeStream(ctx, creds, list)
}

func scopeText(scope string) string {
	if scope == "single_property" {
		return "which covers this hotel only"
	}
	return "which other hotels may share"
}

// probeStream goes on from the upgrade, trying the subprotocols in turn.
func (s *Source) probeStream(ctx context.Context, creds credentials, list []pms.Finding) []pms.Finding {
	protocol := s.chooseProtocol()
	conn, err := s.upgrade(ctx, creds, protocol)
	for err != nil && classifyError(err).fallback == fallbackSubprotocol {
		next, more := s.past.nextSubprotocol(s.dialect, protocol)
		if !more {
			break
		}
		protocol = next
		conn, err = s.upgrade(ctx, creds, protocol)
	}
	if err != nil {
		return append(list, s.finding("upgrade", err))
	}
	spoken := conn.Subprotocol()
	if spoken == "" {
		spoken = "none named"
	}
	list = append(list, pms.Finding{Step: "upgrade", OK: true, Text: "connected to " + s.host + ", subprotocol: " + spoken})
	s.mem.Open, s.connected = true, true
	if err := s.save(); err != nil {
		conn.Close()
		return append(list, pms.Finding{Step: "ack", Text: err.Error(), Advice: "check the state directory and its permissions"})
	}
	var acked, caughtUp bool
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	st := newStream(ctx, s, newSession(s, conn, creds, s.token), func(batch []pms.Notice, err error) bool {
		caughtUp = caughtUp || err == nil && len(batch) == 0
		return !caughtUp
	}, protocol)
	st.looking = true
	out, end := st.run()
	acked = !st.subscribed.IsZero()
	s.mem.Open = false
	if out == outcomeBroken {
		s.past.judge(&end, &s.waits, "", chance)
	}
	s.hold(s.waits.Gap)
	if err := s.save(); err != nil {
		list = append(list, pms.Finding{Step: "subscribe", Text: err.Error(), Advice: "check the state directory and its permissions"})
	}
	if acked {
		list = append(list, pms.Finding{Step: "ack", OK: true, Text: "the server accepts token and app key"})
	}
	switch {
	case out == outcomeBroken && !acked:
		return append(list, s.finding("ack", &failure{end}))
	case out == outcomeBroken:
		return append(list, s.finding("subscribe", &failure{end}))
	case !caughtUp:
		return append(list, pms.Finding{Step: "subscribe", Text: "interrupted"})
	}
	list = append(list, pms.Finding{Step: "subscribe", OK: true, Text: fmt.Sprintf("the server takes the subscription; events while looking: %d", st.counts.events)})
	if why := st.guard.reason(s.cfg.ChainCode); why != "" && st.counts.events > 0 {
		list[len(list)-1].Advice = why
	}
	return list
}

// finding words an error of a step, with the table's advice.
func (s *Source) finding(step string, err error) pms.Finding {
	var f *failure
	if !errors.As(err, &f) {
		return pms.Finding{Step: step, Text: err.Error(), Advice: rowFor("settings").means}
	}
	r := classify(&f.ending, false)
	text := r.signal
	if f.status != 0 {
		text = fmt.Sprintf("HTTP %d", f.status)
	}
	if f.detail != "" {
		text += ": " + f.detail
	}
	return pms.Finding{Step: step, Text: text, Advice: r.means}
}

func classifyError(err error) *row {
	if f, ok := errors.AsType[*failure](err); ok {
		return classify(&f.ending, false)
	}
	return rowFor("settings")
}
