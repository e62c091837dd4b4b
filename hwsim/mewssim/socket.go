package mewssim

import (
	"net/http"
	"strings"

	"github.com/gorilla/websocket"
)

const socketPath = "/ws/connector"

// serveSocket answers a request for an upgrade and, if it is granted, serves
// the socket until its end.
func (s *Server) serveSocket(w http.ResponseWriter, r *http.Request) {
	l := s.newLink()
	if status, reason := s.admit(r); status != 0 {
		s.book.write(func() { l.seen.Status, l.seen.Reason, l.seen.Ended = status, reason, s.options.Now() })
		http.Error(w, http.StatusText(status), status)
		return
	}
	if !s.enter(l) {
		http.Error(w, "closed", http.StatusServiceUnavailable)
		return
	}
	defer s.leave(l)
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, nil)
	if err != nil {
		s.book.violate("upgrade", "%v", err)
		s.book.write(func() { l.seen.Status, l.seen.Reason = http.StatusBadRequest, "broken handshake" })
		return
	}
	l.run(ws)
}

// admit gives the status that refuses an upgrade, 0 if nothing speaks against it.
func (s *Server) admit(r *http.Request) (status int, reason string) {
	f := s.Faults().Socket
	switch {
	case r.URL.Path != socketPath:
		rule := "path"
		if strings.HasPrefix(r.URL.Path, apiPrefix) {
			rule = "host"
		}
		s.book.violate(rule, "%s at the socket address", r.URL.Path)
		return http.StatusNotFound, "path"
	case !websocket.IsWebSocketUpgrade(r):
		s.book.violate("upgrade", "the request is no upgrade")
		return http.StatusUpgradeRequired, "no upgrade"
	case r.URL.RawQuery != "":
		s.book.violate("query token", "the URL has a query; tokens there end up in logs")
		return or(f.CookieStatus, http.StatusUnauthorized), "query"
	}
	if len(websocket.Subprotocols(r)) > 0 {
		s.book.violate("upgrade", "a subprotocol was asked for")
	}
	if rule, detail := s.checkCookies(r.Header["Cookie"]); rule != "" {
		s.book.violate(rule, "%s", detail)
		return or(f.CookieStatus, http.StatusUnauthorized), detail
	}
	if f.HangUpgrade {
		<-r.Context().Done()
		return http.StatusServiceUnavailable, "hung"
	}
	return s.refusedUpgrade(), "told to"
}

// refusedUpgrade is the status that upgrades are refused with now, 0 if they are not.
func (s *Server) refusedUpgrade() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := &s.faults.Socket
	status := f.RefuseStatus
	if f.RefuseTimes > 0 {
		if f.RefuseTimes--; f.RefuseTimes == 0 {
			f.RefuseStatus = 0
		}
	}
	return status
}

// checkCookies wants one header, byte by byte as documented.
func (s *Server) checkCookies(headers []string) (rule, detail string) {
	if len(headers) != 1 {
		return "cookie", "not exactly one Cookie header"
	}
	first, second, two := strings.Cut(headers[0], "; ")
	client, hasClient := strings.CutPrefix(first, "ClientToken=")
	access, hasAccess := strings.CutPrefix(second, "AccessToken=")
	if !two || !hasClient || !hasAccess || !tokenLike(client) || !tokenLike(access) {
		return "cookie", "the Cookie header is not spelt ClientToken=...; AccessToken=..."
	}
	if client != s.options.ClientToken || access != s.AccessToken() {
		return "credentials", "wrong token in a cookie"
	}
	return "", ""
}

// tokenLike says whether a value is hex digits and hyphens, which need no quotes.
func tokenLike(value string) bool {
	return value != "" && strings.Trim(value, "0123456789abcdefABCDEF-") == ""
}
