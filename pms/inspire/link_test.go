package inspire

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/hwsim/inspiresim"
	"edgeagent/pms"
)

const (
	testSecret = "s3cr3t-of-the-client"
	testAppKey = "APPKEY001+/~"
	testChain  = "TTE"
)

func testClient() inspiresim.Client {
	return inspiresim.Client{ID: "vendor-1", Secret: testSecret, AppKey: testAppKey, Enterprise: "HOTELX", Chains: []string{testChain}}
}

// startPMS runs a simulated PMS for the test.
func startPMS(t *testing.T, o inspiresim.Options) *inspiresim.Server {
	t.Helper()
	if o.Clients == nil {
		o.Clients = []inspiresim.Client{testClient()}
	}
	s, err := inspiresim.Start(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// quickWaits are short enough for a test and long enough for a slow machine:
// only those that a test waits out are short.
func quickWaits() *Waits {
	ms := time.Millisecond
	return &Waits{
		Gap: 20 * ms, Lock: 60 * ms, LockJitter: ms, BackoffMin: 5 * ms, BackoffMax: 40 * ms, BugBackoff: 20 * ms,
		Limit: 50 * ms, AwayJitter: ms, ServerTimeout: 20 * ms, ParkMin: 80 * ms, ParkMax: 160 * ms,
		Drain: 500 * ms, Shutdown: time.Second, Settle: 60 * ms, Ack: 5 * time.Second, Ping: 50 * ms,
		ClockTolerance: ms, LiveSave: 50 * ms,
	}
}

func quickConfig(s *inspiresim.Server) Config {
	return Config{
		TokenURL: s.TokenURL(), StreamURL: s.StreamURL(), EnterpriseID: "HOTELX", ChainCode: testChain,
		ClientID: "vendor-1", ClientSecretFile: "secret", AppKeyFile: "appkey", ChainScope: "single_property",
	}
}

// memory is a pms.Memory that survives the Source but not the test.
type memory struct {
	mu    sync.Mutex
	data  []byte
	saves int
}

func (m *memory) Load() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.data), nil
}

func (m *memory) Save(data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.data = bytes.Clone(data)
	m.saves++
	return nil
}

func (m *memory) read(t *testing.T) remembered {
	t.Helper()
	var r remembered
	data, _ := m.Load()
	if len(data) == 0 {
		return r
	}
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// logBuffer collects log lines.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// link is a Source under test with somebody who reads it and processes at once.
type link struct {
	t    *testing.T
	src  *Source
	mem  *memory
	logs *logBuffer

	mu      sync.Mutex
	cond    *sync.Cond
	notices []pms.Notice
	caught  int // empty batches
	errs    []error
	after   string

	cancel context.CancelFunc
	done   chan struct{}
}

type linkOption func(*Config, *Deps)

// patient gives a replay more time to pause, where a slow machine must not
// make news of it.
func patient(_ *Config, d *Deps) { d.Waits.Settle = 400 * time.Millisecond }

func secretsOf(secret, key string) func(string) (string, error) {
	return func(file string) (string, error) {
		switch file {
		case "secret":
			return secret + "\n", nil
		case "appkey":
			return key + "\n", nil
		case "password":
			return "pa55word-of-the-user", nil
		}
		return "", errors.New("no secret of that name")
	}
}

// newLink makes a Source without starting it.
func newLink(t *testing.T, cfg Config, options ...linkOption) *link {
	t.Helper()
	l := &link{t: t, mem: &memory{}, logs: &logBuffer{}}
	l.cond = sync.NewCond(&l.mu)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	deps := Deps{
		Log: zerolog.New(l.logs), Secret: secretsOf(testSecret, testAppKey), Memory: l.mem, Zone: berlin,
		Version: "test", Waits: quickWaits(),
	}
	for _, o := range options {
		o(&cfg, &deps)
	}
	if m, ok := deps.Memory.(*memory); ok {
		l.mem = m
	}
	if l.src, err = New("opera", cfg, deps); err != nil {
		t.Fatal(err)
	}
	return l
}

// run starts reading after the offset, the way the agent does.
func (l *link) run(after string) *link {
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel, l.done, l.after = cancel, make(chan struct{}), after
	go func() {
		defer close(l.done)
		for ctx.Err() == nil {
			for batch, err := range l.src.Notices(ctx, l.offset()) {
				l.note(batch, err)
			}
		}
	}()
	l.t.Cleanup(l.stop)
	return l
}

func (l *link) note(batch []pms.Notice, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.cond.Broadcast()
	switch {
	case err != nil:
		l.errs = append(l.errs, err)
		return
	case len(batch) == 0:
		l.caught++
	}
	l.notices = append(l.notices, batch...)
	for _, n := range batch {
		l.after = n.Offset
	}
}

func (l *link) offset() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.after
}

func (l *link) stop() {
	l.cancel()
	<-l.done
}

// wait blocks until the condition holds; a test that waits in vain fails with
// all that is known.
func (l *link) wait(what string, cond func(l *link) bool) {
	l.t.Helper()
	deadline := time.Now().Add(15 * time.Second)
	for {
		l.mu.Lock()
		ok := cond(l)
		l.mu.Unlock()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			l.t.Fatalf("waited in vain for %s\nnotices %v\nerrors %v\nlink %+v\nlog\n%s", what, l.ids(), l.errs, l.src.Link(), l.logs)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func (l *link) waitLive() {
	l.t.Helper()
	l.wait("the link to be live", func(l *link) bool { return l.src.Link().State == pms.LinkLive })
}

func (l *link) waitNotices(n int) {
	l.t.Helper()
	l.wait("notices", func(l *link) bool { return len(l.notices) >= n })
}

func (l *link) waitAlarm(code string) pms.Alarm {
	l.t.Helper()
	var found pms.Alarm
	l.wait("alarm "+code, func(l *link) bool {
		for _, a := range l.src.Link().Alarms {
			if a.Code == code {
				found = a
				return true
			}
		}
		return false
	})
	return found
}

func (l *link) ids() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var ids []string
	for _, n := range l.notices {
		ids = append(ids, strings.TrimPrefix(n.ID, "opera/"))
	}
	return ids
}

func (l *link) all() []pms.Notice {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]pms.Notice(nil), l.notices...)
}

func (l *link) alarms() []string {
	var codes []string
	for _, a := range l.src.Link().Alarms {
		codes = append(codes, a.Code)
	}
	return codes
}

func checkIn(room string) inspiresim.Event {
	return inspiresim.Event{
		Module: "RESERVATION", Name: "CHECK IN", PrimaryKey: "R" + room, HotelID: "TTE1",
		Detail: []inspiresim.Element{
			{Name: "ROOM", New: room},
			{Name: "RESERVATION STATUS", Old: "RESERVED", New: "CHECKED IN"},
			{Name: "NAME", New: "Müller & Söhne <" + room + ">"},
		},
	}
}

// audit waits until the PMS has seen something.
func auditUntil(t *testing.T, s *inspiresim.Server, cond func(inspiresim.Audit) bool) inspiresim.Audit {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	a, err := s.Wait(ctx, cond)
	if err != nil {
		t.Fatalf("the PMS never saw it: %v\n%+v", err, a)
	}
	return a
}

func noViolations(t *testing.T, s *inspiresim.Server) {
	t.Helper()
	for _, v := range s.Audit().Violations {
		t.Errorf("violation: %v", v)
	}
}

func writeFile(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestStreamFromStartToLive(t *testing.T) {
	sim := startPMS(t, inspiresim.Options{})
	l := newLink(t, quickConfig(sim)).run("")
	l.waitLive()
	sim.Publish(testChain, checkIn("0101"))
	l.waitNotices(1)
	n := l.all()[0]
	if n.Kind != pms.KindCheckIn || n.Value(pms.FieldRoom) != "0101" || n.Replayed || n.ID != "opera/1/1" {
		t.Errorf("notice %+v", n)
	}
	l.stop()
	noViolations(t, sim)
}
