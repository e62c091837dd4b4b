package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"edgeagent/drivers"
	"edgeagent/drivers/wifi"
	"edgeagent/internal/config"
	"edgeagent/internal/slip"
)

func voucherCommand(path *string) *cobra.Command {
	var picture string
	cmd := &cobra.Command{
		Use:   "voucher ROOM",
		Short: "Print how the guests of a room get on the WiFi",
		Long: `Voucher asks the agent that serves the property file for the WiFi codes of the
guests who are in a room now, and prints them as a slip for the guest. With --png
it also writes a picture that joins a phone to the network; for that the property
file must say what the network is called. The agent logs that it was asked, and
for which room.`,
		Example: "  edgeagent voucher 101 --config /etc/edgeagent/property.yaml\n  edgeagent voucher 101 --png slip.png",
	}
	cmd.Flags().StringVar(&picture, "png", "", "also write a picture that joins a phone to the network")
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		if len(args) != 1 || args[0] == "" {
			return usageError{errors.New("name one room, such as edgeagent voucher 101")}
		}
		socket, err := socketOf(cmd, *path)
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(cmd.Context(), askWait)
		defer cancel()
		form := "slip.txt"
		if asJSON {
			form = "slip.json"
		}
		text, err := fetchSlip(ctx, socket, args[0], form)
		if err != nil {
			return err
		}
		if picture != "" {
			png, err := fetchSlip(ctx, socket, args[0], "slip.png")
			if err != nil {
				return err
			}
			if err := os.WriteFile(picture, png, 0o600); err != nil {
				return err
			}
		}
		if asJSON {
			return writeJSON(os.Stdout, json.RawMessage(text))
		}
		_, err = os.Stdout.Write(text)
		return err
	}
	return cmd
}

func fetchSlip(ctx context.Context, socket, room, form string) ([]byte, error) {
	return ask(ctx, socket, http.MethodGet, "/api/rooms/"+url.PathEscape(room)+"/"+form)
}

// slip gathers what the guests of a room must know.
func (h *house) slip(l *config.Loaded, log zerolog.Logger) func(room string) (slip.Slip, error) {
	return func(room string) (slip.Slip, error) {
		s := slip.Slip{Hotel: l.Property.Name, Room: room}
		access, err := h.agent.Access(room)
		if err != nil {
			return s, err
		}
		if len(access) == 0 {
			return s, fmt.Errorf("nobody is in room %q, or the property file has no WiFi device; edgeagent shows the rooms in house on its status page", room)
		}
		for _, a := range access {
			code, ok := slipCode(a.Values, time.Now(), l.Zone)
			if !ok {
				continue
			}
			s.Codes = append(s.Codes, code)
			if s.SSID != "" {
				continue
			}
			if s.SSID, s.Password, err = h.network(a.Device); err != nil {
				return s, err
			}
		}
		if len(s.Codes) == 0 {
			return s, fmt.Errorf("the guests of room %s have no WiFi code yet; the status page says what the WiFi controller waits for", room)
		}
		log.Info().Str("room", room).Msg("WiFi slip asked for")
		return s, nil
	}
}

// slipCode is what a receipt tells a guest to type; none if it lets nobody in.
func slipCode(values map[string]string, now time.Time, zone *time.Location) (slip.Code, bool) {
	if !drivers.LetsIn(values, now) {
		return slip.Code{}, false
	}
	until, _ := time.Parse(time.RFC3339, values["until"]) // unreadable: it is left out
	if !until.IsZero() {
		until = until.In(zone)
	}
	return slip.Code{User: values["user"], Code: cmp.Or(values["shown"], values["code"]), Until: until}, true
}

// network is that of a WiFi device.
func (h *house) network(device string) (ssid, password string, err error) {
	for _, d := range h.devices {
		if w, ok := d.(*wifi.Driver); ok && w.String() == device {
			return w.Network()
		}
	}
	return "", "", nil
}
