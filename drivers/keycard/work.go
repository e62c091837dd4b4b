package keycard

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"edgeagent/drivers"
)

// job is a request to the goroutine that owns the port.
type job struct {
	ctx   context.Context
	cmd   drivers.Command
	plan  plan
	probe bool
	reply chan outcome // takes one without waiting
}

// outcome is what became of a job. keep says that something happened, or may have.
type outcome struct {
	receipt drivers.Receipt
	err     error
	keep    bool
}

// work does a job and answers it. The error is the link's, for serve.
func (s *session) work(j *job) error {
	if j.probe {
		err := s.ask(j.ctx, s.stray)
		j.reply <- outcome{err: j.verdict(err, 0).err}
		return err
	}
	if note, err := s.d.leftAlone(j.cmd, time.Now()); note != "" || err != nil {
		j.reply <- outcome{receipt: drivers.Receipt{Note: note}, err: err, keep: err == nil}
		return nil
	}
	receipt := drivers.Receipt{Values: map[string]string{}}
	made := 0
	for i := range j.plan.steps {
		r, err := s.perform(j, &j.plan.steps[i])
		if err == nil && r.code != "" {
			err = s.d.failure(r, &j.plan.steps[i])
		}
		if err != nil {
			if s.d.orphan != nil && s.d.orphan.step != nil && s.d.orphan.id == "" {
				s.d.orphan.id = j.cmd.ID
			}
			out := j.verdict(err, made)
			if out.receipt = receipt; errors.Is(out.err, drivers.ErrUnknown) && (j.plan.action == actionEncode || j.plan.action == actionMobile) {
				j.plan.remember(receipt.Values, time.Now()) // if it was made after all
			}
			j.reply <- out
			return err
		}
		made++
		s.d.record(j, &receipt, r, made)
	}
	receipt.Note = or(receipt.Note, j.plan.note(s.d))
	j.reply <- outcome{receipt: receipt, keep: true}
	return nil
}

// record adds a finished step to the receipt.
func (d *Driver) record(j *job, receipt *drivers.Receipt, r result, made int) {
	switch j.plan.action {
	case actionCancel:
		receipt.Values[drivers.ValueAt] = instant(time.Now())
	case actionEncode:
		receipt.Values["cards"] = strconv.Itoa(made)
		j.plan.remember(receipt.Values, time.Now())
		if r.uid != "" {
			receipt.Values["uid_"+strconv.Itoa(made)] = r.uid
		}
		j.progress(drivers.StepCardDone)
	case actionMobile:
		j.plan.remember(receipt.Values, time.Now())
	case actionRead:
		receipt.Note, receipt.Values = r.card.note(d.site.Zone), r.card.values(d.site.Zone)
		j.progress(drivers.StepCardDone)
	case actionTrack:
		receipt.Note, receipt.Values["text"] = "track read", printable(r.track, maxFrame)
		j.progress(drivers.StepCardDone)
	case actionWrite:
		j.progress(drivers.StepCardDone)
	}
}

// perform does one step; a busy or silent encoder is asked again within bounds.
func (s *session) perform(j *job, st *step) (result, error) {
	end := time.Now().Add(s.t.Busy)
	second := false
	for pause := s.t.Busy / 10; ; pause *= 2 {
		r, err := s.exchange(j.ctx, st, func(sent bool) {
			if sent {
				j.progress(drivers.StepSent)
			} else {
				j.progress(drivers.StepAccepted)
			}
		})
		if err != nil {
			return r, err
		}
		s.d.noteEncoder(r, st)
		info := s.d.dialect.codeOf(st.command, r.code)
		switch {
		case r.code == "", j.plan.action == actionCancel: // whoever has made the room busy may have made the next guest's key
			return r, nil
		case info.once > 0 && !second:
			second, pause = true, s.t.Busy/time.Duration(info.once)
		case info.once > 0, info.class != classRetry, time.Now().Add(pause).After(end):
			return r, nil
		case info.ours && s.stillBusy():
			return result{}, again(info.reason, "the encoder is still busy with an earlier card")
		}
		if err := s.listen(j.ctx, spread(pause), s.stray); err != nil {
			return result{}, err
		}
	}
}

// what says what is being done, for the status page.
func (j *job) what() string {
	switch {
	case j.probe:
		return "probe"
	case j.plan.room != "":
		return j.plan.action + " for room " + printable(j.plan.room, maxName)
	}
	return j.plan.action
}

func (j *job) progress(step drivers.Step) {
	if j.cmd.Progress != nil {
		j.cmd.Progress(step)
	}
}

// failure is the error of an error result.
func (d *Driver) failure(r result, st *step) error {
	info := d.dialect.codeOf(st.command, r.code)
	hint := info.hint
	if r.worded {
		hint += ", and says more on its own screen"
	}
	f := refused(info.reason, "%s", hint)
	if d.dialect.couldBeSuccess(st.command, r.code) {
		f = unknown(ProtocolError, "the answer is one letter away from success, and the line may have changed it: read the card")
	}
	if f.Code = r.code; info.class == classRetry {
		f.kind = nil
	}
	return f
}

// verdict turns the error that ended a job into the agent's words.
func (j *job) verdict(err error, made int) outcome {
	if err == nil {
		return outcome{}
	}
	wanted := len(j.plan.steps)
	f, isFailure := errors.AsType[*Failure](err)
	switch {
	case isFailure && errors.Is(f, drivers.ErrUnknown):
		return j.uncertain(f, made)
	case made > 0:
		// Trying the command again would cut these cards again.
		g := refused(LinkLost, "%s", err)
		if isFailure {
			g = refused(f.Reason, "%s", f.Hint)
			g.Code = f.Code
		} else if j.ctx.Err() != nil {
			g.Reason = Cancelled
		}
		g.Made, g.Wanted = made, wanted
		g.Hint += "; make a duplicate for each card that is missing"
		return outcome{err: g, keep: true}
	case isFailure:
		return outcome{err: f}
	}
	if down, ok := errors.AsType[*linkError](err); ok {
		return outcome{err: &drivers.LinkDown{Err: down}}
	}
	if errors.Is(err, errHalted) {
		return outcome{err: &drivers.LinkDown{Err: err}}
	}
	return outcome{err: fmt.Errorf("given up before the lock system took it: %w", err)}
}

// uncertain: checking a room out and reading a card do no harm when repeated,
// cutting a card does.
func (j *job) uncertain(f *Failure, made int) outcome {
	switch j.plan.action {
	case actionCancel:
		return outcome{err: again(f.Reason, "%s", f.Hint)}
	case actionRead, actionTrack:
		return outcome{err: refused(f.Reason, "%s", f.Hint)}
	}
	f.Made, f.Wanted = made, len(j.plan.steps)
	return outcome{err: f, keep: true}
}
