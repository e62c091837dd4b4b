package bench

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"path/filepath"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/drivers"
	"edgeagent/drivers/iptv"
	"edgeagent/drivers/keycard"
	"edgeagent/drivers/wifi"
	"edgeagent/hwsim/inspiresim"
	"edgeagent/internal/agent"
	"edgeagent/offsetstore"
	"edgeagent/pms"
	"edgeagent/pms/inspire"
	"edgeagent/rules"
)

const (
	backlogSize = 100_000
	rounds      = 5

	clientID     = "bench"
	clientSecret = "bench-secret"
	appKey       = "APPKEY-BENCH"
	enterprise   = "HOTELX"
	chain        = "TTE"
)

// backlogRate takes in a backlog with the agent's own intake (link, fold,
// rules, store) and with a bare loop over the same libraries, in turns.
func backlogRate(b *testing.B, t *table) {
	s := must(inspiresim.Start(inspiresim.Options{Clients: []inspiresim.Client{{
		ID: clientID, Secret: clientSecret, AppKey: appKey, Enterprise: enterprise, Chains: []string{chain},
	}}}))(b)
	defer s.Close()
	events := newTraffic(&inspiresim.Desk{HotelID: "TTE1"}, roomNames(500)).backlog(backlogSize)
	query := learnQuery(b, s, events[0])
	s.PublishAll(chain, events[1:])
	if err := s.Prepare(chain, query); err != nil {
		b.Fatal(err)
	}
	dir := b.TempDir()
	var ours, bare []time.Duration
	for i := range rounds {
		bare = append(bare, bareLoop(b, s, query, filepath.Join(dir, fmt.Sprint("bare", i)), backlogSize))
		ours = append(ours, intake(b, s, filepath.Join(dir, fmt.Sprint("ours", i)), backlogSize))
	}
	rate := func(d time.Duration) float64 { return backlogSize / d.Seconds() }
	mine, theirs := rate(quantile(ours, 0.5)), rate(quantile(bare, 0.5))
	t.add("backlog of 100,000 notices, 10,000 acting", fmt.Sprintf("%.0f/s", mine),
		fmt.Sprintf("bare loop %.0f/s: ratio %.2f", theirs, mine/theirs), "ratio >= 0.50", mine >= theirs/2)
}

// learnQuery lets the agent's link subscribe once, to see what it asks for.
func learnQuery(b *testing.B, s *inspiresim.Server, first inspiresim.Event) string {
	s.Publish(chain, first)
	intake(b, s, filepath.Join(b.TempDir(), "store.db"), 1)
	for _, sub := range s.Audit().Subscriptions {
		return sub.Query
	}
	b.Fatal("the link has not subscribed")
	return ""
}

// intake runs the agent in this process, from an empty store until n notices
// are committed, and returns how long that took from the subscription on.
func intake(b *testing.B, s *inspiresim.Server, file string, n int) time.Duration {
	store := must(offsetstore.Open(file, offsetstore.Options{}))(b)
	defer store.Close()
	link := must(inspire.New("pms", inspire.Config{
		TokenURL: s.TokenURL(), StreamURL: s.StreamURL(), EnterpriseID: enterprise, ChainCode: chain, ChainScope: "single_property",
		ClientID: clientID, ClientSecretFile: "secret", AppKeyFile: "key", Bootstrap: "zero",
		Waits: inspire.Waits{Shutdown: 10 * time.Millisecond},
	}, inspire.Deps{
		Log: zerolog.Nop(), Memory: store.Memory("pms"),
		Secret: func(file string) (string, error) {
			return map[string]string{"secret": clientSecret, "key": appKey}[file], nil
		},
	}))(b)
	devices := []agent.Device{
		{Driver: absent("encoder"), Kind: "keycard", Actions: keycard.Actions()},
		{Driver: absent("tvs"), Kind: "iptv", Actions: iptv.Actions()},
		{Driver: absent("wifi"), Kind: "wifi", Actions: wifi.Actions()},
	}
	ctx, stop := context.WithCancel(context.Background())
	src := &counted{Source: link, left: n, enough: stop}
	subscriptions := len(s.Audit().Subscriptions)
	a := agent.New(agent.Options{
		Store: store, Ledger: pms.NewLedger(pms.FoldOptions{Key: store.Key()}, func(func(pms.Stay) bool) {}),
		Table: defaultTable(b, devices), Sources: []pms.Source{src}, Devices: devices, Clock: agent.NewClock(), Log: zerolog.Nop(),
	})
	if err := a.Run(ctx, ctx); err != nil {
		b.Fatal(err)
	}
	return src.done.Sub(s.Audit().Subscriptions[subscriptions].At)
}

func defaultTable(b *testing.B, devices []agent.Device) *rules.Table {
	list := must(rules.Parse(rules.Default()))(b)
	var seen []rules.Device
	for _, d := range devices {
		seen = append(seen, rules.Device{Name: d.Driver.String(), Kind: d.Kind, Actions: d.Actions})
	}
	compiled, problems := rules.Compile(list, seen, "encoder")
	for _, p := range problems {
		if !p.Warning {
			b.Fatal(p)
		}
	}
	return compiled
}

// counted is a link that stops the agent once so many notices are committed:
// the agent comes back for more only then.
type counted struct {
	pms.Source
	left   int
	enough func()
	done   time.Time
}

func (c *counted) Notices(ctx context.Context, after string) iter.Seq2[[]pms.Notice, error] {
	return func(yield func([]pms.Notice, error) bool) {
		for notices, err := range c.Source.Notices(ctx, after) {
			if !yield(notices, err) {
				return
			}
			if c.left -= len(notices); c.left <= 0 && c.done.IsZero() {
				c.done = time.Now()
				c.enough()
			}
		}
	}
}

// absent is a device that nobody has switched on.
type absent string

func (a absent) String() string              { return string(a) }
func (a absent) Halt() error                 { return nil }
func (a absent) Probe(context.Context) error { return errors.New("no answer") }
func (a absent) State() drivers.State        { return drivers.State{Condition: drivers.Offline} }
func (a absent) Do(context.Context, drivers.Command) (drivers.Receipt, error) {
	return drivers.Receipt{}, &drivers.LinkDown{Err: errors.New("no answer")}
}
