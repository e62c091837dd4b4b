// Package slip makes what a front desk hands to a guest: how to get on the
// WiFi, as text and as a picture that a phone's camera understands.
package slip

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"rsc.io/qr"
)

// Slip is one room's.
type Slip struct {
	Hotel string `json:"hotel"`
	Room  string `json:"room"`
	// SSID is the network's name, Password its own, which all guests share; ""
	// for an open network.
	SSID     string `json:"ssid,omitempty"`
	Password string `json:"password,omitempty"`
	Codes    []Code `json:"codes"`
}

// Code is what one stay's guests type at the portal.
type Code struct {
	// User and Code are as a guest types them; no User where the code is all.
	User string `json:"user,omitempty"`
	Code string `json:"code"`
	// Until is in the property's zone; zero if nobody knows.
	Until time.Time `json:"until,omitzero"`
}

// Text is the slip for a printer that knows letters only.
func (s Slip) Text() string {
	var b strings.Builder
	line := func(label, text string) {
		if text != "" {
			fmt.Fprintf(&b, "%-10s %s\n", label, text)
		}
	}
	fmt.Fprintf(&b, "%s\nWiFi for room %s\n\n", plain(s.Hotel), plain(s.Room))
	line("Network", plain(s.SSID))
	line("Password", plain(s.Password))
	for i, c := range s.Codes {
		if i > 0 {
			b.WriteString("\n")
		}
		line("User name", plain(c.User))
		line("Code", plain(c.Code))
		if !c.Until.IsZero() {
			line("Valid to", c.Until.Format("2006-01-02 15:04"))
		}
	}
	return b.String()
}

// plain leaves out what is no text: a printer takes it for a command.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return -1
		}
		return r
	}, text)
}

// ErrNoNetwork says that nobody said which network a phone should join.
var ErrNoNetwork = errors.New("the property file does not say what the guests' network is called; write network: { ssid: … } into the section of the WiFi device")

// scale is how many pixels a module of the picture has: 33 modules and a margin
// come to 4 cm at 203 dpi, the resolution of receipt printers.
const scale = 8

// PNG is a picture with which a phone joins the network. The code is not in it:
// there is no notation for what is typed at a portal.
func (s Slip) PNG() ([]byte, error) {
	if s.SSID == "" {
		return nil, ErrNoNetwork
	}
	code, err := qr.Encode(s.uri(), qr.M)
	if err != nil {
		return nil, fmt.Errorf("make the picture: %w", err)
	}
	code.Scale = scale
	return code.PNG(), nil
}

// uri is the notation that the cameras of Android and iOS take, as the WPA3
// specification has it in section 7.1: the letters \ ; , : " are escaped.
func (s Slip) uri() string {
	if s.Password == "" {
		return "WIFI:T:nopass;S:" + escape.Replace(s.SSID) + ";;"
	}
	return "WIFI:T:WPA;S:" + escape.Replace(s.SSID) + ";P:" + escape.Replace(s.Password) + ";;"
}

var escape = strings.NewReplacer(`\`, `\\`, `;`, `\;`, `,`, `\,`, `:`, `\:`, `"`, `\"`)
