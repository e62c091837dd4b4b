package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"golang.org/x/term"
)

// waiting shows on a terminal that something takes time, once it has taken more
// than a second: what is awaited, and since when. Where nobody looks it says
// nothing. A nil one is fit for use.
type waiting struct {
	mu    sync.Mutex
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
			w.mu.Lock()
			fmt.Fprintf(w.out, "\r%s … %s\x1b[K", what, ago(time.Since(begun)))
			w.shown = true
			w.mu.Unlock()
		case <-w.stop:
			return
		}
	}
}

// hide takes the line away for now: something else is written in its place.
func (w *waiting) hide() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.shown {
		fmt.Fprint(w.out, "\r\x1b[K")
		w.shown = false
	}
}

// over ends the wait.
func (w *waiting) over() {
	if w == nil {
		return
	}
	close(w.stop)
	<-w.done
	w.hide()
}
