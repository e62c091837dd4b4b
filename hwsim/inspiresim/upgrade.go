package inspiresim

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gorilla/websocket"
)

// The two subprotocols, which are easily confused: the first is the present
// one, the second that of subscriptions-transport-ws.
const (
	protoTransport = "graphql-transport-ws"
	protoLegacy    = "graphql-ws"
)

// maxHeader is OHIP's limit for all headers together.
const maxHeader = 8 << 10

func (m KeyMode) encode(key string) string {
	switch m {
	case KeyBase64URL:
		return base64.URLEncoding.EncodeToString([]byte(key))
	case KeySHA256Hex:
		sum := sha256.Sum256([]byte(key))
		return hex.EncodeToString(sum[:])
	case KeyLiteral:
		return key
	default:
		return base64.StdEncoding.EncodeToString([]byte(key))
	}
}

// serveStream answers a request for an upgrade and, if it is granted, serves
// the connection until its end.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	c := s.newConn(r)
	f := c.faults()
	if !sleep(r.Context(), f.Upgrade.Delay) {
		c.refuse(499, "client left before the answer")
		return
	}
	if s.tooMany(&f.Upgrade) {
		w.Header().Set("Retry-After", strconv.Itoa(int(f.Upgrade.Window/time.Second)))
		c.refuseHTTP(w, http.StatusTooManyRequests, "too many upgrades")
		return
	}
	if f.Upgrade.Status != 0 {
		if f.Upgrade.RetryAfter != "" {
			w.Header().Set("Retry-After", f.Upgrade.RetryAfter)
		}
		c.refuseHTTP(w, f.Upgrade.Status, "told to")
		return
	}
	if !websocket.IsWebSocketUpgrade(r) {
		w.Header().Set("Upgrade", "websocket")
		s.audit.violate(c.id, "upgrade", "request is no WebSocket upgrade")
		c.refuseHTTP(w, http.StatusUpgradeRequired, "no WebSocket upgrade")
		return
	}
	if headerSize(r) > maxHeader {
		s.audit.violate(c.id, "upgrade", "headers take more than 8 KB")
	}
	if !s.checkKey(c, r, f.Upgrade.Key) {
		status := f.Upgrade.KeyStatus
		if status == 0 {
			status = http.StatusBadRequest
		}
		s.audit.violate(c.id, "key", "the key of the URL is missing or wrong")
		c.refuseHTTP(w, status, "key")
		return
	}
	chosen, problem := chooseSubprotocol(websocket.Subprotocols(r), f.Upgrade.Subprotocol)
	if problem != "" {
		c.refuseHTTP(w, http.StatusBadRequest, problem)
		return
	}
	s.upgrade(c, w, r, chosen)
}

func (s *Server) upgrade(c *conn, w http.ResponseWriter, r *http.Request, chosen string) {
	header := http.Header{}
	if chosen != "" {
		header.Set("Sec-WebSocket-Protocol", chosen)
	}
	s.audit.write(func() {
		c.seen.Status, c.seen.Subprotocol = http.StatusSwitchingProtocols, chosen
	})
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	ws, err := up.Upgrade(w, r, header)
	if err != nil {
		s.audit.violate(c.id, "upgrade", "%v", err)
		c.refuse(http.StatusBadRequest, "broken handshake")
		return
	}
	c.legacy = chosen == protoLegacy && c.faults().Upgrade.Subprotocol == SubprotocolLegacy
	c.run(ws)
}

// tooMany counts the upgrades within the window.
func (s *Server) tooMany(f *Upgrade) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	s.upgrades = append(s.upgrades, now)
	for len(s.upgrades) > 0 && now.Sub(s.upgrades[0]) > max(f.Window, time.Minute) {
		s.upgrades = s.upgrades[1:]
	}
	if f.MaxPerWindow <= 0 {
		return false
	}
	within := 0
	for _, at := range s.upgrades {
		if now.Sub(at) <= f.Window {
			within++
		}
	}
	return within > f.MaxPerWindow
}

// checkKey notes the clients whose key is in the URL.
func (s *Server) checkKey(c *conn, r *http.Request, mode KeyMode) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	keys := r.URL.Query()["key"]
	if len(keys) != 1 {
		return false
	}
	for _, client := range s.options.Clients {
		if mode.encode(client.AppKey) == keys[0] {
			c.appKey = client.AppKey
			return true
		}
	}
	return false
}

func chooseSubprotocol(offered []string, policy Subprotocol) (chosen, problem string) {
	offers := func(name string) bool {
		return slices.Contains(offered, name)
	}
	switch policy {
	case SubprotocolEcho, SubprotocolRequire:
		if offers(protoTransport) {
			return protoTransport, ""
		}
	case SubprotocolRefuse:
		if len(offered) > 0 {
			return "", "subprotocol offered"
		}
	case SubprotocolLegacy:
		if !offers(protoLegacy) {
			return "", "subprotocol graphql-ws not offered"
		}
		return protoLegacy, ""
	case SubprotocolForeign:
		return "mqtt", ""
	}
	return "", ""
}

func headerSize(r *http.Request) int {
	n := len(r.RequestURI)
	for name, values := range r.Header {
		for _, v := range values {
			n += len(name) + len(v) + 4
		}
	}
	return n
}
