package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
)

type formKey struct{}

// formOf are the fields of the form that was sent.
func formOf(r *http.Request) map[string]string {
	form, _ := r.Context().Value(formKey{}).(map[string]string)
	return form
}

// maxFields is how many fields a form has at most.
const maxFields = 100

// readForm reads either kind of form that browsers send. The body is bounded.
func readForm(r *http.Request) (map[string]string, error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return nil, errors.New("it is no form")
	}
	form := map[string]string{}
	switch kind {
	case "application/x-www-form-urlencoded":
		if err := r.ParseForm(); err != nil {
			return nil, plainly(err)
		}
		if len(r.PostForm) > maxFields {
			return nil, errors.New("it has too many fields")
		}
		for name := range r.PostForm {
			form[name] = r.PostForm.Get(name)
		}
		return form, nil
	case "multipart/form-data":
		return form, readParts(multipart.NewReader(r.Body, params["boundary"]), form)
	}
	return nil, errors.New("it is no form")
}

func readParts(parts *multipart.Reader, form map[string]string) error {
	for range maxFields {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return plainly(err)
		}
		text, err := io.ReadAll(part)
		if err != nil {
			return plainly(err)
		}
		form[part.FormName()] = string(text)
	}
	return errors.New("it has too many fields")
}

// plainly is an error of reading without what stood in the form.
func plainly(err error) error {
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return errors.New("it is too long")
	}
	return errors.New("it is broken off or not as browsers send it")
}

// textOf is a text from the file of a form if one was chosen, else from its field,
// with the line ends of Linux. Of several files each has a name.
func textOf(form map[string]string, name string) string {
	text := form["file"+name]
	if text == "" {
		text = form["text"+name]
	}
	return strings.ReplaceAll(text, "\r\n", "\n")
}

func (s *Setup) now() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text
}

// take puts a text on the page.
func (s *Setup) take(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.text = textOf(formOf(r), "")
	s.mu.Unlock()
	http.Redirect(w, r, "/#property", http.StatusSeeOther)
}

// ask takes answers until no question is left.
func (s *Setup) ask(w http.ResponseWriter, r *http.Request) {
	given := map[string]string{}
	for name, answer := range formOf(r) {
		if question, ok := strings.CutPrefix(name, "q-"); ok {
			given[question] = strings.TrimSpace(answer)
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), deedLimit)
	defer cancel()
	questions, text := s.Desk.Ask(ctx, given)
	s.mu.Lock()
	s.answers = maps.Clone(given)
	if len(questions) == 0 {
		s.text = text
	}
	s.mu.Unlock()
	if len(questions) == 0 {
		http.Redirect(w, r, "/#property", http.StatusSeeOther)
		return
	}
	s.show(w, r, http.StatusOK, said{about: "questions", questions: questions})
}

// keep takes the files that are brought, of those that the text names. What can be
// written is; the first that cannot be is told of.
func (s *Setup) keep(w http.ResponseWriter, r *http.Request) {
	form, text := formOf(r), s.now()
	var first said
	for _, f := range s.Desk.Check(text).Files {
		value := textOf(form, "-"+f.Name)
		if value == "" {
			continue
		}
		err := errNotSame
		if again, asked := form["again-"+f.Name]; !asked || again == form["text-"+f.Name] {
			err = s.Desk.Keep(text, f.Name, value)
		}
		if err != nil && first.wrong == "" {
			first = said{about: "file " + f.Name, wrong: err.Error()}
		}
	}
	if first.wrong != "" {
		s.show(w, r, http.StatusUnprocessableEntity, first)
		return
	}
	http.Redirect(w, r, "/#files", http.StatusSeeOther)
}

var errNotSame = errors.New("the two are not the same; nothing was written")

func (s *Setup) certificate(w http.ResponseWriter, r *http.Request) {
	if err := s.Desk.OwnCertificate(s.now()); err != nil {
		s.show(w, r, http.StatusUnprocessableEntity, said{about: "certificate", wrong: err.Error()})
		return
	}
	http.Redirect(w, r, "/#files", http.StatusSeeOther)
}

// install puts in place what somebody has seen, and nothing that came after.
func (s *Setup) install(w http.ResponseWriter, r *http.Request) {
	text := s.now()
	if formOf(r)["seen"] != seen(text) {
		s.show(w, r, http.StatusConflict, said{about: "install", wrong: "the property file was changed meanwhile, in another window perhaps; look at it again"})
		return
	}
	address, err := s.Desk.Install(text)
	if err != nil {
		s.show(w, r, http.StatusUnprocessableEntity, said{about: "install", wrong: err.Error()})
		return
	}
	s.Log.Info().Msg("the property file is installed")
	w.Header().Set("Content-Security-Policy", lastPolicy())
	reply(w, http.StatusOK, s.installed(address))
	s.Desk.Close()
}

// seen stands for a text that is on the page.
func seen(text string) string { return fmt.Sprintf("%x", digestOf(text)) }

func reply(w http.ResponseWriter, code int, page string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(code)
	_, _ = io.WriteString(w, page) // who has left needs no answer
}

// show answers with the page: of who is not in yet, the form to log in.
func (s *Setup) show(w http.ResponseWriter, r *http.Request, code int, what said) {
	v := visitorOf(r)
	if v.may < toOperate {
		reply(w, code, s.door(what))
		return
	}
	s.mu.Lock()
	text, answers := s.text, maps.Clone(s.answers)
	s.mu.Unlock()
	if what.questions == nil {
		ctx, cancel := context.WithTimeout(r.Context(), deedLimit)
		defer cancel()
		what.questions, _ = s.Desk.Ask(ctx, answers)
	}
	reply(w, code, s.room(token(v), text, what))
}
