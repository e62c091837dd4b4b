package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// waiting shows on a terminal that something takes time, once it has taken more
// than a second: what is awaited, and since when. Where nobody looks it says
// nothing.
type waiting struct {
	out   io.Writer
	shown bool
	stop  chan struct{}
	done  chan struct{}
}

// awaiting begins to wait for something, such as "asking wifi".
func awaiting(what string) *waiting {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return nil
	}
	return awaitingOn(os.Stderr, what, time.Second)
}

func awaitingOn(out io.Writer, what string, patience time.Duration) *waiting {
	w := &waiting{out: out, stop: make(chan struct{}), done: make(chan struct{})}
	go w.show(what, patience)
	return w
}

func (w *waiting) show(what string, patience time.Duration) {
	defer close(w.done)
	begun, tick := time.Now(), time.NewTicker(patience)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			fmt.Fprintf(w.out, "\r%s … %s\x1b[K", what, ago(time.Since(begun)))
			w.shown = true
		case <-w.stop:
			return
		}
	}
}

// over takes the line away again.
func (w *waiting) over() {
	if w == nil {
		return
	}
	close(w.stop)
	<-w.done
	if w.shown {
		fmt.Fprint(w.out, "\r\x1b[K")
	}
}
