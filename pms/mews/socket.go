package mews

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"edgeagent/pms"
)

// readLimit is the biggest frame that is taken; Mews names no limit.
const readLimit = 16 << 20

// socketPath is where Mews serves its events (Connector API, WebSockets).
const socketPath = "/ws/connector"

// keepOpen keeps a socket open until ctx is done: whatever ends one, the next
// is opened after a while, with jitter, so that the gateways of a city do not
// all come back at once.
func (s *Source) keepOpen(ctx context.Context, in *inbox) {
	for failures := 0; ctx.Err() == nil; {
		s.board.State(pms.LinkConnecting, time.Time{})
		opened, err := s.follow(ctx, in)
		s.setOpen(false)
		if ctx.Err() != nil {
			return
		}
		if !opened.IsZero() && s.now().Sub(opened) >= s.waits.Stable {
			failures = 0
		}
		if errors.Is(err, errRedial) {
			s.log.Info().Msg("pms socket is opened anew, as asked")
			continue
		}
		failures++
		wait := s.pauseSocket(err, failures)
		in.change(func() { in.opened, in.closed = false, err })
		s.log.Warn().Err(err).Dur("wait", wait).Msg("pms socket ended")
		state := pms.LinkWaiting
		if refusedUpgrade(err) {
			state = pms.LinkParked
		}
		s.board.State(state, s.now().Add(wait))
		s.board.Problem(fmt.Sprintf("%s; meanwhile the agent asks Mews again and again", err))
		s.restSocket(ctx, wait, err)
	}
}

func (s *Source) setOpen(open bool) {
	s.openMu.Lock()
	defer s.openMu.Unlock()
	s.open = open
}

// showLive puts the link to live, unless the socket has just ended: then the
// follower does not know yet, and the page would say so until the next try.
func (s *Source) showLive() {
	s.openMu.Lock()
	defer s.openMu.Unlock()
	if s.open {
		s.board.State(pms.LinkLive, time.Time{})
	}
}

// restSocket waits, unless somebody wants the socket now.
func (s *Source) restSocket(ctx context.Context, wait time.Duration, err error) {
	var pair tokenPair
	if e, ok := errors.AsType[*upgradeError](err); ok && refusedUpgrade(err) {
		pair = e.with
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rested := make(chan struct{})
	go func() {
		defer close(rested)
		_ = s.api.rest(ctx, wait, pair) // its error is that of ctx
	}()
	select {
	case <-s.redial:
		cancel()
		<-rested
	case <-rested:
	}
}

// errRedial ends a socket that somebody wants opened anew.
var errRedial = errors.New("opened anew")

// upgradeError is an upgrade that Mews did not grant.
type upgradeError struct {
	status int
	wait   time.Duration
	with   tokenPair
}

func (e *upgradeError) Error() string {
	switch {
	case e.status == http.StatusUnauthorized || e.status == http.StatusForbidden:
		return fmt.Sprintf("socket: HTTP %d: Mews refuses the tokens for the socket: check both token files, and ask Mews support whether WebSockets are enabled for this integration", e.status)
	case e.status == http.StatusNotFound:
		return "socket: HTTP 404: nothing serves sockets there; socket_url must be the host that begins with ws."
	}
	return fmt.Sprintf("socket: HTTP %d: %s", e.status, reactionTo(e.status).means)
}

func refusedUpgrade(err error) bool {
	e, ok := errors.AsType[*upgradeError](err)
	return ok && e.status >= 400 && e.status < 500 && e.status != http.StatusTooManyRequests && e.status != http.StatusRequestTimeout
}

// pauseSocket is how long to wait after the nth failure in a row.
func (s *Source) pauseSocket(err error, n int) time.Duration {
	first, most := s.waits.BackoffMin, s.waits.BackoffMax
	if e, ok := errors.AsType[*upgradeError](err); ok && e.wait > 0 {
		return e.wait + rand.N(first/4+1)
	}
	if refusedUpgrade(err) {
		first, most = s.waits.Refused, s.waits.RefusedMax
	}
	return backoff(first, most, n)
}

// follow opens one socket and takes in what it says until it ends. opened is
// when it was, zero if never.
func (s *Source) follow(ctx context.Context, in *inbox) (opened time.Time, err error) {
	conn, err := s.dial(ctx)
	if err != nil {
		return opened, err
	}
	opened = s.now()
	ctx, cancel := context.WithCancelCause(ctx)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer cancel(nil)
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() {
		if errors.Is(context.Cause(ctx), errRedial) || ctx.Err() != nil {
			_ = conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
		}
		conn.Close() // the reader finds out at once
	})
	defer stop()
	conn.SetReadLimit(readLimit)
	alive := func() error {
		s.board.Heard(s.now())
		return conn.SetReadDeadline(time.Now().Add(s.waits.Dead))
	}
	conn.SetPongHandler(func(string) error { return alive() })
	conn.SetPingHandler(func(data string) error {
		// An answer that cannot be sent is found by the next read.
		_ = conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(5*time.Second))
		return alive()
	})
	s.setOpen(true)
	in.change(func() { in.opened, in.closed = true, nil })
	s.log.Info().Msg("pms socket is open")
	tasks.Go(func() { s.beat(ctx, conn, cancel) })
	for {
		if err := alive(); err != nil {
			return opened, err
		}
		_, text, err := conn.ReadMessage()
		if err != nil {
			if cause := context.Cause(ctx); cause != nil {
				err = cause
			}
			return opened, socketEnd(err, s.waits.Dead)
		}
		at := s.now()
		n, ok := in.frame(text, at)
		if n > 0 {
			s.board.HeardEvent(at)
		}
		if !ok {
			s.log.Warn().Int("bytes", len(text)).Msg("pms frame cannot be decoded; it goes into quarantine")
		}
	}
}

// beat asks for a sign of life, and ends the socket when it should be opened anew.
func (s *Source) beat(ctx context.Context, conn *websocket.Conn, cancel context.CancelCauseFunc) {
	ping := time.NewTicker(s.waits.Ping)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.redial:
			cancel(errRedial)
			return
		case <-ping.C:
			// Failure shows at the read.
			_ = conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(5*time.Second))
		}
	}
}

// dial opens a socket. The tokens go as cookies, with no blank around the equals
// sign, and never in the address, which proxies write down (Connector API, WebSockets).
func (s *Source) dial(ctx context.Context) (*websocket.Conn, error) {
	clientToken, accessToken, err := s.api.tokens()
	if err != nil {
		return nil, err
	}
	dialer := websocket.Dialer{
		NetDialContext: s.net.dialer.DialContext, TLSClientConfig: s.net.tls.Clone(), Proxy: http.ProxyFromEnvironment,
		HandshakeTimeout: s.waits.Handshake, ReadBufferSize: 16 << 10, WriteBufferSize: 1 << 10,
	}
	header := http.Header{
		"Cookie":     {"ClientToken=" + clientToken + "; AccessToken=" + accessToken},
		"User-Agent": {s.api.product},
	}
	ctx, cancel := context.WithTimeout(ctx, s.waits.Handshake)
	defer cancel()
	conn, resp, err := dialer.DialContext(ctx, s.cfg.SocketURL+socketPath, header)
	if resp != nil {
		s.learnDate(resp)
	}
	if err == nil {
		return conn, nil
	}
	if resp != nil && errors.Is(err, websocket.ErrBadHandshake) && resp.StatusCode != http.StatusSwitchingProtocols {
		return nil, &upgradeError{resp.StatusCode, retryAfter(resp.Header, s.now()), pairOf(clientToken, accessToken)}
	}
	return nil, fmt.Errorf("socket: %w", netCause(ctx, err))
}

func (s *Source) learnDate(resp *http.Response) {
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		now := s.now()
		s.clock.learn(date.Add(500*time.Millisecond), now, now)
	}
}

// socketEnd words why a socket ended.
func socketEnd(err error, dead time.Duration) error {
	var closed *websocket.CloseError
	var timeout net.Error // the library hides the error of the deadline
	switch {
	case errors.Is(err, errRedial):
		return err
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("socket: no sign of life for %s", dead)
	case errors.Is(err, websocket.ErrReadLimit):
		return fmt.Errorf("socket: a frame of over %d MB", readLimit>>20)
	case errors.As(err, &closed) && closed.Code == websocket.ClosePolicyViolation:
		return errors.New("socket: Mews closed it (1008): perhaps the tokens are not valid any more")
	case errors.As(err, &closed):
		return fmt.Errorf("socket: Mews closed it (%d)", closed.Code)
	}
	return fmt.Errorf("socket: %w", err)
}
