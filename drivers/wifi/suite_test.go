package wifi

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"edgeagent/drivers"
	"edgeagent/hwsim/console"
)

// The conformance suite: what every product must do, through the driver as the
// lanes use it, judged by effect at the simulated controller. Where a product
// cannot do a thing, its Caps say so, and the suite wants what follows from that.

// world is a simulated controller with the guests' phones.
type world interface {
	Join(mac, user, code string) error
	Online(mac string) bool
	Access() []console.Access

	URL() string
	Fingerprint() string
	Inject(console.Fault)
	Heal()
	Requests() []console.Request
	ForgetRequests()
	Reissue(newKey bool) error
	Close() error
}

// suiteProduct is a product under the suite.
type suiteProduct struct {
	name string
	// start starts the controller on a clock. The property file's section lacks
	// url and tls; secrets are the contents of the files that it names.
	start func(now func() time.Time) (sim world, section Config, secrets map[string]string, err error)
	// owns tells a stay's credential where it carries no marker; nil where all do.
	owns func(s *stage, key string, a console.Access) bool
	// create is a part of "METHOD /path" of the call that makes a credential.
	create string
	// least is how many calls a check-in takes at least, once logged in.
	least int
	// except are cases that make no sense for the product, and why.
	except map[string]string
	// adjust changes a driver before its first call; nil for not at all.
	adjust func(drv *Driver, now func() time.Time)
}

// stage is a driver and its simulated controller under one clock.
type stage struct {
	world
	t       *testing.T
	product suiteProduct
	section Config
	secrets map[string]string
	drv     *Driver

	mu    sync.Mutex
	clock time.Time
	known map[string]map[string]string
	want  map[string]drivers.Command
	seq   int64
	told  []string // codes that ever were; none may be seen in an error or a note
}

func newStage(t *testing.T, p suiteProduct) *stage {
	t.Helper()
	s := &stage{t: t, product: p, clock: start, known: map[string]map[string]string{}, want: map[string]drivers.Command{}}
	var err error
	if s.world, s.section, s.secrets, err = p.start(s.now); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if s.URL() != "" {
		s.section.URL, s.section.TLS = s.URL(), TLS{PinSHA256: s.Fingerprint()}
	}
	if s.section.Tiers == nil {
		s.section.Tiers = map[string]Tier{"standard": {DownKbps: 20_000, UpKbps: 5_000}, "suite": {DownKbps: 90_000, UpKbps: 40_000}}
	}
	s.restart()
	return s
}

// restart makes the driver anew, as after a power cut: it remembers nothing but
// what the agent keeps for it.
func (s *stage) restart() {
	s.t.Helper()
	for path, problem := range s.section.Problems() {
		s.t.Fatalf("%s: %s", path, problem)
	}
	if s.drv != nil {
		_ = s.drv.Halt()
	}
	drv, err := open("guest-wifi", s.section, drivers.Site{Property: "seaview", Zone: time.UTC, Key: []byte("key of the property"),
		Secret: func(file string) (string, error) {
			text, ok := s.secrets[file]
			if !ok {
				return "", fmt.Errorf("no file %q", file)
			}
			return text + "\n", nil
		},
		Wanted: func(string) []drivers.Command {
			s.mu.Lock()
			defer s.mu.Unlock()
			return slices.Collect(maps.Values(s.want))
		},
		Known: func(_, subject string) map[string]string {
			s.mu.Lock()
			defer s.mu.Unlock()
			return maps.Clone(s.known[subject])
		}}, s.now)
	if err != nil {
		s.t.Fatal(err)
	}
	if s.product.adjust != nil {
		s.product.adjust(drv, s.now)
	}
	drv.web.pace.every = 0 // its own test has the time
	s.drv = drv
	s.t.Cleanup(func() { _ = drv.Halt() })
}

func (s *stage) now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

func (s *stage) advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock = s.clock.Add(d)
}

// wish makes a command what is wanted of its stay, as the agent's store does.
func (s *stage) wish(cmd drivers.Command) drivers.Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq++
	cmd.Seq = s.seq
	s.want[cmd.Subject] = cmd
	return cmd
}

// try carries a command out once, and fails the test if the outcome shows a secret.
func (s *stage) try(cmd drivers.Command) (drivers.Receipt, error) {
	s.t.Helper()
	receipt, err := s.drv.Do(s.t.Context(), s.wish(cmd))
	for _, a := range s.Access() {
		s.told = append(s.told, a.Code)
	}
	text := receipt.Note + " " + s.drv.State().Reason
	if err != nil {
		text += " " + err.Error()
	}
	s.noSecret(text)
	if err == nil && receipt.Values != nil {
		s.mu.Lock()
		s.known[cmd.Subject] = receipt.Values
		s.mu.Unlock()
	}
	return receipt, err
}

func (s *stage) noSecret(text string) {
	s.t.Helper()
	for _, secret := range append(slices.Collect(maps.Values(s.secrets)), s.told...) {
		if secret != "" && strings.Contains(text, secret) {
			s.t.Fatalf("a secret shows in %q", text)
		}
	}
}

// must carries a command out that has to succeed, and returns what was learned.
func (s *stage) must(cmd drivers.Command) map[string]string {
	s.t.Helper()
	receipt, err := s.try(cmd)
	if err != nil {
		s.t.Fatalf("%s: %v", cmd.Action, err)
	}
	return receipt.Values
}

// joins fails the test unless a phone gets on with what its guest was told.
func (s *stage) joins(mac string, told map[string]string) {
	s.t.Helper()
	if err := s.Join(mac, told["user"], told["code"]); err != nil {
		s.t.Fatalf("%s does not get on: %v", mac, err)
	}
	if !s.Online(mac) {
		s.t.Fatalf("%s got on and is not online", mac)
	}
}

// refuses fails the test if a phone gets on.
func (s *stage) refuses(mac string, told map[string]string) {
	s.t.Helper()
	if err := s.Join(mac, told["user"], told["code"]); err == nil {
		s.t.Fatalf("%s gets on", mac)
	}
}

// only is the one credential of a stay that works.
func (s *stage) only(key string) console.Access {
	s.t.Helper()
	live := s.live(key)
	if len(live) != 1 {
		s.t.Fatalf("%d credentials of the stay work, want 1: %+v", len(live), live)
	}
	return live[0]
}

func (s *stage) live(key string) []console.Access {
	var live []console.Access
	for _, a := range s.Access() {
		mine := strings.HasPrefix(a.Marker, markerPrefix+key)
		if s.product.owns != nil && a.Marker == "" {
			mine = s.product.owns(s, key, a)
		}
		if mine && a.Works {
			live = append(live, a)
		}
	}
	return live
}

// failure wants an error of a class.
func (s *stage) failure(err error, want string) {
	s.t.Helper()
	if got := class(err); got != want {
		s.t.Fatalf("class %q, want %q: %v", got, want, err)
	}
}

// class is what an error means to a lane.
func class(err error) string {
	var down *drivers.LinkDown
	var later *drivers.RetryAfter
	switch {
	case err == nil:
		return "none"
	case errors.Is(err, drivers.ErrRefused):
		return "refused"
	case errors.As(err, &down):
		return "down"
	case errors.As(err, &later):
		return "later"
	}
	return "retry"
}

func TestConformance(t *testing.T) {
	for _, p := range suiteProducts {
		t.Run(p.name, func(t *testing.T) { conform(t, p) })
	}
}

func conform(t *testing.T, p suiteProduct) {
	for _, c := range suiteCases {
		if why, ok := p.except[c.name]; ok {
			t.Logf("%s is not for this product: %s", c.name, why)
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.play(newStage(t, p))
		})
	}
}

// impatient makes the driver wait for an answer for half a second.
func (s *stage) impatient() {
	s.drv.web.cfg.Timeout = 500 * time.Millisecond
	if s.drv.web.http != nil {
		s.drv.web.http.Timeout = s.drv.web.cfg.Timeout
	}
}
