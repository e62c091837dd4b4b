package wifi

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/unifisim"
)

const (
	keyA = "00112233445566aa"
	keyB = "00112233445566bb"
	keyC = "00112233445566cc"
)

var start = time.Date(2026, 11, 22, 14, 0, 0, 0, time.UTC)

// fatal is what the bench needs of a test, or of one round of a property.
type fatal interface {
	Helper()
	Fatalf(string, ...any)
}

// bench is a driver and its simulated controller under one clock.
type bench struct {
	sim *unifisim.Controller
	drv *Driver

	mu    sync.Mutex
	clock time.Time
	skew  time.Duration // of the controller's clock
	known map[string]map[string]string
	codes map[string]bool // that ever were; none may be seen in an error
	want  []drivers.Command
}

func newBench(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	b := &bench{clock: start, known: map[string]map[string]string{}, codes: map[string]bool{}}
	sim, err := unifisim.Start(unifisim.Options{APIKey: "sim-key-Zq81", Now: func() time.Time {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.clock.Add(b.skew)
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = sim.Close() })
	b.sim = sim
	b.restart(t, change)
	return b
}

// restart makes the driver anew, as after a power cut: it remembers nothing.
func (b *bench) restart(t *testing.T, change func(*Config)) {
	t.Helper()
	cfg := Config{Controller: "unifi", URL: b.sim.URL(), APIKeyFile: "unifi-key", TLS: TLS{PinSHA256: b.sim.Fingerprint()},
		Tiers:     map[string]Tier{"standard": {DownKbps: 20_000, UpKbps: 5_000}, "suite": {DownKbps: 90_000, UpKbps: 40_000, DataMB: 5000}},
		TierByVIP: map[string]string{"V1": "suite"}}
	if change != nil {
		change(&cfg)
	}
	site := drivers.Site{Property: "seaview", Zone: time.UTC,
		Secret: func(file string) (string, error) {
			switch file {
			case "unifi-key":
				return b.sim.APIKey() + "\n", nil
			case "ca.pem":
				return string(b.sim.CertificatePEM()), nil
			}
			return "", fmt.Errorf("no file %q", file)
		},
		Wanted: func(string) []drivers.Command { return b.want },
		Known: func(_, subject string) map[string]string {
			b.mu.Lock()
			defer b.mu.Unlock()
			return maps.Clone(b.known[subject])
		}}
	drv, err := open("guest-wifi", cfg, site, b.now)
	if err != nil {
		t.Fatal(err)
	}
	b.drv = drv
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(d)
}

func ensure(key string, until time.Time, more ...string) drivers.Command {
	params := map[string]string{"stay": key, "room": "101", "until": until.Format(time.RFC3339)}
	for i := 0; i+1 < len(more); i += 2 {
		params[more[i]] = more[i+1]
	}
	return drivers.Command{Device: "guest-wifi", Action: "ensure", Subject: "stay:" + key, Params: params}
}

func revoke(key string, more ...string) drivers.Command {
	cmd := ensure(key, time.Time{}, more...)
	cmd.Action = "revoke"
	return cmd
}

// try carries a command out, and fails the test if the outcome shows a secret.
func (b *bench) try(t fatal, cmd drivers.Command) (drivers.Receipt, error) {
	t.Helper()
	receipt, err := b.drv.Do(context.Background(), cmd)
	for _, v := range b.sim.Vouchers() {
		b.codes[v.Code] = true
	}
	text := receipt.Note + " " + b.drv.State().Reason
	if err != nil {
		text += " " + err.Error()
	}
	b.noSecret(t, text)
	if err == nil && receipt.Values != nil {
		b.mu.Lock()
		b.known[cmd.Subject] = receipt.Values
		b.mu.Unlock()
	}
	return receipt, err
}

func (b *bench) noSecret(t fatal, text string) {
	t.Helper()
	for code := range b.codes {
		if strings.Contains(text, code) {
			t.Fatalf("a voucher's code shows in %q", text)
		}
	}
	if strings.Contains(text, b.sim.APIKey()) {
		t.Fatalf("the API key shows in %q", text)
	}
}

// must carries a command out that has to succeed and returns the receipt's values.
func (b *bench) must(t fatal, cmd drivers.Command) map[string]string {
	t.Helper()
	receipt, err := b.try(t, cmd)
	if err != nil {
		t.Fatalf("%s: %v", cmd.Action, err)
	}
	return receipt.Values
}

func (b *bench) join(t *testing.T, mac, code string) {
	t.Helper()
	if err := b.sim.Join(mac, "", code); err != nil {
		t.Fatalf("join %s: %v", mac, err)
	}
}

func (b *bench) calls() []string {
	var calls []string
	for _, r := range b.sim.Requests() {
		line := r.Method + " " + r.Path
		if r.Body != "" {
			line += " " + r.Body
		}
		calls = append(calls, line)
	}
	b.sim.ForgetRequests()
	return calls
}

const (
	mac1 = "02:00:00:00:00:01"
	mac2 = "02:00:00:00:00:02"
	mac3 = "02:00:00:00:00:03"
)
