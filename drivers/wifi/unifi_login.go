package wifi

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"edgeagent/drivers"
)

// Logging in as an administrator, for the software controller, which has no
// API keys, and for UniFi OS where a site prefers it. One session serves all
// calls: the controller allows about five log-ins a minute, and locks out
// whoever tries more.

const (
	classicLogin  = "/api/login"      // software controller: cookies unifises and, in some versions, csrf_token
	unifiOSLogin  = "/api/auth/login" // UniFi OS: cookie TOKEN, header X-CSRF-Token
	logInsAMinute = 4                 // of ours, so that one is left for a person
	unifiLockout  = time.Minute
)

var errLogIn = errors.New("log in")

type unifiLogin struct {
	now  func() time.Time
	gate sync.Mutex // held by whoever logs in

	mu      sync.Mutex
	session *unifiSession // nil: log in first
	kind    unifiKind     // as the last log-in found it
	coming  *unifiSession // of the log-in under way
	tries   []time.Time   // log-ins within the last minute
	until   time.Time     // none before: the controller has said so
}

// unifiKind tells the controllers apart.
type unifiKind int

const (
	unknownKind unifiKind = iota
	classicKind           // software controller
	unifiOSKind
)

type unifiSession struct {
	kind    unifiKind
	cookies map[string]string
	csrf    string
	since   time.Time
	// Of a session that nothing has been read or changed with, a refusal is about
	// the site or the rights, and another log-in would not help.
	reads, changes bool
}

// enter returns the session, and logs in if there is none.
func (u *unifi) enter(ctx context.Context) (*unifiSession, error) {
	l := u.login
	l.gate.Lock()
	defer l.gate.Unlock()
	l.mu.Lock()
	s, kind := l.session, l.kind
	l.mu.Unlock()
	if s != nil {
		return s, nil
	}
	if kind == unknownKind {
		var err error
		if kind, err = u.findKind(ctx); err != nil {
			return nil, fmt.Errorf("tell the controllers apart: %w", err)
		}
	}
	return u.logIn(ctx, kind)
}

// findKind: a software controller sends whoever asks for its root elsewhere, a
// console shows a page.
func (u *unifi) findKind(ctx context.Context) (unifiKind, error) {
	err := u.once(ctx, request{method: http.MethodGet, path: "/", decode: ignore})
	var answer *answerError
	if errors.As(err, &answer) && answer.status >= 300 && answer.status < 400 {
		return classicKind, nil
	}
	return unifiOSKind, err
}

func (u *unifi) logIn(ctx context.Context, kind unifiKind) (*unifiSession, error) {
	l := u.login
	password, err := u.secretFile("password_file", u.cfg.PasswordFile)
	if err != nil {
		return nil, err
	}
	if err := l.mayTry(); err != nil {
		return nil, err
	}
	path := unifiOSLogin
	if kind == classicKind {
		path = classicLogin
	}
	fresh := &unifiSession{kind: kind, cookies: map[string]string{}, since: u.now()}
	l.mu.Lock()
	l.coming = fresh
	l.mu.Unlock()
	body := struct {
		User     string `json:"username"`
		Password string `json:"password"`
	}{u.cfg.User, password}
	err = u.once(ctx, request{method: http.MethodPost, path: path, body: body, decode: ignore, fault: unifiFault})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.coming = nil
	switch {
	case err != nil:
		if notFound(err) {
			l.kind = unknownKind // the software has moved to a console, or back
		}
		return nil, u.logInError(err)
	case len(fresh.cookies) == 0:
		return nil, errors.New("log in: the answer holds no session")
	}
	l.session, l.kind = fresh, kind
	return fresh, nil
}

// mayTry counts a log-in, or says how long to wait for one.
func (l *unifiLogin) mayTry() error {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tries = slices.DeleteFunc(l.tries, func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	wait := l.until.Sub(now)
	if len(l.tries) >= logInsAMinute {
		wait = max(wait, time.Minute-now.Sub(l.tries[0]))
	}
	if wait > 0 {
		return &drivers.RetryAfter{Wait: wait, Err: errors.New("log in: too many log-ins within a minute")}
	}
	l.tries = append(l.tries, now)
	return nil
}

// logInError says what a refused log-in means; l.mu is held.
func (u *unifi) logInError(err error) error {
	var answer *answerError
	if !errors.As(err, &answer) {
		return fmt.Errorf("log in: %w", err)
	}
	limit := answer.code == "AUTHENTICATION_FAILED_LIMIT_REACHED"
	switch answer.status {
	case http.StatusTooManyRequests, http.StatusForbidden:
		if !limit {
			break
		}
		wait := unifiLockout
		if later, ok := errors.AsType[*drivers.RetryAfter](err); ok {
			wait = max(wait, later.Wait)
		}
		u.login.until = u.now().Add(wait)
		// Not with the answer itself: a 403 is not about rights here.
		return &drivers.RetryAfter{Wait: wait, Err: fmt.Errorf("log in: the controller answered %d %s", answer.status, answer.code)}
	case http.StatusBadRequest, http.StatusUnauthorized, statusSecondFactor:
		return &drivers.LinkDown{Err: fmt.Errorf("%w: %s answered %d: %s", errLogIn, u.base.Host, answer.status, u.refused)}
	}
	return fmt.Errorf("log in: %w", err)
}

// statusSecondFactor is what UniFi OS answers an account that needs one.
const statusSecondFactor = 499

// leave forgets a session that the controller no longer takes. Of many calls
// that are refused at once, the first does: the others find a newer one.
func (l *unifiLogin) leave(s *unifiSession) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == s {
		l.session = nil
	}
}

// left reports whether a session is no longer the one in use.
func (l *unifiLogin) left(s *unifiSession) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session != s
}

// heard keeps the cookies and the CSRF token, which any answer may renew, and
// forgets the session that an answer refuses.
func (l *unifiLogin) heard(res *http.Response) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s, change := l.session, res.Request.Method != http.MethodGet
	if loggingIn(res.Request.URL.Path) {
		s = l.coming
	}
	if s == nil || s == l.session && !s.on(res.Request) {
		return // sent with an older one
	}
	if res.StatusCode < 200 || res.StatusCode > 299 {
		old := l.now().Sub(s.since) > time.Minute
		if res.StatusCode == http.StatusUnauthorized && (s.reads || old) || res.StatusCode == http.StatusForbidden && change && s.changes {
			l.session = nil
		}
		return
	}
	if s == l.session {
		s.reads, s.changes = true, s.changes || change
	}
	for _, c := range res.Cookies() {
		switch c.Name {
		case "TOKEN", "unifises":
			s.cookies[c.Name] = c.Value
		case "csrf_token":
			s.cookies[c.Name], s.csrf = c.Value, c.Value
		}
	}
	for _, name := range []string{"X-CSRF-Token", "X-Updated-CSRF-Token"} {
		if token := res.Header.Get(name); token != "" {
			s.csrf = token
		}
	}
}

// on reports whether a request carries the session.
func (s *unifiSession) on(r *http.Request) bool {
	for name, value := range s.cookies {
		if c, err := r.Cookie(name); err != nil || c.Value != value {
			return false
		}
	}
	return true
}

// loggingIn reports whether a call needs no session.
func loggingIn(path string) bool { return path == "/" || path == classicLogin || path == unifiOSLogin }

// carry puts the session on a request.
func (u *unifi) carry(ctx context.Context, r *http.Request) error {
	if loggingIn(r.URL.Path) {
		return nil
	}
	s, err := u.enter(ctx)
	if err != nil {
		return err
	}
	u.login.mu.Lock()
	defer u.login.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.cookies)) {
		r.AddCookie(&http.Cookie{Name: name, Value: s.cookies[name]})
	}
	if s.csrf != "" && r.Method != http.MethodGet {
		r.Header.Set("X-CSRF-Token", s.csrf)
	}
	return nil
}

// prefix is what stands before the paths of the legacy API.
func (s *unifiSession) prefix() string {
	if s != nil && s.kind == classicKind {
		return strings.TrimPrefix(unifiLegacy, "/proxy/network")
	}
	return unifiLegacy
}
