// Package web shows how the agent stands, and lets a person set things off: a
// page for browsers, the same as plain text, JSON, Prometheus metrics and the two
// health checks. Every address stands in one table, with what it takes to use it.
package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"

	"edgeagent/internal/agent"
	"edgeagent/internal/logring"
	"edgeagent/pms"
	"edgeagent/rules"
)

// Page is what the server shows. Only Version is needed.
type Page struct {
	Version, Property string
	// Zone is the property's time zone, an IANA name: times are shown in it.
	Zone string
	// Problems is what is wrong with the property file, as check prints it;
	// "" if nothing. With problems there may be no agent, and Look is nil.
	Problems string
	Look     func() (agent.View, error)
	// Standing are conditions that hold whatever an agent finds, for where there is
	// none; one shows them itself. It is asked at each look; nil for none.
	Standing func() []agent.Condition
	// Pulse changes when Look would show something else; nil for never.
	Pulse func() uint64
	// Operator is what a person can do; nil where there is no agent.
	Operator *Operator
	// Rules explain events; nil where there is no agent.
	Rules *Rules
	// Lines is the log of late; nil for none.
	Lines *logring.Ring
	// Log is told who did what.
	Log zerolog.Logger

	// Users may log in. Where there are none, a link of the control socket does.
	Users []User
	// Address is where browsers find the page, such as http://127.0.0.1:8080.
	Address string
	// Secure says that it is https.
	Secure bool
	// Open says that others than this machine reach the page: then nobody sees
	// anything who has not logged in, and Named says by which names it is called.
	Open  bool
	Named func(host string) bool
	// Closing ends what never ends by itself: streams.
	Closing <-chan struct{}

	sessions sessions
	links    oneTime
	tries    limiter
	verify   turnstile
	hub      hub
}

// Rules explain what the rules make of an event. Nothing moves.
type Rules struct {
	// Sample makes an event, and those that come with it, of its kind and of fields
	// such as room=101.
	Sample func(kind string, fields []string) ([]pms.Event, error)
	// Happened is an event of the last ones, without the names of guests.
	Happened func(id string) (pms.Event, error)
	// Explain tells what the rules make of events that come together.
	Explain func(events []pms.Event) rules.Together
}

// Serve answers on the listener until ctx is done, and returns when nobody is
// being answered any more: what Look looks at may be closed then.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      30 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
	server.ErrorLog = another(server.ErrorLog)
	server.ErrorLog.SetOutput(io.Discard) // a scanner on the network must not fill the log
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if server.Shutdown(patience) != nil {
			_ = server.Close() // somebody reads very slowly
		}
	})
	err := server.Serve(l)
	if !stop() {
		<-ended
	}
	if !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("status page: %w", err)
	}
	return nil
}

// another is a new one of whatever it is: the server's logger, which nobody here
// must find by himself.
func another[T any](*T) *T { return new(T) }

// Handler is the page for browsers, scripts and whoever watches.
func (p *Page) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		if r.needs != bySocket {
			mux.Handle(r.pattern, p.guarded(r))
		}
	}
	return p.called(mux)
}

// Control is all that there is, for whoever may open the control socket.
func (p *Page) Control() http.Handler {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) {
			r.serve(p, w, as(req, visitor{user: "control socket", may: bySocket}))
		})
	}
	return mux
}
