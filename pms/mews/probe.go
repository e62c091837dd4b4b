package mews

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"edgeagent/internal/zones"
	"edgeagent/pms"
)

// Probe goes through what the link needs, one thing after the other. It takes
// no command and changes nothing; it may run beside Notices.
func (s *Source) Probe(ctx context.Context) []pms.Finding {
	if _, _, err := s.api.tokens(); err != nil {
		return []pms.Finding{{Step: "settings", Text: err.Error(), Advice: "put each token alone into its file"}}
	}
	h := &house{stays: map[string]bool{}, rooms: map[string]room{}}
	list := []pms.Finding{s.probeProperty(ctx, h)}
	if !list[0].OK {
		return list
	}
	list = append(list, s.probeClock(), s.probeZone(h))
	list = append(list, s.probeGrants(ctx)...)
	list = append(list, s.probeDevices(ctx)...)
	list = append(list, s.probeStays(ctx)...)
	return append(list, s.probeSocket(ctx)...)
}

// probeProperty reads whose tokens these are.
func (s *Source) probeProperty(ctx context.Context, h *house) pms.Finding {
	var answer struct {
		NowUtc     instant
		Enterprise enterpriseRow
	}
	sent := s.now()
	if err := s.api.call(ctx, urgent, "configuration/get", nil, &answer); err != nil {
		return findingOf("tokens", err)
	}
	if !answer.NowUtc.IsZero() {
		s.clock.learn(answer.NowUtc.Time, sent, s.now())
	}
	h.enterprise = answer.Enterprise
	f := pms.Finding{Step: "tokens", OK: true, Text: fmt.Sprintf("Mews knows them; the property is %q", printable(h.enterprise.Name, 80))}
	if h.enterprise.IsPortfolio {
		f.OK, f.Advice = false, "this access token is one for several properties, and device commands come only with a token of one property: ask Mews for such a one"
	}
	return f
}

func findingOf(step string, err error) pms.Finding {
	e, ok := errors.AsType[*refusal](err)
	if !ok {
		return pms.Finding{Step: step, Text: err.Error()}
	}
	text := "no answer from " + e.host
	if e.status != 0 {
		text = fmt.Sprintf("%s: HTTP %d", e.operation, e.status)
	}
	switch {
	case errors.Is(e.cause, errLate):
		text += " in time"
	case e.cause != nil:
		text += ": " + e.cause.Error()
	}
	if e.requestID != "" {
		text += " (request " + e.requestID + ")"
	}
	if e.permission {
		return pms.Finding{Step: step, Text: text, Advice: "ask Mews partner support to enable it for this integration"}
	}
	return pms.Finding{Step: step, Text: text, Advice: e.means()}
}

func (s *Source) probeClock() pms.Finding {
	ahead := s.clock.ahead()
	f := pms.Finding{Step: "clock", OK: ahead.Abs() <= s.waits.ClockTolerance, Text: fmt.Sprintf("the gateway and Mews agree within %s", max(ahead.Abs().Round(time.Second), time.Second))}
	if !f.OK {
		word := "ahead of"
		if ahead < 0 {
			word = "behind"
		}
		f.Text = fmt.Sprintf("Mews's clock is %s %s the gateway's", ahead.Abs().Round(time.Second), word)
		f.Advice = "let the gateway reach a time server; keys and certificates go by its clock"
	}
	return f
}

func (s *Source) probeZone(h *house) pms.Finding {
	name := printable(h.enterprise.TimeZoneIdentifier, 60)
	zone, err := zones.Load(name)
	f := pms.Finding{Step: "time zone", OK: true, Text: fmt.Sprintf("%s, as in the property file", name)}
	switch {
	case err != nil || name == "":
		f.Text = fmt.Sprintf("Mews gives %q, which cannot be compared; the property file has %s", name, s.deps.Zone)
	case !sameZone(zone, s.deps.Zone, s.clock.server()):
		f.OK = false
		f.Text = fmt.Sprintf("Mews has %s, the property file %s", name, s.deps.Zone)
		f.Advice = "correct property.timezone, else keys end at another hour"
	case name != s.deps.Zone.String():
		f.Text = fmt.Sprintf("Mews has %s, the property file %s, which show the same hours", name, s.deps.Zone)
	}
	return f
}

// needed are the operations that the link uses, each with a request that asks
// for as little as there is. Mews grants an integration only those that it has
// shown to need (Connector API, Certification).
func needed(now time.Time) []struct {
	operation string
	body      fields
} {
	one := fields{"Count": 1}
	moment := span(now, now)
	return []struct {
		operation string
		body      fields
	}{
		{"services/getAll", fields{"Limitation": one}},
		{"resources/getAll", fields{"Limitation": one, "Extent": fields{"Resources": true, "Inactive": false}}},
		{"resourceCategories/getAll", fields{"Limitation": one, "ServiceIds": []string{nobody}}},
		{"resourceCategoryAssignments/getAll", fields{"Limitation": one, "ResourceCategoryIds": []string{nobody}}},
		{"reservations/getAll/2023-06-06", fields{"Limitation": one, "UpdatedUtc": moment}},
		{"customers/getAll", fields{"Limitation": one, "UpdatedUtc": moment, "Extent": fields{"Customers": true, "Addresses": false}}},
		{"companionships/getAll", fields{"Limitation": one, "ReservationIds": []string{nobody}, "Extent": fields{"Customers": false, "Reservations": false, "ReservationGroups": false}}},
		{"commands/getAllActive", nil},
		{"commands/getAllByIds", fields{"CommandIds": []string{nobody}}},
	}
}

// nobody is an id that nothing has.
const nobody = "00000000-0000-0000-0000-000000000000"

func (s *Source) probeGrants(ctx context.Context) []pms.Finding {
	var lacking []string
	granted := 0
	for _, n := range needed(s.clock.server()) {
		err := s.api.call(ctx, urgent, n.operation, n.body, nil)
		switch status := statusOf(err); {
		case status == http.StatusUnauthorized:
			lacking = append(lacking, n.operation)
		case err != nil && status != http.StatusBadRequest && status != http.StatusForbidden:
			return []pms.Finding{findingOf("operations", err)}
		default: // what it does not know it can still refuse politely
			granted++
		}
	}
	if len(lacking) > 0 {
		return []pms.Finding{{Step: "operations", Text: "Mews does not grant " + strings.Join(lacking, ", "),
			Advice: "ask Mews partner support to enable them for this integration"}}
	}
	return []pms.Finding{{Step: "operations", OK: true, Text: fmt.Sprintf("all %d are granted; commands/update can only be tried with a command", granted)}}
}

// probeStays says whose reservations are followed.
func (s *Source) probeStays(ctx context.Context) []pms.Finding {
	h, err := s.readHouse(ctx)
	if err != nil {
		return []pms.Finding{findingOf("rooms", err)}
	}
	sleeps := 0
	for _, r := range h.rooms {
		if r.sleeps {
			sleeps++
		}
	}
	f := pms.Finding{Step: "rooms", OK: len(h.stays) > 0, Text: fmt.Sprintf("%d to sleep in, of %d; services that are stays: %d", sleeps, len(h.rooms), len(h.stays))}
	if !f.OK {
		f.Advice = "write the names of the services whose reservations are stays under services in the property file"
	}
	return []pms.Finding{f}
}

// probeSocket opens a socket and listens for a moment.
func (s *Source) probeSocket(ctx context.Context) []pms.Finding {
	conn, err := s.dial(ctx)
	if err != nil {
		f := pms.Finding{Step: "socket", Text: err.Error()}
		if e, ok := errors.AsType[*upgradeError](err); ok {
			f.Advice = s.adviseSocket(e)
		}
		return []pms.Finding{f}
	}
	defer conn.Close()
	return []pms.Finding{{Step: "socket", OK: true, Text: "open",
		Advice: "if nothing arrives: Mews support must switch on the events DeviceCommand, Reservation and Resource for this integration, and the hotel must add its key cutters under Marketplace, My subscriptions, this integration, Settings, Connected devices; then reconnect"}}
}

// adviseSocket says what mends an upgrade that was not granted, "" where its
// own text does.
func (s *Source) adviseSocket(e *upgradeError) string {
	switch e.status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return "ask Mews support to enable WebSockets for this integration"
	case http.StatusNotFound:
		return fmt.Sprintf("change socket_url to wss://ws.%s", or(world(s.cfg.PlatformURL), production))
	}
	return ""
}
