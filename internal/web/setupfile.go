package web

import (
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strings"
)

// property is the file itself: what is wrong with it, and a place to mend it.
func (r *room) property() {
	r.add(`<section id="property" aria-labelledby="property-title">
  <h2 id="property-title">Property file</h2>
`)
	if r.text != "" {
		r.add("  <p id=\"sum\">%s</p>\n", r.found.Sum)
		missing := slices.ContainsFunc(r.found.Files, func(f Wanted) bool { return !f.There && f.How != ByHand })
		r.when(missing, "  <p>Files that are missing can be written <a href=\"#files\">below</a>.</p>\n")
		r.faults()
	}
	r.add(`  <form method="post" action="/text" enctype="multipart/form-data">
  <input type="hidden" name="token" value="%s">
  <label for="file">Bring a file</label>
  <input type="file" id="file" name="file" accept=".yaml,.yml,text/yaml,text/plain">
  <label for="text">Or write it here</label>
  <textarea id="text" name="text" rows="20" spellcheck="false" autocapitalize="none" autocomplete="off">
%s</textarea>
  <p><button class="main">Check</button></p>
  </form>
`, r.token, r.text)
	if r.text != "" {
		r.listing()
	}
	r.add("</section>\n")
}

func (r *room) faults() {
	r.add("  <ol id=\"faults\" class=\"rows\">\n")
	for _, f := range r.found.Faults {
		class, before := "serious", ""
		if f.Warning {
			class, before = "mild", "Warning: "
		}
		r.add("    <li class=\"%s\">", class)
		r.when(f.Line > 0, "<a href=\"#l%d\">Line %d, column %d</a>: ", f.Line, f.Line, f.Column)
		r.add("%s%s", before, f.Text)
		if before, word, after := f.pointed(); f.Source != "" {
			r.add("\n<pre>%s<mark>%s</mark>%s</pre>", before, word, after)
		}
		r.add("</li>\n")
	}
	r.add("  </ol>\n")
}

// pointed parts the line of a fault: the word that the place is at, and the rest.
func (f *Fault) pointed() (before, word, after string) {
	line := []rune(f.Source)
	at := min(len([]rune(f.Before)), len(line))
	end := at
	for end < len(line) && line[end] != ' ' && line[end] != ',' {
		end++
	}
	return string(line[:at]), string(line[at:end]), string(line[end:])
}

// mostLines is how many lines are shown with their numbers.
const mostLines = 3000

// listing is the text with its line numbers, which a field to write in lacks.
func (r *room) listing() {
	said, class := map[int][]string{}, map[int]string{}
	for _, f := range r.found.Faults {
		if f.Line == 0 {
			continue
		}
		said[f.Line] = append(said[f.Line], f.Text)
		if !f.Warning {
			class[f.Line] = "wrong"
		} else if class[f.Line] == "" {
			class[f.Line] = "doubtful"
		}
	}
	r.add("  <h3 id=\"listing-title\">With line numbers</h3>\n  <div id=\"listing\" class=\"listing\" tabindex=\"0\" role=\"region\" aria-labelledby=\"listing-title\"><ol>\n")
	n := 0
	for line := range strings.Lines(r.text) {
		if n++; n > mostLines {
			break
		}
		line = strings.TrimRight(line, "\n")
		if said[n] == nil {
			r.add("<li id=\"l%d\"><code>%s</code></li>\n", n, line)
		} else {
			r.add("<li id=\"l%d\" class=\"%s\"><code>%s</code> <em>%s</em></li>\n", n, class[n], line, strings.Join(said[n], " — "))
		}
	}
	r.add("  </ol></div>\n")
	r.when(n > mostLines, "  <p>And more: only the first %d lines are shown.</p>\n", mostLines)
}

// files are those that the property file names, in one form.
func (r *room) files() {
	r.add(`<section id="files" aria-labelledby="files-title">
  <h2 id="files-title">Files that it names</h2>
`)
	if len(r.found.Files) == 0 {
		r.add("  <p>None.</p>\n</section>\n")
		return
	}
	if r.found.NoCertificate || r.what.about == "certificate" {
		r.add(`  <form method="post" action="/certificate"><input type="hidden" name="token" value="%s">
  <p>The status page needs a certificate. Without one of your own, let it have the one of this page: your browser knows it already.</p>
`, r.token)
		r.what.at(r.markup, "certificate")
		r.add("  <p><button id=\"own-certificate\">Use this page's certificate</button></p></form>\n")
	}
	r.add(`  <p>Secrets are kept in files of their own, which only root can read. This page shows them to nobody again.</p>
  <form method="post" action="/files" enctype="multipart/form-data">
  <input type="hidden" name="token" value="%s">
  <ul class="cards">
`, r.token)
	some := false
	for i := range r.found.Files {
		f := &r.found.Files[i]
		some = some || f.How != ByHand
		r.file(i, f)
	}
	r.add("  </ul>\n")
	r.when(some, "  <p><button class=\"main\">Write what is filled in</button></p>\n")
	r.add("  </form>\n</section>\n")
}

func (r *room) file(n int, f *Wanted) {
	class, state := "warn", "missing"
	if f.There {
		class, state = "ok", "there"
	}
	r.add("    <li><h3><code>%s</code> <span class=\"chip %s\">%s</span></h3>\n    <p class=\"quiet\">%s</p>\n", f.Name, class, state, f.For)
	r.when(f.There && f.How != ByHand, "    <details><summary>Write it anew</summary>\n")
	switch f.How {
	case ByHand:
		r.add("    <p>It belongs into <code>%s</code>, where this page does not write: put it there yourself.</p>\n", f.Path)
	case AsSecret:
		r.field(n, "text", "the secret", `type="password" autocomplete="off" maxlength="4096"`)
		r.field(n, "file", "or a file with it", `type="file"`)
	case AsPassword:
		r.field(n, "text", "a new password, of 10 characters or more", `type="password" autocomplete="new-password" maxlength="1024"`)
		r.field(n, "again", "once more", `type="password" autocomplete="new-password" maxlength="1024"`)
	case AsPEM:
		r.field(n, "file", "a file in PEM form", `type="file" accept=".pem,.crt,.cer,.key"`)
		r.add("    <label for=\"text-%d\">%s: or its text</label> <textarea id=\"text-%d\" name=\"text-%s\" rows=\"3\" spellcheck=\"false\" autocomplete=\"off\"></textarea>\n", n, f.Name, n, f.Name)
	}
	r.what.at(r.markup, "file "+f.Name)
	r.when(f.There && f.How != ByHand, "    </details>\n")
	r.add("    </li>\n")
}

// field is one to fill in, of the n-th file. The attributes are written here.
func (r *room) field(n int, part, what, attributes string) {
	name := r.found.Files[n].Name
	r.add("    <label for=\"%s-%d\">%s: %s</label> <input id=\"%s-%d\" name=\"%s-%s\" "+attributes+">\n", part, n, name, what, part, n, part, name)
}

// install is the end of it all.
func (r *room) install() {
	r.add(`<section id="install" aria-labelledby="install-title">
  <h2 id="install-title">Install</h2>
`)
	r.what.at(r.markup, "install")
	if !r.found.Fine {
		r.add("  <p>Nothing is installed before the property file is there and without faults.</p>\n</section>\n")
		return
	}
	r.add(`  <p>It is put in place, this page is closed, and edgeagent starts and serves the hotel.</p>
  <form method="post" action="/install"><input type="hidden" name="token" value="%s"><input type="hidden" name="seen" value="%s"><button class="main">Install and start</button></form>
</section>
`, r.token, seen(r.text))
}

// installed is the last page. Nobody answers any more when the browser asks for
// its style: it brings it along.
func (s *Setup) installed(address string) string {
	m := &markup{}
	m.head("It is installed", "<style>"+styleCSS+"</style>\n")
	m.add("<header>\n  <h1>It is installed</h1>\n</header>\n<main id=\"main\" tabindex=\"-1\">\n<p id=\"done\">The property file is in place. This page is closed, and edgeagent starts now.</p>\n")
	if address == "" {
		m.add("<p>Its status page is on the gateway only, at http://127.0.0.1:8080/ unless the property file says otherwise; docs/page.md says how to have it on the network.</p>\n")
	} else {
		m.add("<p>In a moment <a id=\"status\" href=\"%s\">its status page</a> is there. Log in with the password that you have set.</p>\n", address)
	}
	return s.end(m)
}

// lastPolicy lets the last page use the style that it brings along.
func lastPolicy() string {
	sum := sha256.Sum256([]byte(styleCSS))
	return strings.Replace(setupPolicy, "style-src 'self'", "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'", 1)
}
