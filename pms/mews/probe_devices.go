package mews

import (
	"context"
	"fmt"
	"sort"
	"strings"

	"edgeagent/pms"
)

// probeDevices lists the property's devices, and which stand for an encoder here.
func (s *Source) probeDevices(ctx context.Context) []pms.Finding {
	var answer struct{ Devices rows[deviceRow] }
	if err := s.api.call(ctx, urgent, "devices/getAll", nil, &answer); err != nil {
		return []pms.Finding{findingOf("devices", err)}
	}
	var list []pms.Finding
	f := follower{Source: s}
	used := map[string]bool{}
	devices := answer.Devices.good
	sort.Slice(devices, func(i, j int) bool { return devices[i].Name < devices[j].Name })
	for _, d := range devices {
		title := fmt.Sprintf("%s %q", printable(d.Type, 30), printable(d.Name, 60))
		if d.Identifier != "" {
			title += fmt.Sprintf(", identifier %q", printable(d.Identifier, 60))
		}
		one := pms.Finding{Step: "device", OK: true, Text: title}
		c, mapped := f.cutter(&commandRow{Device: d}, &keyData{})
		switch {
		case mapped:
			used[strings.ToLower(c.Mews)] = true
			one.Text += " is " + c.Device + " here"
			if c.Encoder != "" {
				one.Text += ", encoder " + c.Encoder
			}
		case d.Type != "KeyCutter":
			one.Text += ": its commands are answered, not carried out"
		case len(s.cfg.Devices) == 0:
			one.Text += " is the encoder at the desk"
		case s.cfg.LeaveUnmapped:
			one.Text += " is left to another gateway"
		default:
			one.OK, one.Advice = false, fmt.Sprintf("add to devices of this link: { mews: %q, device: the encoder's name here }", or(d.Identifier, d.ID))
		}
		list = append(list, one)
	}
	for _, c := range s.cfg.Devices {
		if !used[strings.ToLower(c.Mews)] {
			list = append(list, pms.Finding{Step: "device", Text: fmt.Sprintf("Mews has no device %q, which the property file maps to %s", c.Mews, c.Device),
				Advice: meant(c.Mews, answer.Devices.good)})
		}
	}
	if len(list) == 0 {
		list = append(list, pms.Finding{Step: "device", OK: true, Text: "the property has no devices in Mews",
			Advice: "for keys on command: in Mews open Marketplace, subscribe to the key cutter integration, create the key cutter there, then add it to this integration under Settings, Connected devices"})
	}
	return list
}

// meant advises what to write instead of a name that no key cutter has.
func meant(name string, devices []deviceRow) string {
	const all = "write one of the names or identifiers above"
	best, least := "", 2+len(name)/3 // more slips than that, and another one is meant
	for _, d := range devices {
		for _, known := range []string{d.Name, d.Identifier} {
			if n := slips(strings.ToLower(name), strings.ToLower(known)); d.Type == "KeyCutter" && known != "" && n < least {
				best, least = printable(known, 60), n
			}
		}
	}
	if best == "" {
		return all
	}
	return fmt.Sprintf("did you mean %q? else %s", best, all)
}

// slips counts the letters to add, drop or replace that make one word the other.
func slips(from, to string) int {
	a, b := []rune(from), []rune(to)
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		corner := row[0]
		row[0] = i + 1
		for j := range b {
			replaced := corner
			if a[i] != b[j] {
				replaced++
			}
			corner = row[j+1]
			row[j+1] = min(replaced, row[j]+1, corner+1)
		}
	}
	return row[len(b)]
}
