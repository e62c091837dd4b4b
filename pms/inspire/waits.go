package inspire

import (
	"iter"
	"time"
)

// Waits are the timers of a link. The zero value of each means the default of
// the dialect, which is what a hotel wants; a simulated hotel on a bench sets
// them short so that a day takes a minute. All are durations such as "10s".
type Waits struct {
	// Gap between the end of one stream and the start of the next (10s).
	Gap time.Duration `yaml:"gap"`
	// Lock is the wait after the PMS said that another stream holds the chain
	// (120s), LockJitter what is added at random (30s).
	Lock       time.Duration `yaml:"lock"`
	LockJitter time.Duration `yaml:"lock_jitter"`
	// BackoffMin doubles up to BackoffMax with every failure in a row (2s, 120s).
	BackoffMin time.Duration `yaml:"backoff_min"`
	BackoffMax time.Duration `yaml:"backoff_max"`
	// BugBackoff is where the back-off starts when one side broke the protocol (60s).
	BugBackoff time.Duration `yaml:"bug_backoff"`
	// Limit is the wait after "too many requests" without a Retry-After (120s).
	Limit time.Duration `yaml:"limit"`
	// AwayJitter is added at random after the server said it is going away (20s).
	AwayJitter time.Duration `yaml:"away_jitter"`
	// ServerTimeout is the wait after the server's own time-out (15s).
	ServerTimeout time.Duration `yaml:"server_timeout"`
	// ParkMin and ParkMax bound how rarely a refused link is tried (5m, 30m).
	ParkMin time.Duration `yaml:"park_min"`
	ParkMax time.Duration `yaml:"park_max"`
	// Healthy is how long a stream must last to wipe out earlier failures (60s).
	Healthy time.Duration `yaml:"healthy"`
	// Kick: streams that end sooner than this look like another client's work (60s).
	Kick time.Duration `yaml:"kick"`
	// QuickEnd: a stream that the server completes sooner than this, without an
	// event, looks like a refusal (5s).
	QuickEnd time.Duration `yaml:"quick_end"`
	// Token, Handshake, Ack and Write limit one call each (15s, 20s, 15s, 10s).
	Token     time.Duration `yaml:"token"`
	Handshake time.Duration `yaml:"handshake"`
	Ack       time.Duration `yaml:"ack"`
	Write     time.Duration `yaml:"write"`
	// Ping is the heartbeat (15s; 10s at OPERA Cloud). Without any frame for
	// Suspect (45s) the link is doubted, for Dead (90s; 180s at OPERA Cloud) it
	// is given up, or for DeadNoPong (240s) when the peer never answers pings.
	Ping       time.Duration `yaml:"ping"`
	Suspect    time.Duration `yaml:"suspect"`
	Dead       time.Duration `yaml:"dead"`
	DeadNoPong time.Duration `yaml:"dead_no_pong"`
	// Drain is how long late events are awaited after our own complete (10s;
	// 30s at OPERA Cloud), Shutdown the same when the agent stops (5s).
	Drain    time.Duration `yaml:"drain"`
	Shutdown time.Duration `yaml:"shutdown"`
	// Settle: a replay without an event for this long is over (2s). CatchUp is
	// the longest that a stream which never pauses counts as replay (10m).
	Settle  time.Duration `yaml:"settle"`
	CatchUp time.Duration `yaml:"catch_up"`
	// ClockTolerance is how far the PMS's clock may be from ours (2m).
	ClockTolerance time.Duration `yaml:"clock_tolerance"`
	// RotateLead is how long before its token expires a stream is renewed (5m),
	// RotateJitter what is added at random (60s).
	RotateLead   time.Duration `yaml:"rotate_lead"`
	RotateJitter time.Duration `yaml:"rotate_jitter"`
	// Learned is how long a fallback that worked is kept (24h).
	Learned time.Duration `yaml:"learned"`
	// Quiet is the least silence that can look suspicious (12h).
	Quiet time.Duration `yaml:"quiet"`
	// LiveSave is how often the last live instant is written down (2m).
	LiveSave time.Duration `yaml:"live_save"`
}

type waitField struct {
	name  string
	value *time.Duration
	def   time.Duration
}

// fields lists every timer with its yaml name and default.
func (w *Waits) fields(d *dialect) []waitField {
	return []waitField{
		{"gap", &w.Gap, 10 * time.Second},
		{"lock", &w.Lock, 120 * time.Second},
		{"lock_jitter", &w.LockJitter, 30 * time.Second},
		{"backoff_min", &w.BackoffMin, 2 * time.Second},
		{"backoff_max", &w.BackoffMax, 120 * time.Second},
		{"bug_backoff", &w.BugBackoff, 60 * time.Second},
		{"limit", &w.Limit, 120 * time.Second},
		{"away_jitter", &w.AwayJitter, 20 * time.Second},
		{"server_timeout", &w.ServerTimeout, 15 * time.Second},
		{"park_min", &w.ParkMin, 5 * time.Minute},
		{"park_max", &w.ParkMax, 30 * time.Minute},
		{"healthy", &w.Healthy, 60 * time.Second},
		{"kick", &w.Kick, 60 * time.Second},
		{"quick_end", &w.QuickEnd, 5 * time.Second},
		{"token", &w.Token, 15 * time.Second},
		{"handshake", &w.Handshake, 20 * time.Second},
		{"ack", &w.Ack, 15 * time.Second},
		{"write", &w.Write, 10 * time.Second},
		{"ping", &w.Ping, d.ping},
		{"suspect", &w.Suspect, 45 * time.Second},
		{"dead", &w.Dead, d.dead},
		{"dead_no_pong", &w.DeadNoPong, 240 * time.Second},
		{"drain", &w.Drain, d.drain},
		{"shutdown", &w.Shutdown, 5 * time.Second},
		{"settle", &w.Settle, 2 * time.Second},
		{"catch_up", &w.CatchUp, 10 * time.Minute},
		{"clock_tolerance", &w.ClockTolerance, 2 * time.Minute},
		{"rotate_lead", &w.RotateLead, 5 * time.Minute},
		{"rotate_jitter", &w.RotateJitter, 60 * time.Second},
		{"learned", &w.Learned, 24 * time.Hour},
		{"quiet", &w.Quiet, 12 * time.Hour},
		{"live_save", &w.LiveSave, 2 * time.Minute},
	}
}

// withDefaults fills what is zero for the dialect.
func (w Waits) withDefaults(d *dialect) Waits {
	for _, f := range w.fields(d) {
		if *f.value == 0 {
			*f.value = f.def
		}
	}
	return w
}

// Problems yields every timer that cannot work.
func (w *Waits) Problems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, f := range w.fields(&dialects[0]) {
			if *f.value < 0 && !yield(f.name, "must not be negative; leave it out for the default of "+f.def.String()) {
				return
			}
		}
	}
}
