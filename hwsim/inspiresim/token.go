package inspiresim

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Expires is how the token response states the lifetime.
type Expires int

// The statements of a lifetime.
const (
	ExpiresNumber Expires = iota
	ExpiresString
	ExpiresMissing
)

// Portal is a captive portal that answers in the server's place.
type Portal int

// The portals.
const (
	PortalNone     Portal = iota
	PortalPage            // 200 with HTML
	PortalRedirect        // 302 to a login page
)

// TokenFaults are the switches of the token endpoint.
type TokenFaults struct {
	// Status, if not 0, is answered to the next Times calls; Times < 0 means
	// for ever.
	Status, Times int
	RetryAfter    string
	// Lifetime of a token; 0 means 60 minutes.
	Lifetime time.Duration
	Expires  Expires
	// Opaque gives a token that is no JWT.
	Opaque bool
	// Member is the name of the token's member; "" means access_token.
	Member string
	// ClockAhead is by how much the server's clock, as seen in iat and exp, is ahead.
	ClockAhead time.Duration
	// Cookies sets ARRAffinity and ARRAffinitySameSite as Azure does.
	Cookies bool
	Portal  Portal
	Delay   time.Duration
	// Garbage answers 200 with a body that is not JSON.
	Garbage bool
}

// issued is a token given out.
type issued struct {
	serial  int
	client  Client
	expires time.Time
}

// portalPage is what a hotel's own login page looks like to a machine.
const portalPage = "<!DOCTYPE html><html><head><title>Welcome</title></head><body>Please log in to use the internet.</body></html>\n"

var uuidPattern = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (s *Server) serveToken(w http.ResponseWriter, r *http.Request) {
	call := TokenCall{At: s.now(), RequestID: r.Header.Get("X-Request-Id"), Enterprise: r.Header.Get("enterpriseId"), Cookies: cookieNames(r)}
	call.ClientID, _, _ = r.BasicAuth()
	f := s.takeTokenFaults()
	defer func() {
		s.audit.write(func() { s.audit.tokens = append(s.audit.tokens, call) })
	}()
	body, bodyErr := readBody(r) // read first, or a client's leaving goes unnoticed
	if !sleep(r.Context(), f.Delay) {
		call.Problem = "client left"
		return
	}
	if f.Cookies {
		s.setCookies(w)
	}
	switch {
	case f.Portal == PortalPage:
		call.Status = http.StatusOK
		writePage(w, call.Status, portalPage)
		return
	case f.Portal == PortalRedirect:
		call.Status = http.StatusFound
		w.Header().Set("Location", "/portal")
		writePage(w, call.Status, portalPage)
		return
	case f.Status != 0:
		call.Status, call.Problem = f.Status, "told to"
		if f.RetryAfter != "" {
			w.Header().Set("Retry-After", f.RetryAfter)
		}
		writeOAuthError(w, f.Status, "invalid_client")
		return
	case f.Garbage:
		call.Status = http.StatusOK
		writePage(w, call.Status, "{\"access_token\": ")
		return
	}
	client, status, code, problem := s.checkTokenRequest(w, r, body)
	if problem == "" && bodyErr != nil {
		status, code, problem = http.StatusBadRequest, "invalid_request", bodyErr.Error()
	}
	if problem != "" {
		call.Status, call.Problem = status, problem
		s.audit.violate(0, "token request", "%s", problem)
		writeOAuthError(w, status, code)
		return
	}
	call.Status = http.StatusOK
	call.Serial = s.grant(w, client, &f)
}

// takeTokenFaults counts down a status that is meant for some calls only.
func (s *Server) takeTokenFaults() TokenFaults {
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.tokenFaults
	switch {
	case f.Status == 0 || f.Times < 0:
	case f.Times == 0:
		f.Status = 0
	default:
		s.tokenFaults.Times--
	}
	return f
}

// checkTokenRequest holds the request against the guide; problem is "" if all is well.
func (s *Server) checkTokenRequest(w http.ResponseWriter, r *http.Request, body string) (client Client, status int, code, problem string) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return client, http.StatusMethodNotAllowed, "invalid_request", "method " + r.Method + " instead of POST"
	}
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "application/x-www-form-urlencoded" {
		return client, http.StatusBadRequest, "invalid_request", "content type is not application/x-www-form-urlencoded"
	}
	id, secret, ok := r.BasicAuth()
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="tokens"`)
		return client, http.StatusUnauthorized, "invalid_client", "no basic credentials"
	}
	if client, ok = s.clientByID(id); !ok || client.Secret != secret {
		return client, http.StatusUnauthorized, "invalid_client", "unknown client id or wrong secret"
	}
	if r.Header.Get("x-app-key") != client.AppKey {
		return client, http.StatusUnauthorized, "invalid_client", "x-app-key is missing or wrong"
	}
	if request := r.Header.Get("X-Request-Id"); request != "" && !uuidPattern.MatchString(request) {
		return client, http.StatusBadRequest, "invalid_request", "X-Request-Id is no UUID"
	}
	form, err := url.ParseQuery(body)
	if err != nil {
		return client, http.StatusBadRequest, "invalid_request", "body is no form"
	}
	status, code, problem = s.checkGrant(client, form, r.Header.Get("enterpriseId"))
	return client, status, code, problem
}

func (s *Server) checkGrant(client Client, form url.Values, enterprise string) (status int, code, problem string) {
	if client.Username != "" && form.Get("grant_type") == "password" {
		if form.Get("username") != client.Username || form.Get("password") != client.Password {
			return http.StatusUnauthorized, "invalid_grant", "wrong user name or password"
		}
		return 0, "", ""
	}
	if enterprise != client.Enterprise {
		return http.StatusForbidden, "unauthorized_client", "enterpriseId is missing or not the client's"
	}
	if grant := form["grant_type"]; len(grant) != 1 || grant[0] != "client_credentials" {
		return http.StatusBadRequest, "unsupported_grant_type", "grant_type is not client_credentials"
	}
	want := "urn:pms:events"
	if s.options.Dialect == OHIP {
		want = "urn:opc:hgbu:ws:__myscopes__"
	}
	if scope := form["scope"]; len(scope) != 1 || scope[0] != want {
		return http.StatusBadRequest, "invalid_scope", "scope is not " + want
	}
	return 0, "", ""
}

// grant issues a token and answers with it.
func (s *Server) grant(w http.ResponseWriter, client Client, f *TokenFaults) int {
	lifetime := f.Lifetime
	if lifetime == 0 {
		lifetime = time.Hour
	}
	s.mu.Lock()
	s.serials++
	serial := s.serials
	text := s.mint(client, serial, s.now().Add(f.ClockAhead), lifetime, f.Opaque)
	s.issued[text] = issued{serial: serial, client: client, expires: s.now().Add(lifetime)}
	s.mu.Unlock()

	member := f.Member
	if member == "" {
		member = "access_token"
	}
	answer := map[string]any{member: text, "token_type": "Bearer"}
	switch f.Expires {
	case ExpiresNumber:
		answer["expires_in"] = int(lifetime / time.Second)
	case ExpiresString:
		answer["expires_in"] = fmt.Sprint(int(lifetime / time.Second))
	}
	if s.options.Dialect == OHIP {
		answer["oracle_tk_context"] = "context"
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the client may have left
	return serial
}

// mint makes a JWT signed with a key of this server.
func (s *Server) mint(client Client, serial int, now time.Time, lifetime time.Duration, opaque bool) string {
	if opaque {
		return rand.Text() + rand.Text()
	}
	claims, err := json.Marshal(map[string]any{
		"iss": "inspiresim", "sub": client.ID, "jti": fmt.Sprint(serial), "enterprise": client.Enterprise,
		"chains": client.Chains, "iat": now.Unix(), "exp": now.Add(lifetime).Unix(),
	})
	if err != nil {
		return ""
	}
	text := encodePart([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encodePart(claims)
	mac := hmac.New(sha256.New, s.signKey)
	mac.Write([]byte(text))
	return text + "." + encodePart(mac.Sum(nil))
}

func encodePart(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// checkBearer finds the token of a connection_init; problem is "" if it is good.
func (s *Server) checkBearer(authorization string) (token issued, problem string) {
	text, ok := strings.CutPrefix(authorization, "Bearer ")
	if !ok {
		return token, "Authorization is not \"Bearer \" and a token"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	token, ok = s.issued[text]
	switch {
	case !ok:
		return token, "token was not issued here"
	case !s.now().Before(token.expires):
		return token, "token has expired"
	}
	return token, ""
}
