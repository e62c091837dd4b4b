package mewssim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

const (
	apiPrefix = "/api/connector/v1/"
	// oldReservations is the operation of 2017, long past its announced end.
	oldReservations = "reservations/getAll"
)

// refusal is an answer other than 200. It is an error so that it can be
// returned where others are.
type refusal struct {
	status  int
	message string
}

func (r *refusal) Error() string { return r.message }

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, message: fmt.Sprintf(format, args...)}
}

// answer is what a request brings before any trouble.
type answer struct {
	status int
	header map[string]string
	body   []byte
}

// servePlatform serves the API.
func (s *Server) servePlatform(w http.ResponseWriter, r *http.Request) {
	seen := Request{At: s.options.Now(), Path: strings.TrimPrefix(r.URL.Path, apiPrefix), RequestID: newID()}
	w.Header().Set("Request-Id", seen.RequestID)
	w.Header().Set("Date", s.Now().Format(http.TimeFormat))
	longest := or(s.Faults().MaxBody, defaultBody)
	body, err := io.ReadAll(io.LimitReader(r.Body, int64(longest)+1))
	if err != nil {
		return // the client is gone
	}
	t := s.takeTrouble(seen.Path)
	if !sleep(r.Context(), t.Delay) {
		s.book.request(seen)
		return
	}
	if t.Kind != Slow && !t.late() {
		s.act(w, r, t, answer{}, &seen)
		return
	}
	a := s.work(r, body, longest, &seen)
	if t.Kind != Slow {
		s.act(w, r, t, a, &seen)
		return
	}
	seen.Status = a.status
	s.book.request(seen)
	a.write(w)
}

func (a *answer) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // the client may have left
}

// work answers as Mews does.
func (s *Server) work(r *http.Request, body []byte, longest int, seen *Request) answer {
	result, err := s.judge(r, body, longest, seen)
	if err == nil {
		text, _ := json.Marshal(result) // maps, texts and numbers
		return answer{status: http.StatusOK, body: text}
	}
	a := answer{status: http.StatusInternalServerError}
	if no, ok := errors.AsType[*refusal](err); ok {
		a.status = no.status
	}
	if limited, ok := errors.AsType[*limitError](err); ok {
		a.status = http.StatusTooManyRequests
		if limited.retry != "" {
			a.header = map[string]string{"Retry-After": limited.retry}
		}
	}
	seen.Reason = err.Error()
	a.body = errorBody(err.Error(), seen.RequestID)
	return a
}

func errorBody(message, id string) []byte {
	text, _ := json.Marshal(object{"Message": message, "RequestId": id}) // texts
	return text
}

// judge checks a request from the outside in, and lets its operation work.
func (s *Server) judge(r *http.Request, body []byte, longest int, seen *Request) (object, error) {
	op, err := s.route(r)
	if err != nil {
		return nil, err
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		s.book.violate("content type", "%q for %s", r.Header.Get("Content-Type"), seen.Path)
		return nil, refuse(http.StatusBadRequest, "Invalid Content-Type")
	}
	if len(body) > longest {
		return nil, refuse(http.StatusRequestEntityTooLarge, "Request body too large")
	}
	q, err := parseRequest(body)
	if err != nil {
		s.book.violate("json", "%s: %v", seen.Path, err)
		return nil, refuse(http.StatusBadRequest, "Invalid JSON")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.authenticate(q, seen); err != nil {
		return nil, err
	}
	if err := s.limit(seen.Path); err != nil {
		return nil, err
	}
	if s.denied[seen.Path] {
		return nil, refuse(http.StatusUnauthorized, "The operation is not enabled for this integration")
	}
	result, err := op(s, q)
	seen.IDs, seen.Count, seen.Cursor, seen.Rows = q.named, q.page.count, q.page.cursor, q.rows
	seen.Effect = err == nil
	for _, name := range q.strange() {
		s.book.violate("field", "%s does not know %s", seen.Path, name)
	}
	if q.problem != nil {
		s.book.violate("field", "%s: %s", seen.Path, q.problem.message)
	}
	return result, err
}

// route wants method and path exactly.
func (s *Server) route(r *http.Request) (operation, error) {
	path, inside := strings.CutPrefix(r.URL.Path, apiPrefix)
	op, known := s.operations[path]
	if r.URL.RawQuery != "" {
		s.book.violate("query token", "%s has a query", r.URL.Path)
	}
	switch {
	case websocket.IsWebSocketUpgrade(r):
		s.book.violate("host", "a socket was dialled at the platform address")
		return nil, refuse(http.StatusNotFound, "Not found")
	case !inside || !known && path != oldReservations:
		s.book.violate("path", "%s", r.URL.Path)
		return nil, refuse(http.StatusNotFound, "Not found")
	case r.Method != http.MethodPost:
		s.book.violate("method", "%s %s", r.Method, path)
		return nil, refuse(http.StatusNotFound, "Not found")
	case path == oldReservations:
		s.book.violate("path", "%s is discontinued", path)
		return nil, refuse(http.StatusGone, "The operation has been discontinued")
	}
	return op, nil
}

// authenticate checks what every body carries; the caller holds mu.
func (s *Server) authenticate(q *request, seen *Request) error {
	client, access := q.text("ClientToken", true), q.text("AccessToken", true)
	if q.fields["Client"] == nil || q.text("Client", true) == "" {
		s.book.violate("client name", "%s names no Client", seen.Path)
	}
	seen.Client = q.text("Client", true)
	if language, culture := q.text("LanguageCode", false), q.text("CultureCode", false); (language == "") != (culture == "") {
		s.book.violate("language", "LanguageCode and CultureCode go together")
		q.fail("Invalid LanguageCode")
	}
	if q.problem != nil {
		s.book.violate("field", "%s: %s", seen.Path, q.problem.message)
		return q.problem
	}
	if client != s.options.ClientToken || access != s.token || s.token == "" {
		s.book.violate("credentials", "%s with a wrong token", seen.Path)
		return refuse(http.StatusUnauthorized, "Invalid ClientToken or AccessToken")
	}
	return nil
}

// limitError is a 429.
type limitError struct{ retry string }

func (*limitError) Error() string { return "Too many requests" }

// limit admits so many requests within a window that slides; the caller holds mu.
func (s *Server) limit(path string) error {
	now, window := s.options.Now(), or(s.faults.Limit.Window, defaultWindow)
	for len(s.admitted) > 0 && now.Sub(s.admitted[0]) >= window {
		s.admitted = s.admitted[1:]
	}
	if len(s.admitted) < or(s.faults.Limit.Requests, defaultRequests) {
		s.admitted = append(s.admitted, now)
		return nil
	}
	wait, rule := window-now.Sub(s.admitted[0]), "limit"
	if now.Before(s.retryAt) {
		rule = "impatience"
	}
	s.book.violate(rule, "%s over the limit", path)
	if s.faults.Limit.Retry != RetryMissing {
		s.retryAt = now.Add(wait)
	}
	switch s.faults.Limit.Retry {
	case RetryDate:
		return &limitError{s.now().Add(wait + time.Second - 1).Format(http.TimeFormat)}
	case RetryMissing:
		return &limitError{}
	default:
		return &limitError{strconv.Itoa(int(math.Ceil(wait.Seconds())))}
	}
}
