package mikrotiksim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"edgeagent/hwsim/console"
)

// The REST interface: menus of the console as paths, and its commands as verbs.
//
//	GET    menu?name=x     print, where name is x
//	GET    menu/*1         print, one
//	PUT    menu            add
//	PATCH  menu/*1         set
//	DELETE menu/*1         remove
//	POST   menu/command    any command, its arguments in the body

// item is one line of a menu as it is printed: strings only.
type item map[string]string

// menu is one directory of the console. A nil function is a command that it
// does not have. All are called with the router locked.
type menu struct {
	print func() []item
	// single is a menu with settings instead of a list.
	single bool
	add    func(args item) (id, problem string)
	set    func(id string, args item) (problem string)
	remove func(id string) (problem string)
}

func (r *Router) menus() map[string]menu {
	return map[string]menu{
		"system/resource":         {print: r.resource, single: true},
		"system/device-mode":      {print: r.deviceMode, single: true},
		"ip/hotspot":              {print: r.printServers},
		"ip/hotspot/user":         {print: r.printUsers, add: r.addUser, set: r.setUser, remove: r.removeUser},
		"ip/hotspot/user/profile": {print: r.printProfiles},
		"ip/hotspot/active":       {print: r.printActive, remove: r.removeActive},
		"ip/hotspot/cookie":       {print: r.printCookies, remove: r.removeCookie},
		"ip/hotspot/host":         {print: r.printHosts, remove: r.removeHost},
	}
}

var itemID = regexp.MustCompile(`^\*[0-9A-F]+$`)

func (r *Router) serve(w http.ResponseWriter, req *http.Request, body []byte) {
	path, ok := strings.CutPrefix(req.URL.EscapedPath(), "/rest/")
	if !ok || strings.HasPrefix(r.opts.Version, "6.") {
		http.NotFound(w, req) // the web pages' own answer, in HTML
		return
	}
	user, password, _ := req.BasicAuth()
	if user != r.opts.User || password != r.opts.Password || !r.can("rest-api") {
		fail(w, http.StatusUnauthorized, "")
		return
	}
	args, query, err := arguments(req, body)
	if err != nil {
		fail(w, http.StatusBadRequest, err.Error())
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.expire()
	all := r.menus()
	if m, ok := all[path]; ok {
		r.onMenu(w, req, m, args)
		return
	}
	at := strings.LastIndex(path, "/")
	m, ok := all[path[:max(at, 0)]]
	last := path[at+1:]
	switch {
	case !ok:
		fail(w, http.StatusBadRequest, noSuchCommand)
	case itemID.MatchString(last):
		r.onItem(w, req, m, last, args)
	case req.Method == http.MethodPost:
		r.command(w, m, last, args, query)
	case req.Method == http.MethodGet:
		fail(w, http.StatusNotFound, "")
	default:
		fail(w, http.StatusBadRequest, noSuchCommand)
	}
}

// arguments reads the body: an object with strings, and lists of strings for
// .proplist and .query.
func arguments(req *http.Request, body []byte) (args item, query []string, err error) {
	if len(body) == 0 {
		return item{}, nil, nil
	}
	if req.Header.Get("Content-Type") != "application/json" {
		return nil, nil, fmt.Errorf("Failed to parse json")
	}
	var raw map[string]json.RawMessage
	if json.Unmarshal(body, &raw) != nil {
		return nil, nil, fmt.Errorf("Failed to parse json")
	}
	args = item{}
	for name, text := range raw {
		var list []string
		var value string
		switch {
		case name == ".query" && json.Unmarshal(text, &query) == nil:
		case name == ".proplist" && json.Unmarshal(text, &list) == nil:
			args[name] = strings.Join(list, ",")
		case json.Unmarshal(text, &value) == nil:
			args[name] = value
		default:
			return nil, nil, fmt.Errorf("invalid value for argument %s", name)
		}
	}
	return args, query, nil
}

func (r *Router) onMenu(w http.ResponseWriter, req *http.Request, m menu, args item) {
	switch req.Method {
	case http.MethodGet:
		if !r.may(w, "read") {
			return
		}
		list := m.print()
		if m.single {
			console.WriteJSON(w, http.StatusOK, columns(list[0], req.URL.Query().Get(".proplist")))
			return
		}
		console.WriteJSON(w, http.StatusOK, chosen(list, req.URL.Query()))
	case http.MethodPut:
		if m.add == nil {
			fail(w, http.StatusBadRequest, noSuchCommand)
			return
		}
		if !r.may(w, "write") {
			return
		}
		id, problem := m.add(args)
		if problem != "" {
			fail(w, http.StatusBadRequest, problem)
			return
		}
		console.WriteJSON(w, http.StatusCreated, find(m.print(), id))
	default:
		fail(w, http.StatusBadRequest, noSuchCommand)
	}
}

func (r *Router) onItem(w http.ResponseWriter, req *http.Request, m menu, id string, args item) {
	policy, problem := "write", noSuchCommand
	if req.Method == http.MethodGet {
		policy = "read"
	}
	if !r.may(w, policy) {
		return
	}
	found := find(m.print(), id)
	switch {
	case found == nil:
		fail(w, http.StatusNotFound, noSuchItem)
		return
	case req.Method == http.MethodGet:
		console.WriteJSON(w, http.StatusOK, columns(found, req.URL.Query().Get(".proplist")))
		return
	case req.Method == http.MethodPatch && m.set != nil:
		problem = m.set(id, args)
	case req.Method == http.MethodDelete && m.remove != nil:
		problem = m.remove(id)
	}
	switch {
	case problem != "":
		fail(w, http.StatusBadRequest, problem)
	case req.Method == http.MethodDelete:
		w.WriteHeader(http.StatusNoContent)
	default:
		console.WriteJSON(w, http.StatusOK, find(m.print(), id))
	}
}

// command runs what POST names. Here a missing item is a bad request.
func (r *Router) command(w http.ResponseWriter, m menu, name string, args item, query []string) {
	switch {
	case name == "print":
		if !r.may(w, "read") {
			return
		}
		list := slices.DeleteFunc(m.print(), func(line item) bool { return !matches(line, query) })
		for i := range list {
			list[i] = columns(list[i], args[".proplist"])
		}
		console.WriteJSON(w, http.StatusOK, list)
	case name == "remove" && m.remove != nil:
		if !r.may(w, "write") {
			return
		}
		if problem := m.remove(args[".id"]); problem != "" {
			fail(w, http.StatusBadRequest, problem)
			return
		}
		console.WriteJSON(w, http.StatusOK, []string{})
	default:
		fail(w, http.StatusBadRequest, noSuchCommand)
	}
}

func (r *Router) may(w http.ResponseWriter, policy string) bool {
	if r.can(policy) {
		return true
	}
	fail(w, http.StatusInternalServerError, noRights) // as a router does, not 403
	return false
}

// chosen are the lines that have all the values of the query, with its columns.
func chosen(list []item, query url.Values) []item {
	out := []item{}
	for _, line := range list {
		fits := true
		for name := range query {
			fits = fits && (name == ".proplist" || line[name] == query.Get(name))
		}
		if fits {
			out = append(out, columns(line, query.Get(".proplist")))
		}
	}
	return out
}

// matches knows the query words name=value, all of which have to hold.
func matches(line item, query []string) bool {
	return !slices.ContainsFunc(query, func(word string) bool {
		name, value, _ := strings.Cut(word, "=")
		return line[name] != value
	})
}

func columns(line item, proplist string) item {
	if proplist == "" {
		return line
	}
	out := item{}
	for name := range strings.SplitSeq(proplist, ",") {
		if value, ok := line[name]; ok {
			out[name] = value
		}
	}
	return out
}

func find(list []item, id string) item {
	for _, line := range list {
		if line[".id"] == id {
			return line
		}
	}
	return nil
}
