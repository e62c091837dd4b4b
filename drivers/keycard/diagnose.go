package keycard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Diagnosis is what Diagnose has found: what is on the line, and what to do about it.
type Diagnosis struct {
	OK     bool
	Text   string
	Advice string // "" if there is nothing to do
}

// probeWait is how long an answer to ENQ is waited for at each speed: it takes
// milliseconds from whoever is there.
const probeWait = time.Second

// probeBauds are the speeds to try, the likeliest first.
var probeBauds = []int{9600, 19200, 38400, 57600, 115200, 4800, 2400}

// sight is what came back to ENQ at one speed.
type sight struct {
	asked, answered int  // ENQ sent; ACK or NAK received
	busy            bool // the last answer was NAK
	echoes          int
	parity          int // answers with bit 7 set
	noise           []byte
	frames          int
}

// Diagnose finds out what stands at the other end of the line, for whoever sets
// it up. It sends nothing but ENQ, or asks a PN532 for its firmware, which changes
// nothing, and reports each try in one line. The agent must not be running: it has the port.
func Diagnose(ctx context.Context, cfg Config, report func(string)) Diagnosis {
	for path, problem := range cfg.Problems() {
		return Diagnosis{Text: path + ": " + problem}
	}
	cfg = cfg.WithDefaults()
	if cfg.IsPN532() {
		return diagnoseModule(ctx, cfg, report)
	}
	caveat := cfg.dialectOf().caveat
	if cfg.Address != "" {
		seen, err := look(ctx, cfg)
		if err != nil {
			return Diagnosis{Text: err.Error()}
		}
		report(cfg.Address + ": " + seen.text())
		d, _ := seen.conclude(cfg, "over TCP")
		return d.with(caveat)
	}
	return diagnoseSerial(ctx, cfg, report).with(caveat)
}

// with adds what must be told beside every good word.
func (d Diagnosis) with(caveat string) Diagnosis {
	if d.OK && caveat != "" {
		d.Advice = strings.TrimPrefix(d.Advice+"; "+caveat, "; ")
	}
	return d
}

func diagnoseSerial(ctx context.Context, cfg Config, report func(string)) Diagnosis {
	set := cfg.Baud
	tried := slices.DeleteFunc(slices.Clone(probeBauds), func(baud int) bool { return baud == set })
	unreadable := false
	for _, baud := range append([]int{set}, tried...) {
		cfg.Baud = baud
		seen, err := look(ctx, cfg)
		switch {
		case err == nil:
		case baud != set && errors.Is(err, errSpeed):
			report(fmt.Sprintf("%d baud: the adapter cannot do it", baud))
			continue
		default:
			return Diagnosis{Text: err.Error()}
		}
		report(fmt.Sprintf("%d baud: %s", baud, seen.text()))
		d, done := seen.conclude(cfg, fmt.Sprintf("at %d baud", baud))
		switch {
		case done && baud != set && seen.answered > 0:
			return Diagnosis{Text: fmt.Sprintf("the lock system answers at %d baud, not at %d", baud, set), Advice: fmt.Sprintf("write baud: %d", baud)}
		case done:
			return d
		}
		unreadable = unreadable || len(seen.noise) > 0 || seen.frames > 0
	}
	if unreadable {
		return Diagnosis{Text: "bytes come back, but they make sense at no speed",
			Advice: "set the lock system to 8 data bits, no parity, and stop_bits as it has them; then check ground and length of the cable, and that no other program answers on the line"}
	}
	return Diagnosis{Text: "nothing answers at any speed",
		Advice: "check that the lock system runs and that its PMS channel is set to this line; then the cable: sent and received data must cross (null modem) between two computers"}
}

// look asks twice and gathers what comes.
func look(ctx context.Context, cfg Config) (sight, error) {
	stream, err := dial(ctx, cfg)
	if err != nil {
		return sight{}, err
	}
	cfg.StripEcho = false // an echo is to be seen
	l := newLink(stream, cfg, &trace{}, nil)
	defer l.close()
	var seen sight
	for range 2 {
		if err := l.write([]byte{enq}, nil); err != nil {
			return seen, err
		}
		seen.asked++
		if err := seen.gather(ctx, l, min(probeWait, cfg.Timers.Ack)); err != nil {
			return seen, err
		}
		if seen.answered == 0 && len(seen.noise) > 0 {
			break // it will not become readable
		}
	}
	return seen, nil
}

// gather listens until ENQ is answered, and a moment longer: an ACK on the heels
// of a NAK is the newer state, and an echo may come beside the answer.
func (seen *sight) gather(ctx context.Context, l *link, wait time.Duration) error {
	before, deadline := seen.answered, time.Now().Add(wait)
	for {
		tok, err := l.next(ctx, deadline)
		switch {
		case errors.Is(err, errTimeout):
			return nil
		case err != nil:
			return err
		case tok.is(enq):
			seen.echoes++
		case tok.is(ack), tok.is(nak):
			seen.answered++
			seen.busy = tok.is(nak)
		case tok.kind == kindFrame:
			seen.frames++
		case tok.kind == kindNoise && (tok.b == ack|0x80 || tok.b == nak|0x80):
			seen.parity++
			seen.noise = append(seen.noise, tok.b)
		case tok.kind != kindNoise: // a piece of a frame
			seen.noise = append(seen.noise, stx)
		default:
			seen.noise = append(seen.noise, tok.b)
		}
		seen.noise = seen.noise[:min(len(seen.noise), 1024)]
		if quick := time.Now().Add(wait / 10); seen.answered > before && quick.Before(deadline) {
			before, deadline = seen.answered, quick
		}
	}
}

// text says what was seen, without what could be somebody's name.
func (seen sight) text() string {
	var parts []string
	switch {
	case seen.answered > 0 && seen.busy:
		parts = append(parts, "answers that it is busy (NAK)")
	case seen.answered > 0:
		parts = append(parts, "answers (ACK)")
	}
	if seen.echoes > 0 {
		parts = append(parts, "our own bytes come back")
	}
	if n := len(seen.noise); n > 0 {
		shown := make([]string, 0, 8)
		for _, b := range seen.noise[:min(n, 8)] {
			if b >= 0x20 && b <= 0x7E {
				shown = append(shown, "..")
			} else {
				shown = append(shown, strings.ToUpper(strconv.FormatUint(uint64(b)|0x100, 16)[1:]))
			}
		}
		if n > 8 {
			shown = append(shown, "…")
		}
		parts = append(parts, fmt.Sprintf("unreadable bytes: %s", strings.Join(shown, " ")))
	}
	if seen.frames > 0 {
		parts = append(parts, "a message that belongs to an earlier command")
	}
	if len(parts) == 0 {
		return "no answer"
	}
	return strings.Join(parts, ", ")
}

// conclude says what it means; done is false if another speed may tell more.
func (seen sight) conclude(cfg Config, where string) (d Diagnosis, done bool) {
	alive := seen.answered >= seen.asked
	switch {
	case seen.parity > 0 && seen.parity*2 >= len(seen.noise):
		return Diagnosis{Text: "answers come with bit 7 set " + where + ": the other side sends a parity bit",
			Advice: "set the lock system to 8 data bits, no parity"}, true
	case seen.echoes > 0 && seen.answered == 0 && len(seen.noise) == 0:
		return Diagnosis{Text: "our own bytes come back and nothing else: a loop plug, or an adapter with echo and nothing behind it",
			Advice: "take the loop plug off; else check the cable from the adapter to the lock system, and that the lock system runs"}, true
	case alive && seen.echoes > 0 && !cfg.StripEcho:
		return Diagnosis{Text: "the lock system answers " + where + ", and our own bytes come back beside its answers",
			Advice: "write strip_echo: true, or switch the adapter's echo off"}, true
	case alive && len(seen.noise) > 0:
		return Diagnosis{Text: "the lock system answers " + where + ", among unreadable bytes",
			Advice: "check stop_bits, then ground and length of the cable, and whether mains cables run beside it"}, true
	case alive:
		return seen.well(cfg, where), true
	case seen.answered > 0:
		return Diagnosis{Text: fmt.Sprintf("the lock system answers %s, but only %d of %d questions", where, seen.answered, seen.asked),
			Advice: "check plugs and cable, and whether another program has the line: a terminal, ModemManager, a second agent"}, true
	case cfg.Address != "" && len(seen.noise) > 0:
		return Diagnosis{Text: "somebody answers at " + cfg.Address + ", but not in the language of lock systems",
			Advice: "check host and port; at a serial device server set the raw mode, and speed, 8 data bits and no parity as the lock system has them"}, true
	case cfg.Address != "":
		return Diagnosis{Text: "the connection to " + cfg.Address + " stands, but nothing answers on it",
			Advice: "check that the PMS channel of the lock system is switched on, is of the protocol that the property file names, and listens on this port"}, true
	}
	return Diagnosis{}, false
}

func (seen sight) well(cfg Config, where string) Diagnosis {
	d := Diagnosis{OK: true, Text: "the lock system answers " + where}
	if seen.busy {
		d.Text += " and is busy"
		d.Advice = "if it stays so, look at the lock system: it may wait for a card"
	}
	if cfg.StripEcho && seen.echoes == 0 {
		d.Advice = "no echo comes back: remove strip_echo"
	}
	return d
}
