package keycard

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"edgeagent/hwsim/pn532sim"
)

func TestDiagnoseModule(t *testing.T) {
	all := func(what string) (lines []string) {
		for _, baud := range moduleBauds {
			lines = append(lines, fmt.Sprintf("%d baud: %s", baud, what))
		}
		return lines
	}
	for _, tc := range []struct {
		name   string
		set    func(*pn532sim.Port)
		report []string
		want   Diagnosis
	}{
		{"as it should be", func(*pn532sim.Port) {}, nil, Diagnosis{OK: true, Text: "PN532, firmware 1.6 answers at 115200 baud"}},
		{"another speed", func(p *pn532sim.Port) { p.SetSpeed(9600) },
			[]string{"115200 baud: unreadable bytes", "9600 baud: PN532, firmware 1.6 answers"},
			Diagnosis{Text: "the module answers at 9600 baud, not at 115200", Advice: "turn its power off and on, or wire its reset line: " +
				"a PN532 begins at 115200 baud; if it stays so, a converter stands before it: set that to 115200"}},
		{"no speed at all", func(p *pn532sim.Port) { p.SetSpeed(300) }, all("unreadable bytes"),
			Diagnosis{Text: "bytes come back, but they make sense at no speed",
				Advice: "check ground and length of the cable, and that no other program answers on the line"}},
		{"silence", func(p *pn532sim.Port) { p.PullCable() }, all("the NFC module does not answer"),
			Diagnosis{Text: "nothing answers at any speed",
				Advice: "check that the module has power, that its switches are set to HSU, and that TXD goes to RX and RXD to TX"}},
		{"unplugged", func(p *pn532sim.Port) { _ = p.Unplug() }, nil, Diagnosis{Text: "%s: no such adapter: is it plugged in?"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			chip := pn532sim.New(pn532sim.Config{Seed: 1})
			defer chip.Close()
			port := filepath.Join(t.TempDir(), "usb-nfc")
			p, err := chip.OpenPTY(port, pn532sim.PortOptions{Baud: moduleBaud})
			if err != nil {
				t.Fatal(err)
			}
			tc.set(p)
			var report []string
			cfg := Config{Protocol: protocolPN532, Port: port, PN532: &PN532{SigningKeyFile: "seed"}}
			got := Diagnose(t.Context(), cfg, func(line string) { report = append(report, line) })
			if strings.Contains(tc.want.Text, "%s") {
				tc.want.Text = fmt.Sprintf(tc.want.Text, port)
				got.Text = got.Text[:min(len(got.Text), len(tc.want.Text))] // behind it: what is plugged in here
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if !slices.Equal(report, tc.report) {
				t.Error(cmp.Diff(tc.report, report))
			}
		})
	}
	bus := Config{Protocol: protocolPN532, PN532: &PN532{SPI: "/dev/spidev0.0", SigningKeyFile: "seed"}}
	if got := Diagnose(t.Context(), bus, nil); got.Text != "a module on SPI or I2C has no speed to try" {
		t.Errorf("on SPI: %+v", got)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	chip := pn532sim.New(pn532sim.Config{Seed: 1})
	defer chip.Close()
	port := filepath.Join(t.TempDir(), "usb-nfc")
	if _, err := chip.OpenPTY(port, pn532sim.PortOptions{Baud: moduleBaud}); err != nil {
		t.Fatal(err)
	}
	if got := Diagnose(ended, Config{Protocol: protocolPN532, Port: port, PN532: &PN532{SigningKeyFile: "seed"}}, nil); got.OK || got.Text != "context canceled" {
		t.Errorf("without time: %+v", got)
	}
}
