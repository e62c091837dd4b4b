package mews

import (
	"iter"
	"time"
)

// Waits are the timers of a link. The zero value of each means the default,
// which is what a hotel wants; a simulated hotel on a bench sets them short so
// that a day takes a minute. All are durations such as "10s".
type Waits struct {
	// BackoffMin doubles up to BackoffMax with every failure in a row (2s, 120s),
	// for the socket and for requests.
	BackoffMin time.Duration `yaml:"backoff_min"`
	BackoffMax time.Duration `yaml:"backoff_max"`
	// Stable is how long a socket must last for earlier failures to be forgotten (30s).
	Stable time.Duration `yaml:"stable"`
	// Refused is the wait after Mews refused the tokens, doubled up to RefusedMax (5m, 30m).
	Refused    time.Duration `yaml:"refused"`
	RefusedMax time.Duration `yaml:"refused_max"`
	// Handshake limits opening the socket (20s), Quick a request that a person
	// waits for (12s), Bulk one that reads a page (60s).
	Handshake time.Duration `yaml:"handshake"`
	Quick     time.Duration `yaml:"quick"`
	Bulk      time.Duration `yaml:"bulk"`
	// Ping is how often the socket is asked for a sign of life (30s); it is dead
	// after Dead without one (75s).
	Ping time.Duration `yaml:"ping"`
	Dead time.Duration `yaml:"dead"`
	// Gather is how long events may keep coming before what they name is read
	// (100ms of quiet, at most 5 times that).
	Gather time.Duration `yaml:"gather"`
	// Lag is when a read that shows less than its event said is repeated: after
	// one, three and ten times this (1s).
	Lag time.Duration `yaml:"lag"`
	// Overlap is read again before the watermark (3m).
	Overlap time.Duration `yaml:"overlap"`
	// Commands, Stays, Rooms and Guests are how often each is polled while the
	// socket is open (60s, 15m, 1h, 10m), the others while it is down (5s, 30s, 3m, 10m).
	Commands     time.Duration `yaml:"commands"`
	CommandsDown time.Duration `yaml:"commands_down"`
	Stays        time.Duration `yaml:"stays"`
	StaysDown    time.Duration `yaml:"stays_down"`
	Rooms        time.Duration `yaml:"rooms"`
	RoomsDown    time.Duration `yaml:"rooms_down"`
	Guests       time.Duration `yaml:"guests"`
	GuestsDown   time.Duration `yaml:"guests_down"`
	// House is how often configuration, services and categories are read (24h).
	House time.Duration `yaml:"house"`
	// ClockTolerance is how far Mews's clock may be from ours unnoticed (2m).
	ClockTolerance time.Duration `yaml:"clock_tolerance"`
}

type waitField struct {
	name  string
	value *time.Duration
	def   time.Duration
}

// fields lists every timer with its yaml name and default.
func (w *Waits) fields() []waitField {
	return []waitField{
		{"backoff_min", &w.BackoffMin, 2 * time.Second},
		{"backoff_max", &w.BackoffMax, 120 * time.Second},
		{"stable", &w.Stable, 30 * time.Second},
		{"refused", &w.Refused, 5 * time.Minute},
		{"refused_max", &w.RefusedMax, 30 * time.Minute},
		{"handshake", &w.Handshake, 20 * time.Second},
		{"quick", &w.Quick, 12 * time.Second},
		{"bulk", &w.Bulk, 60 * time.Second},
		{"ping", &w.Ping, 30 * time.Second},
		{"dead", &w.Dead, 75 * time.Second},
		{"gather", &w.Gather, 100 * time.Millisecond},
		{"lag", &w.Lag, time.Second},
		{"overlap", &w.Overlap, 3 * time.Minute},
		{"commands", &w.Commands, 60 * time.Second},
		{"commands_down", &w.CommandsDown, 5 * time.Second},
		{"stays", &w.Stays, 15 * time.Minute},
		{"stays_down", &w.StaysDown, 30 * time.Second},
		{"rooms", &w.Rooms, time.Hour},
		{"rooms_down", &w.RoomsDown, 3 * time.Minute},
		{"guests", &w.Guests, 10 * time.Minute},
		{"guests_down", &w.GuestsDown, 10 * time.Minute},
		{"house", &w.House, 24 * time.Hour},
		{"clock_tolerance", &w.ClockTolerance, 2 * time.Minute},
	}
}

func (w Waits) withDefaults() Waits {
	for _, f := range w.fields() {
		if *f.value == 0 {
			*f.value = f.def
		}
	}
	return w
}

// Problems yields every timer that cannot work.
func (w *Waits) Problems() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, f := range w.fields() {
			if *f.value < 0 && !yield(f.name, "must not be negative; leave it out for the default of "+f.def.String()) {
				return
			}
		}
		full := w.withDefaults()
		if full.Dead <= full.Ping {
			yield("dead", "must be longer than ping, else every quiet socket is taken for a dead one")
		}
	}
}
