//go:build real

package realtest

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim"
	"edgeagent/hwsim/radiussim"
)

// The databases of FreeRADIUS, as the hotel's WiFi controller is named for each.
var radiusOn = map[string]string{"mariadb": "radius", "postgresql": "radius-postgres"}

// TestStayOnFreeRADIUS follows a guest's WiFi from check-in to check-out.
func TestStayOnFreeRADIUS(t *testing.T) {
	for name, product := range radiusOn {
		t.Run(name, func(t *testing.T) {
			h, site := radiusHotel(t, product)
			startAgent(t, h)
			guest := h.Guest("Ms", "Ana", "Silva", "PT", 2)
			h.Desk().CheckIn(guest, "101")
			user, code := account(t, site)
			for _, how := range []string{"pap", "chap"} {
				if said := radtest(t, site, how, user, code); !strings.Contains(said, "Received Access-Accept") {
					t.Errorf("%s: %s", how, said)
				}
				if said := radtest(t, site, how, user, code+"x"); !strings.Contains(said, "Received Access-Reject") {
					t.Errorf("%s, wrong code: %s", how, said)
				}
			}
			threeDevices(t, site, user, code)

			before, _ := site.Session(phones[0])
			h.Desk().Stretch(guest, 24*time.Hour)
			eventually(t, "the running session is told of the new departure", func() (bool, string) {
				now, ok := site.Session(phones[0])
				// Seconds are rounded on each way.
				return ok && (now.Timeout-before.Timeout-24*time.Hour).Abs() < 5*time.Second, now.Timeout.String()
			})
			longer, err := site.Ask(phones[0], user, code, radiussim.CHAP)
			if site.Leave(phones[1]) == nil { // one of the two must make room to ask
				longer, err = site.Ask(phones[0], user, code, radiussim.CHAP)
			}
			if err != nil || longer.Timeout < before.Grant.Timeout+23*time.Hour {
				t.Errorf("after the extension a new session may last %v (%v), before it %v", longer.Timeout, err, before.Grant.Timeout)
			}

			h.Desk().CheckOut(guest)
			eventually(t, "the NAS has received our Disconnect", func() (bool, string) {
				for _, o := range site.Orders() {
					if o.Disconnect && o.Accepted && o.User == user && o.Calling == before.Calling {
						return true, ""
					}
				}
				return false, fmt.Sprint(len(site.Orders()), " orders")
			})
			if said := radtest(t, site, "pap", user, code); !strings.Contains(said, "Received Access-Reject") {
				t.Errorf("after the check-out: %s", said)
			}
			if site.Online(phones[0]) {
				t.Error("a phone of the departed guest is online")
			}
		})
	}
}

// TestAccessEndsWithoutTheAgent kills the agent and lets two days pass.
func TestAccessEndsWithoutTheAgent(t *testing.T) {
	for name, product := range radiusOn {
		t.Run(name, func(t *testing.T) {
			h, site := radiusHotel(t, product)
			logFile := filepath.Join(t.TempDir(), "agent.log")
			showLog(t, logFile)
			agent, err := h.StartAgent(native(t), logFile)
			if err != nil {
				t.Fatal(err)
			}
			if err := h.AwaitLive(t.Context()); err != nil {
				t.Fatal(err)
			}
			guest := h.Guest("Ms", "Ana", "Silva", "PT", 2)
			h.Desk().CheckIn(guest, "101")
			user, code := account(t, site)
			if err := site.Join(phones[0], user, code); err != nil {
				t.Fatal(err)
			}
			agent.Kill()
			left := time.Until(guest.Departure)
			if err := site.Later(left + time.Hour); err != nil { // within the grace
				t.Fatal(err)
			}
			if !site.Online(phones[0]) {
				t.Error("access has ended before its time")
			}
			if err := site.Later(left + 3*time.Hour); err != nil {
				t.Fatal(err)
			}
			if site.Online(phones[0]) {
				t.Error("the session outlives the stay")
			}
			if said := radtest(t, site, "chap", user, code); !strings.Contains(said, "Received Access-Reject") {
				t.Errorf("the code outlives the stay: %s", said)
			}
		})
	}
}

var phones = []string{"02:00:00:00:01:01", "02:00:00:00:01:02", "02:00:00:00:01:03"}

// radiusHotel is a hotel with FreeRADIUS where a stay may use two devices.
func radiusHotel(t *testing.T, product string) (*hwsim.Hotel, *radiussim.Site) {
	t.Helper()
	h := openHotel(t, native(t), hwsim.Options{Rooms: []string{"101"}, WiFi: product, WiFiExtra: []string{"devices_per_guest: 2"}})
	return h, h.WiFi.(*radiussim.Site)
}

// account waits for the one that the check-in makes.
func account(t *testing.T, site *radiussim.Site) (user, code string) {
	t.Helper()
	eventually(t, "the check-in makes an account", func() (bool, string) {
		for _, a := range site.Access() {
			user, code = a.User, a.Code
		}
		return code != "", "none"
	})
	return user, code
}

func threeDevices(t *testing.T, site *radiussim.Site, user, code string) {
	t.Helper()
	for i, phone := range phones {
		err := site.Join(phone, user, code)
		if i < 2 && err != nil {
			t.Fatalf("device %d: %v", i+1, err)
		}
		if i == 2 && err == nil {
			t.Error("the third device gets on")
		}
	}
}

// radtest logs in with FreeRADIUS's own client.
func radtest(t *testing.T, site *radiussim.Site, how, user, code string) string {
	t.Helper()
	_, port, err := net.SplitHostPort(site.Server.Auth)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	said, _ := exec.CommandContext(ctx, program(t, "radtest"), "-t", how, user, code, "127.0.0.1:"+port, "1", site.Server.Secret).CombinedOutput()
	return strings.ReplaceAll(string(said), code, "CODE") // a refusal makes it fail
}
