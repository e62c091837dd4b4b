package keycard

import (
	"bufio"
	"fmt"
	"io"
	"slices"
)

// recordAhead is how many lines wait for a slow disk before some are left out:
// the conversation with the lock system waits for no file.
const recordAhead = 4096

// Recorder writes what goes over a driver's line to a transcript, until Close.
type Recorder struct {
	trace *trace
	lines chan Line
	done  chan struct{}
	lost  int // lines that found no room; guarded by trace.mu
	err   error
}

// Record starts a transcript of the line. It holds no names, card numbers and
// tracks; the format is described beside Line. Lines are written whole, each as
// soon as there is a pause.
func (d *Driver) Record(w io.Writer) *Recorder { return d.trace.record(w, d.cfg.Protocol) }

func (t *trace) record(w io.Writer, protocol string) *Recorder {
	r := &Recorder{trace: t, lines: make(chan Line, recordAhead), done: make(chan struct{})}
	go r.write(w, protocol)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.recorders = append(t.recorders, r)
	return r
}

// Close ends the transcript and says what went wrong in writing it.
func (r *Recorder) Close() error {
	if r == nil {
		return nil
	}
	t := r.trace
	t.mu.Lock()
	i := slices.Index(t.recorders, r)
	if i >= 0 {
		t.flush()
		t.recorders = slices.Delete(t.recorders, i, i+1)
		close(r.lines)
	}
	lost := r.lost
	t.mu.Unlock()
	<-r.done
	if r.err != nil {
		return fmt.Errorf("the transcript is not whole: %w", r.err)
	}
	if lost > 0 {
		return fmt.Errorf("the transcript is not whole: %d lines found no room, because writing was too slow", lost)
	}
	return nil
}

// take is called with the trace's lock held, and does not wait.
func (r *Recorder) take(l Line) {
	select {
	case r.lines <- l:
	default:
		r.lost++
	}
}

func (r *Recorder) write(w io.Writer, protocol string) {
	defer close(r.done)
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "# edgeagent transcript 1 protocol %s\n", protocol)
	for l := range r.lines {
		if r.err != nil {
			continue
		}
		_, r.err = fmt.Fprintln(out, l)
		if r.err == nil && len(r.lines) == 0 {
			r.err = out.Flush()
		}
	}
	if r.err == nil {
		r.err = out.Flush()
	}
}
