package web

import (
	"slices"
	"strings"
)

// said is what came of the last deed, for the place on the page that it is about.
type said struct {
	about, wrong string
	questions    []Question
}

func (w said) at(m *markup, about string) {
	m.when(w.about == about && w.wrong != "", "<p class=\"outcome bad\" role=\"alert\">%s</p>\n", w.wrong)
}

// frame begins a page. The ids are what tests in a browser hold on to: #code
// #login #stand #logout, and the sections #machine #questions #property (with
// #faults, #text, #listing and a #lN for each line) #files #install.
func frame(title string) *markup {
	m := &markup{}
	m.head(title, `<link rel="icon" href="/icon.svg">
<link rel="stylesheet" href="/style.css">
`)
	m.add("<a class=\"skip\" href=\"#main\">Skip to the content</a>\n")
	return m
}

// head begins a page. The style is markup that is written here.
func (m *markup) head(title, style string) {
	m.add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>%s</title>
`, title)
	m.WriteString(style)
	m.add("</head>\n<body>\n")
}

func (s *Setup) end(m *markup) string {
	m.add("</main>\n<footer><p>edgeagent %s</p></footer>\n</body>\n</html>\n", s.Version)
	return m.String()
}

// door is the page for who is not in yet.
func (s *Setup) door(what said) string {
	m := frame("Set up this gateway")
	m.add(`<header>
  <h1>Set up this gateway</h1>
</header>
<main id="main" tabindex="-1">
<form id="login" method="post" action="/login">
  <label for="code">Setup code</label>
  <input id="code" name="code" autocomplete="one-time-code" autocapitalize="characters" spellcheck="false" maxlength="64" required autofocus aria-describedby="code-hint">
  <p id="code-hint">It stands %s. So does the SHA-256 of the certificate that your browser has warned of: compare it there, and you speak with this gateway and nobody else.</p>
`, s.Told)
	what.at(m, "login")
	m.add("  <button class=\"main\">Go in</button>\n</form>\n")
	return s.end(m)
}

// room is the page for who is in, while it is written.
type room struct {
	*markup
	token, text string
	found       Checked
	what        said
}

// room is the page for who is in.
func (s *Setup) room(token, text string, what said) string {
	r := &room{token: token, text: text, what: what, found: s.Desk.Check(text)}
	serious := 0
	for _, f := range r.found.Faults {
		if !f.Warning {
			serious++
		}
	}
	state, class := "There is no property file yet.", ""
	switch {
	case r.found.Fine:
		state = "The property file is fine. Install it, and edgeagent starts."
	case text != "":
		state, class = "The property file has "+plural(serious, "fault")+".", "bad"
	}
	r.markup = frame(state + " Set up this gateway")
	r.add(`<header>
  <div class="bar">
    <h1>Set up this gateway</h1>
    <form method="post" action="/logout"><input type="hidden" name="token" value="%s"><button id="logout">Log out</button></form>
  </div>
  <p id="stand" class="%s" role="status">%s</p>
  <nav aria-label="Sections">
    <ul>
      <li><a href="#machine">This gateway</a></li>
      <li><a href="#questions">Questions</a></li>
      <li><a href="#property">Property file</a></li>
      <li><a href="#files">Its files</a></li>
      <li><a href="#install">Install</a></li>
    </ul>
  </nav>
</header>
<main id="main" tabindex="-1">
`, token, class, state)
	r.machine(s.Desk.Machine())
	r.questions()
	r.property()
	r.files()
	r.install()
	return s.end(r.markup)
}

func (r *room) machine(at Machine) {
	r.add(`<section id="machine" aria-labelledby="machine-title">
  <h2 id="machine-title">This gateway</h2>
  <dl>
    <dt>Name</dt><dd>%s</dd>
    <dt>Addresses</dt><dd>%s</dd>
    <dt>Clock</dt><dd>%s</dd>
    <dt>Property file</dt><dd><code>%s</code></dd>
  </dl>
  <h3>Serial ports</h3>
`, at.Name, strings.Join(at.Addresses, ", "), at.Clock, at.File)
	if len(at.Ports) == 0 {
		r.add("  <p>None is there. Plug the encoder's adapter in, and <a href=\"/\">look again</a>.</p>\n")
	} else {
		r.add("  <ul class=\"plain\" id=\"ports\">\n")
		for _, p := range at.Ports {
			r.add("    <li><code>%s</code> %s</li>\n", p.Name, p.Model)
		}
		r.add("  </ul>\n")
	}
	r.add("</section>\n")
}

func (r *room) questions() {
	open := ""
	if r.text == "" || r.what.about == "questions" {
		open = " open"
	}
	r.add(`<section id="questions" aria-labelledby="questions-title">
  <h2 id="questions-title">Questions</h2>
  <p>The answers make a property file, with comments, for you to look at below. Or bring one that you have.</p>
  <details%s>
  <summary>Answer a few questions</summary>
  <form method="post" action="/ask">
  <input type="hidden" name="token" value="%s">
`, open, r.token)
	if slices.ContainsFunc(r.what.questions, func(q Question) bool { return q.Problem != "" }) {
		r.add("  <p class=\"outcome bad\" role=\"alert\">Look at the answers that are marked.</p>\n")
	}
	for i := range r.what.questions {
		r.question(&r.what.questions[i])
	}
	r.add("  <p><button class=\"main\">Go on</button></p>\n  </form>\n  </details>\n</section>\n")
}

func (r *room) question(q *Question) {
	r.add("  <p class=\"question\"><label for=\"q-%s\">%s</label>\n", q.Name, q.Text)
	if q.OneOf != nil {
		r.add("  <select id=\"q-%s\" name=\"q-%s\"", q.Name, q.Name)
		r.remarks(q)
		for _, one := range q.OneOf {
			chosen := ""
			if one == q.Answer {
				chosen = " selected"
			}
			r.add("<option%s>%s</option>", chosen, one)
		}
		r.add("</select>\n")
	} else {
		r.add("  <input id=\"q-%s\" name=\"q-%s\" value=\"%s\" maxlength=\"1000\" spellcheck=\"false\" autocapitalize=\"none\" autocomplete=\"off\"", q.Name, q.Name, q.Answer)
		r.when(q.Suggest != nil, " list=\"l-%s\"", q.Name)
		r.remarks(q)
		r.add("\n")
	}
	if q.Suggest != nil {
		r.add("  <datalist id=\"l-%s\">", q.Name)
		for _, one := range q.Suggest {
			r.add("<option value=\"%s\"></option>", one)
		}
		r.add("</datalist>\n")
	}
	r.when(q.Help != "", "  <span class=\"quiet\" id=\"h-%s\">%s</span>\n", q.Name, q.Help)
	r.when(q.Problem != "", "  <span class=\"outcome bad\" id=\"e-%s\">%s</span>\n", q.Name, q.Problem)
	r.add("  </p>\n")
}

// remarks ties a field to what stands below it, and ends its tag.
func (r *room) remarks(q *Question) {
	switch {
	case q.Help != "" && q.Problem != "":
		r.add(" aria-describedby=\"e-%s h-%s\" aria-invalid=\"true\">", q.Name, q.Name)
	case q.Problem != "":
		r.add(" aria-describedby=\"e-%s\" aria-invalid=\"true\">", q.Name)
	case q.Help != "":
		r.add(" aria-describedby=\"h-%s\">", q.Name)
	default:
		r.add(">")
	}
}
