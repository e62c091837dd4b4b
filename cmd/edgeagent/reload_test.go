package main

import (
	"context"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"

	"edgeagent/drivers/iptv"
	"edgeagent/drivers/keycard"
	"edgeagent/internal/config"
	"edgeagent/rules"
)

// greetOnly is a rule table that cuts no keys.
const greetOnly = `rules:
  - name: greet
    when: { event: room.occupied }
    do: [ { device: tvs, action: welcome } ]
`

// edit changes the property file of a running agent and tells it to read it.
func (w *whole) edit(change func(string) string) {
	w.t.Helper()
	text, err := os.ReadFile(w.hotel.PropertyFile)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(w.hotel.PropertyFile, []byte(change(string(text))), 0o600); err != nil {
		w.t.Fatal(err)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		w.t.Fatal(err)
	}
}

func (w *whole) condition(code string) string {
	status, err := w.hotel.Status(context.Background())
	if err != nil {
		return ""
	}
	for _, c := range status.Conditions {
		if c.Code == code {
			return c.Text
		}
	}
	return ""
}

// Rules and names of rooms are taken over while it runs; what has problems is
// not, and the rules before stay; what needs a restart is named.
func TestReload(t *testing.T) {
	w := newWhole(t)
	w.edit(func(text string) string {
		before, _, _ := strings.Cut(text, "\nrules:")
		before = strings.Replace(before, "show_wifi: wifi\n", "show_wifi: wifi\n      rooms: { \"101\": [\"102\"] }\n", 1)
		return before + "\n" + greetOnly
	})
	w.eventually("the rules are taken over", func() bool { return strings.Contains(w.log.String(), "rules and rooms taken over") })
	w.send("1-guide-check-in.json")
	w.eventually("the TV by its new name greets", w.shows("102", "Ås & Sohn"))
	if n := len(w.hotel.Locks.Cuts("101")); n > 0 || w.hotel.Code("102").Works {
		t.Errorf("%d cards by rules that are no more", n)
	}
	if text := w.condition("restart-needed"); text != "" {
		t.Errorf("restart for %q", text)
	}

	w.edit(func(text string) string { return strings.Replace(text, "action: welcome", "action: wellcome", 1) })
	w.eventually("the page says that it was refused", func() bool {
		return strings.Contains(w.condition("reload-refused"), `wellcome`)
	})
	w.send("2-check-in-as-update.json")
	w.eventually("the rules before are in force", w.shows("102", "O'Neil"))

	w.edit(func(text string) string {
		text = strings.Replace(text, "action: wellcome", "action: welcome", 1)
		return strings.Replace(text, "ack_timeout: 2s", "ack_timeout: 3s", 1)
	})
	w.eventually("the page says what waits for a restart", func() bool {
		return w.condition("restart-needed") == "what has changed in the section devices counts after a restart"
	})
	if text := w.condition("reload-refused"); text != "" {
		t.Errorf("still refused: %q", text)
	}
}

func TestWhatNeedsARestart(t *testing.T) {
	of := func(change func(*config.Loaded)) *config.Loaded {
		l := &config.Loaded{File: config.File{Devices: []config.Device{
			{Name: "tvs", IPTV: &iptv.Config{Broker: "tls://broker"}}, {Name: "desk", Keycard: &keycard.Config{Encoder: "1"}},
		}}}
		change(l)
		return l
	}
	running := of(func(*config.Loaded) {})
	for name, c := range map[string]struct {
		change func(*config.Loaded)
		want   []string
	}{
		"nothing":      {func(*config.Loaded) {}, nil},
		"rules":        {func(l *config.Loaded) { l.Rules = []rules.Rule{{Name: "r"}} }, nil},
		"rooms":        {func(l *config.Loaded) { l.Devices[0].IPTV.Rooms = map[string][]string{"1": {"2"}} }, nil},
		"lock's rooms": {func(l *config.Loaded) { l.Devices[1].Keycard.Rooms = map[string]string{"1": "2"} }, nil},
		"a broker":     {func(l *config.Loaded) { l.Devices[0].IPTV.Broker = "tls://other" }, []string{"devices"}},
		"a device":     {func(l *config.Loaded) { l.Devices = l.Devices[:1] }, []string{"devices"}},
		"two things":   {func(l *config.Loaded) { l.Property.Name, l.Log.Level = "B", "debug" }, []string{"property", "log"}},
	} {
		if got := needRestart(running, of(c.change)); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

func TestRestartInWords(t *testing.T) {
	for _, c := range []struct {
		sections []string
		secrets  bool
		want     string
	}{
		{nil, false, ""},
		{[]string{"property"}, false, "what has changed in the section property counts after a restart"},
		{[]string{"property", "log", "pms"}, true, "what has changed in the sections property, log and pms, and in the password or token file of a user of the page counts after a restart"},
		{nil, true, "what has changed in the password or token file of a user of the page counts after a restart"},
	} {
		if got := restartFor(c.sections, c.secrets); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
