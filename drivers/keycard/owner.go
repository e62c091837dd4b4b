package keycard

import (
	"context"
	"errors"
	"time"

	"edgeagent/drivers"
)

// run owns the port until Halt: open, converse, and after a loss open again.
func (d *Driver) run() {
	defer close(d.done)
	pause := d.cfg.Timers.Reopen
	for {
		err := lineOf(d.converse(func() { pause = d.cfg.Timers.Reopen }))
		if errors.Is(err, errHalted) {
			d.setState(drivers.Offline, errHalted.Error())
			return
		}
		d.setState(drivers.Offline, err.Error())
		if !d.offline(pause, err) {
			return
		}
		pause = min(2*pause, d.cfg.Timers.ReopenMax)
	}
}

// offline waits before the port is opened again, and answers whoever asks meanwhile.
func (d *Driver) offline(pause time.Duration, why error) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case j := <-d.jobs:
			j.reply <- outcome{err: &drivers.LinkDown{Err: why}}
		case <-timer.C:
			return true
		case <-d.halt:
			return false
		}
	}
}

// converse opens the link and serves it until it breaks.
func (d *Driver) converse(opened func()) (err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-d.halt:
			cancel()
		case <-ctx.Done():
		}
	}()
	stream, err := d.dial(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return errHalted
		}
		return err
	}
	s := &session{link: newLink(stream, d.cfg, &d.trace, d.halt), d: d, t: d.cfg.Timers, tells: d.cfg.tells(), confirms: *d.cfg.AckResult}
	defer s.close()
	d.trace.note("the line is open")
	if port, ok := stream.(*serialPort); ok && port.lock == nil {
		d.trace.note("there is no lock file: " + port.unlocked.Error())
		d.site.Log.Warn().Str("device", d.name).Err(port.unlocked).Msg("there is no lock file; other programs may open the port too")
	}
	defer func() { d.trace.note(lineOf(err).Error()) }()
	interrupted := d.first && (d.site.Interrupted == nil || d.site.Interrupted(d.name))
	if d.first = false; interrupted {
		// An earlier process has died between an ACK and its result, or may have.
		d.orphan = &orphan{until: time.Now().Add(d.cfg.Timers.Late), firm: !s.tells}
	}
	if err := s.hello(); err != nil {
		return err
	}
	opened()
	return s.serve()
}

// hello asks whether anybody is there, and whether our own bytes come back.
func (s *session) hello() error {
	for range 2 {
		got, err := s.poll(context.Background(), s.stray)
		if err != nil {
			return err
		}
		if s.seen.echoes > 0 && got != silent {
			return errors.New("our own bytes come back beside the answers: set strip_echo: true, or switch the adapter's echo off")
		}
		if got != silent {
			return nil
		}
	}
	return s.silence()
}

// serve carries out jobs one at a time, and keeps an idle link alive.
func (s *session) serve() error {
	for {
		if s.d.orphan != nil {
			if err := s.quarantine(); err != nil {
				return err
			}
			continue
		}
		s.d.setIdle()
		j, err := s.idle()
		if err != nil {
			return err
		}
		if j == nil {
			err = s.ask(context.Background(), s.stray)
		} else {
			s.d.setState(drivers.Busy, j.what())
			err = s.work(j)
		}
		if _, down := errors.AsType[*linkError](err); down || errors.Is(err, errHalted) {
			return err
		}
	}
}

// idle waits for a job; nil when it is time to ask whether the link is alive.
func (s *session) idle() (*job, error) {
	timer := time.NewTimer(s.t.Keepalive)
	defer timer.Stop()
	for {
		s.drain(s.unsolicited)
		select {
		case j := <-s.d.jobs:
			return j, nil
		case piece, ok := <-s.in:
			if err := s.take(piece, ok); err != nil {
				return nil, &linkError{err: err}
			}
		case <-timer.C:
			return nil, nil
		case <-s.halt:
			return nil, errHalted
		}
	}
}
