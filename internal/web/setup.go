package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Setup is the page of a gateway that has no property file yet, or one with
// faults. Whoever sees the gateway knows the code, and sets it up from a browser
// on the same network. It is forms and no script, behind the status page's fences.
type Setup struct {
	// Version is edgeagent's; Told says where the code stands, for people.
	Version, Told string
	// Code lets somebody in. Blanks, dashes and case do not count.
	Code string
	// Named says by which names the page is called, beside its addresses.
	Named func(host string) bool
	// Log is told who did what, and nothing that was typed.
	Log  zerolog.Logger
	Desk Desk

	sessions sessions
	tries    limiter

	mu      sync.Mutex
	text    string            // of the property file as it stands on the page
	answers map[string]string // to the questions, as far as they were given
}

// Desk does what the page is there for.
type Desk struct {
	// Machine is what there is to know of the gateway.
	Machine func() Machine
	// Check says what is wrong with the text of a property file.
	Check func(text string) Checked
	// Ask takes what was answered, and says what is to be asked: the same once
	// more, with what is wrong with it, and what follows. With no question it
	// gives the text of a property file.
	Ask func(ctx context.Context, given map[string]string) (questions []Question, text string)
	// Keep writes a file that the text names.
	Keep func(text, name, value string) error
	// OwnCertificate puts this page's certificate where the text has the status page's.
	OwnCertificate func(text string) error
	// Install puts the text in place, unless it has faults, and says where the
	// status page will be, "" for on the gateway only. Then the page is closed.
	Install func(text string) (address string, err error)
	// Close ends the page once it has answered.
	Close func()
}

// Machine is a gateway.
type Machine struct {
	Name, File, Clock string
	Addresses         []string
	Ports             []Port
}

// Port is a serial port, by the name to write into the property file.
type Port struct{ Name, Model string }

// Checked is what is wrong with a property file.
type Checked struct {
	Faults []Fault
	// Sum is it in a few words, Fine that the agent can start with it.
	Sum   string
	Fine  bool
	Files []Wanted
	// NoCertificate says that the status page is to have one, and there is none.
	NoCertificate bool
}

// Fault is one thing that is wrong, or with Warning doubtful.
type Fault struct {
	Line, Column   int // from 1; 0 when it has no place
	Text           string
	Source, Before string // the line, and the blank space before the place
	Warning        bool
}

// Wanted is a file that the property file names.
type Wanted struct {
	Name, For, Path string
	// How it is brought: typed in as a secret, as a new password, or as the text of
	// a PEM file; by nobody here if it is to be somewhere else.
	How   Bring
	There bool
}

// Bring is how a file is brought.
type Bring int

// Ways to bring a file.
const (
	ByHand Bring = iota
	AsSecret
	AsPassword
	AsPEM
)

// Question is one, with the answer that was given or is usual.
type Question struct {
	Name, Text, Help, Answer string
	// OneOf are all answers that there are, nil for any text; Suggest are likely ones.
	OneOf, Suggest []string
	// Problem is what is wrong with the answer, "" for nothing.
	Problem string
}

// Begin puts a text on the page, such as a property file with faults.
func (s *Setup) Begin(text string) { s.text = text }

// Begun reports whether there is such a text.
func (s *Setup) Begun() bool { return s.text != "" }

// setupRoute is an address of the setup page. Its bodies have at most so many bytes.
type setupRoute struct {
	pattern string
	needs   need
	most    int64
	serve   func(*Setup, http.ResponseWriter, *http.Request)
}

const (
	smallForm = 64 << 10
	// fileForm has room for the longest property file or PEM file, 1 MiB, as
	// browsers write it down, and one beside it.
	fileForm = 6 << 20
)

// setupRoutes are all that there are. TestEverySetupRoute asks each of them.
var setupRoutes = []setupRoute{
	{"GET /{$}", anybody, 0, func(s *Setup, w http.ResponseWriter, r *http.Request) { s.show(w, r, http.StatusOK, said{}) }},
	{"GET /style.css", anybody, 0, served("text/css; charset=utf-8", styleCSS)},
	{"GET /icon.svg", anybody, 0, served("image/svg+xml", iconSVG)},
	{"GET /-/healthy", anybody, 0, served("text/plain; charset=utf-8", "healthy\n")},
	{"POST /login", anybody, smallForm, (*Setup).login},

	{"POST /logout", toOperate, smallForm, (*Setup).logout},
	{"POST /ask", toOperate, smallForm, (*Setup).ask},
	{"POST /text", toOperate, fileForm, (*Setup).take},
	{"POST /files", toOperate, fileForm, (*Setup).keep},
	{"POST /certificate", toOperate, smallForm, (*Setup).certificate},
	{"POST /install", toOperate, smallForm, (*Setup).install},
}

func served(kind, text string) func(*Setup, http.ResponseWriter, *http.Request) {
	serve := file(kind, text)
	return func(_ *Setup, w http.ResponseWriter, r *http.Request) { serve(nil, w, r) }
}

// setupPolicy lets the page use its style and send its forms home, and nothing else.
const setupPolicy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Handler is the page. It must be served over TLS.
func (s *Setup) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, r := range setupRoutes {
		mux.Handle(r.pattern, s.guarded(r))
	}
	return called(mux, true, s.Named)
}

func (s *Setup) guarded(rt setupRoute) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// With another referrer policy browsers hide from where a form is sent.
		fence(w.Header(), setupPolicy, "same-origin")
		changes := changing(r)
		if (changes || rt.needs > anybody) && elsewhere(r) {
			http.Error(w, "this request comes from another site", http.StatusForbidden)
			return
		}
		v := s.visitor(r)
		if v.may < rt.needs {
			http.Error(w, "log in first", http.StatusUnauthorized)
			return
		}
		defer caught(s.Log, rt.pattern)
		r.Body = http.MaxBytesReader(w, r.Body, rt.most)
		if changes {
			form, err := readForm(r)
			if err != nil {
				http.Error(w, "the form cannot be read: "+err.Error(), http.StatusBadRequest)
				return
			}
			if rt.needs > anybody && form["token"] != token(v) {
				http.Error(w, "this form is not of this page; open the page again", http.StatusForbidden)
				return
			}
			r = r.WithContext(context.WithValue(r.Context(), formKey{}, form))
		}
		if rt.needs > anybody {
			s.Log.Info().Str("deed", rt.pattern).Msg("asked for on the setup page")
		}
		rt.serve(s, w, as(r, v))
	})
}

const setupCookie = "__Host-edgeagent-setup"

func (s *Setup) visitor(r *http.Request) visitor {
	if c, err := r.Cookie(setupCookie); err == nil {
		if found, ok := s.sessions.find(c.Value, true); ok {
			return visitor{user: found.user, may: found.may, session: found.key}
		}
	}
	return visitor{}
}

// token stands in every form of a session: who has not seen the page knows none.
func token(v visitor) string { return fmt.Sprintf("%x", digestOf("form "+string(v.session[:]))) }

func setCookie(w http.ResponseWriter, id string, age int) {
	http.SetCookie(w, &http.Cookie{Name: setupCookie, Value: id, Path: "/", MaxAge: age, HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode})
}

// sameCode compares as a person writes it.
func sameCode(a, b string) bool {
	plain := func(code string) digest {
		return digestOf(strings.ToUpper(strings.NewReplacer(" ", "", "-", "", "\t", "").Replace(code)))
	}
	return plain(a) == plain(b)
}

func (s *Setup) login(w http.ResponseWriter, r *http.Request) {
	from := network(r.RemoteAddr)
	if patience := s.tries.refusal(w, from, ""); patience != "" {
		s.show(w, r, http.StatusTooManyRequests, said{about: "login", wrong: patience})
		return
	}
	if s.Code == "" || !sameCode(formOf(r)["code"], s.Code) {
		s.Log.Warn().Msg("a wrong setup code was refused")
		s.show(w, r, http.StatusUnauthorized, said{about: "login", wrong: "this is not the code"})
		return
	}
	s.tries.succeeded(from, "")
	if old := visitorOf(r); old.session != (digest{}) {
		s.sessions.end(old.session)
	}
	setCookie(w, s.sessions.begin("setup", toOperate), 0)
	s.Log.Info().Msg("somebody knows the setup code and is in")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *Setup) logout(w http.ResponseWriter, r *http.Request) {
	s.sessions.end(visitorOf(r).session)
	setCookie(w, "", -1)
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// atWork is how long after the last deed somebody counts as being at it.
const atWork = 5 * time.Minute

// Busy reports whether somebody is at work on the page, who decides then what is
// done.
func (s *Setup) Busy() bool { return s.sessions.any(atWork) }
