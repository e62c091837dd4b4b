package unifisim

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"edgeagent/hwsim/console"
)

const (
	integrationPrefix = "/proxy/network/integration"
	legacyPrefix      = "/proxy/network/api/"
)

type apiError struct {
	StatusCode  int    `json:"statusCode"`
	StatusName  string `json:"statusName"`
	Code        string `json:"code"`
	Message     string `json:"message"`
	Timestamp   string `json:"timestamp"`
	RequestPath string `json:"requestPath"`
	RequestID   string `json:"requestId"`
}

type page struct {
	Offset     int   `json:"offset"`
	Limit      int   `json:"limit"`
	Count      int   `json:"count"`
	TotalCount int   `json:"totalCount"`
	Data       []any `json:"data"`
}

func (c *Controller) route(w http.ResponseWriter, r *http.Request, body []byte) {
	path := r.URL.Path
	switch {
	case c.opts.Classic:
		c.classic(w, r, path, body)
	case path == "/":
		_, _ = w.Write([]byte("<!doctype html><title>UniFi OS</title>"))
	case strings.HasPrefix(path, "/api/auth/"):
		c.auth(w, r, body)
	case strings.HasPrefix(path, integrationPrefix+"/v1/"):
		if !c.hasKey(r) {
			code, message := "api.authentication.invalid-credentials", "the key is not valid"
			if r.Header.Get("X-API-KEY") == "" {
				code, message = "api.authentication.missing-credentials", "no key given"
			}
			c.fail(w, r, http.StatusUnauthorized, code, message)
			return
		}
		c.integration(w, r, strings.TrimPrefix(path, integrationPrefix+"/v1/"), body)
	case strings.HasPrefix(path, legacyPrefix):
		c.legacy(w, r, strings.TrimPrefix(path, legacyPrefix), body)
	default:
		c.fail(w, r, http.StatusNotFound, "api.err.NotFound", "no such page")
	}
}

func (c *Controller) hasKey(r *http.Request) bool {
	return subtle.ConstantTimeCompare([]byte(r.Header.Get("X-API-KEY")), []byte(c.opts.APIKey)) == 1
}

func (c *Controller) integration(w http.ResponseWriter, r *http.Request, path string, body []byte) {
	parts := strings.Split(path, "/")
	switch {
	case path == "info" && r.Method == http.MethodGet:
		console.WriteJSON(w, http.StatusOK, map[string]string{"applicationVersion": c.opts.Version})
		return
	case path == "sites" && r.Method == http.MethodGet:
		c.listSites(w, r)
		return
	case len(parts) < 3 || parts[0] != "sites":
		c.fail(w, r, http.StatusNotFound, "api.request.not-found", "no such resource")
		return
	}
	var s *site
	for _, candidate := range c.sites {
		if candidate.id == parts[1] {
			s = candidate
		}
	}
	if s == nil {
		c.fail(w, r, http.StatusNotFound, "api.site.not-found", "no such site")
		return
	}
	switch rest := parts[2:]; {
	case rest[0] == "hotspot" && len(rest) >= 2 && rest[1] == "vouchers" && c.hasVouchers():
		c.vouchers(w, r, s, rest[2:], body)
	case rest[0] == "clients":
		c.clients(w, r, s, rest[1:], body)
	default:
		c.fail(w, r, http.StatusNotFound, "api.request.not-found", "no such resource")
	}
}

// hasVouchers: the Integration API has them from version 9.1 on.
func (c *Controller) hasVouchers() bool {
	major, rest, _ := strings.Cut(c.opts.Version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	return errA == nil && errB == nil && (a > 9 || a == 9 && b >= 1)
}

func (c *Controller) listSites(w http.ResponseWriter, r *http.Request) {
	allow := filterable{"id": {"eq", "ne", "in", "notIn"}, "internalReference": {"eq", "ne", "in", "notIn"},
		"name": {"eq", "ne", "in", "notIn", "like"}}
	var objects []map[string]any
	for _, s := range c.sites {
		objects = append(objects, map[string]any{"id": s.id, "internalReference": s.name, "name": strings.ToUpper(s.name[:1]) + s.name[1:]})
	}
	c.writePage(w, r, objects, allow, 25, 200)
}

// writePage filters and cuts a list as offset, limit and filter ask.
func (c *Controller) writePage(w http.ResponseWriter, r *http.Request, objects []map[string]any, allow filterable, def, most int) {
	query := r.URL.Query()
	offset, errO := number(query.Get("offset"), 0, 0, 1<<30)
	limit, errL := number(query.Get("limit"), def, 0, most)
	if errO != nil || errL != nil {
		c.fail(w, r, http.StatusBadRequest, "api.request.argument-invalid", fmt.Sprintf("offset or limit (0 to %d) is out of range", most))
		return
	}
	match, err := filterOf(query, allow)
	if err != nil {
		c.fail(w, r, http.StatusBadRequest, "api.request.filter-invalid", err.Error())
		return
	}
	out := page{Offset: offset, Limit: limit, Data: []any{}}
	for _, object := range objects {
		if !match(func(p string) any { return lookup(object, p) }) {
			continue
		}
		out.TotalCount++
		if out.TotalCount > offset && len(out.Data) < limit {
			out.Data = append(out.Data, object)
		}
	}
	out.Count = len(out.Data)
	console.WriteJSON(w, http.StatusOK, out)
}

func filterOf(query url.Values, allow filterable) (predicate, error) {
	text := query.Get("filter")
	if text == "" {
		return func(func(string) any) bool { return true }, nil
	}
	return parseFilter(text, allow)
}

func number(text string, def, low, high int) (int, error) {
	if text == "" {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("out of range")
	}
	return n, nil
}

// lookup finds a property such as access.type; times come back as time.Time.
func lookup(object map[string]any, property string) any {
	head, rest, nested := strings.Cut(property, ".")
	value, ok := object[head]
	if !ok {
		return nil
	}
	if nested {
		inner, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		return lookup(inner, rest)
	}
	if text, ok := value.(string); ok && strings.HasSuffix(property, "At") {
		if t, err := time.Parse(time.RFC3339, text); err == nil {
			return t
		}
	}
	return value
}

// decode reads a JSON body strictly: a field nobody knows is an error.
func (c *Controller) decode(w http.ResponseWriter, r *http.Request, body []byte, into any) bool {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		c.fail(w, r, http.StatusUnsupportedMediaType, "api.request.media-type", "the body must be application/json")
		return false
	}
	decoder := json.NewDecoder(strings.NewReader(string(body)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil || decoder.More() {
		c.fail(w, r, http.StatusBadRequest, "api.request.body-invalid", "the body does not fit")
		return false
	}
	return true
}
