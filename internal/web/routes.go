package web

import (
	"context"
	"io"
	"net/http"
)

// need is what it takes to use an address of the page.
type need int

const (
	anybody   need = iota // tells nothing of the house
	toLook                // shows how things stand
	toOperate             // changes something, or shows what is personal
	bySocket              // only on the control socket, whose file says who may
)

// route is an address of the page.
type route struct {
	pattern string
	needs   need
	serve   func(*Page, http.ResponseWriter, *http.Request)
}

// routes are all addresses that there are. TestEveryRoute asks each of them what
// it does for strangers.
var routes = []route{
	{"GET /{$}", anybody, file("text/html; charset=utf-8", indexHTML)},
	{"GET /app.js", anybody, file("text/javascript; charset=utf-8", appJS)},
	{"GET /house.js", anybody, file("text/javascript; charset=utf-8", houseJS)},
	{"GET /view.js", anybody, file("text/javascript; charset=utf-8", viewJS)},
	{"GET /style.css", anybody, file("text/css; charset=utf-8", styleCSS)},
	{"GET /icon.svg", anybody, file("image/svg+xml", iconSVG)},
	{"GET /-/healthy", anybody, (*Page).healthy},
	{"GET /api/me", anybody, (*Page).me},
	{"POST /api/login", anybody, (*Page).login},
	{"POST /api/logout", anybody, (*Page).logout},

	{"GET /-/ready", toLook, (*Page).ready},
	{"GET /status.txt", toLook, (*Page).text},
	{"GET /metrics", toLook, (*Page).metrics},
	{"GET /api/status", toLook, (*Page).status},
	{"GET /api/stream", toLook, (*Page).stream},
	{"GET /api/log", toLook, func(p *Page, w http.ResponseWriter, r *http.Request) { p.Lines.ServeHTTP(w, r) }},
	{"POST /api/explain", toLook, (*Page).explain},

	{"POST /api/events/{id}/explain", toOperate, (*Page).explainHappened},
	{"POST /api/rooms/{room}/names", toOperate, (*Page).names},
	{"POST /api/links/{id}/reconnect", toOperate, deed(func(o *Operator, _ context.Context, id string) error { return o.Reconnect(id) })},
	{"POST /api/devices/{id}/probe", toOperate, deed(func(o *Operator, ctx context.Context, id string) error { return o.Probe(ctx, id) })},
	{"POST /api/commands/{id}/retry", toOperate, deed(func(o *Operator, _ context.Context, id string) error { return o.Retry(id) })},
	{"POST /api/commands/{id}/cancel", toOperate, deed(func(o *Operator, _ context.Context, id string) error { return o.Cancel(id) })},
	{"POST /api/commands/{id}/done", toOperate, deed(func(o *Operator, _ context.Context, id string) error { return o.Resolve(id, true) })},
	{"POST /api/commands/{id}/not-done", toOperate, deed(func(o *Operator, _ context.Context, id string) error { return o.Resolve(id, false) })},
	{"POST /api/reload", toOperate, (*Page).reload},

	{"GET /api/devices/{id}/trace", bySocket, (*Page).trace},
	{"GET /api/rooms/{room}/slip.txt", bySocket, (*Page).slip},
	{"GET /api/rooms/{room}/slip.png", bySocket, (*Page).slip},
	{"GET /api/rooms/{room}/slip.json", bySocket, (*Page).slip},
	{"GET /api/store", bySocket, (*Page).store},
	{"POST /api/page", bySocket, (*Page).link},
}

// file serves one of the page's own files.
func file(kind, text string) func(*Page, http.ResponseWriter, *http.Request) {
	return func(_ *Page, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		w.Header().Set("Cache-Control", "no-cache") // another edgeagent may answer here tomorrow
		_, _ = io.WriteString(w, text)              // who has left needs no answer
	}
}

// deed serves what is set off about the {id} of an address.
func deed(do func(o *Operator, ctx context.Context, id string) error) func(*Page, http.ResponseWriter, *http.Request) {
	return func(p *Page, w http.ResponseWriter, r *http.Request) {
		if !p.runs(w) {
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), deedLimit)
		defer cancel()
		if answered(w, do(p.Operator, ctx, r.PathValue("id"))) {
			w.WriteHeader(http.StatusNoContent)
		}
	}
}

func (p *Page) healthy(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "healthy\n") }
