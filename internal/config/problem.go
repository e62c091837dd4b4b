package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing that is wrong in a property file.
type Problem struct {
	File string `json:"file"`
	// Line and Column count from 1, the column in characters; 0 when it has no place.
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Message string `json:"message"`
	// Source is the line itself, without what looks like a secret.
	Source string `json:"source,omitempty"`
	// caret is the column in Source, where that is shorter than the line; 0 for Column.
	caret int
	// Warning marks what does not keep the agent from starting: an adapter that
	// is unplugged for now, or a rule that is doubtful.
	Warning bool `json:"warning,omitempty"`
	// Missing marks a file that is not on this machine, such as a secret: the
	// property file may be right nevertheless, where it will serve.
	Missing bool `json:"missing,omitempty"`
}

// String is the problem on one line, with its place.
func (p Problem) String() string {
	message := p.Message
	if p.Warning {
		message = "warning: " + message
	}
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, message)
	}
	return fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, message)
}

// Problems are all that is wrong, in the order of the file.
type Problems []Problem

// Fatal reports whether any of them keeps the agent from starting.
func (ps Problems) Fatal() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return !p.Warning })
}

// Wrong reports whether any of them is a fault of the property file itself,
// wherever it serves.
func (ps Problems) Wrong() bool {
	return slices.ContainsFunc(ps, func(p Problem) bool { return !p.Warning && !p.Missing })
}

// Excerpt is the part of the problem's line around its place, and the blank space
// before that; "" where it has no line.
func (p Problem) Excerpt() (source, before string) {
	if p.Line == 0 || strings.TrimSpace(p.Source) == "" {
		return "", ""
	}
	return excerpt(p.Source, cmp.Or(p.caret, p.Column))
}

// Render is the list as check prints it: each with its line and a caret.
func (ps Problems) Render() string {
	var b strings.Builder
	for _, p := range ps {
		fmt.Fprintln(&b, p)
		source, before := p.Excerpt()
		if source == "" {
			continue
		}
		number := fmt.Sprint(p.Line)
		fmt.Fprintf(&b, "  %s | %s\n", number, source)
		fmt.Fprintf(&b, "  %s | %s^\n", strings.Repeat(" ", len(number)), before)
	}
	return b.String()
}

// Report is what check prints: the problems, and how that sums up.
func Report(path string, l *Loaded, ps Problems) string {
	worst, warnings := 0, 0
	for _, p := range ps {
		if p.Warning {
			warnings++
		} else {
			worst++
		}
	}
	text := ps.Render()
	if worst > 0 {
		text += count(worst, "problem")
		if warnings > 0 {
			text += ", " + count(warnings, "warning")
		}
		return text + "\n"
	}
	text += fmt.Sprintf("%s: ok (%s, %s, %s)", path, l.Property.Name, count(len(l.PMS), "PMS link"), count(len(l.Devices), "device"))
	if warnings > 0 {
		text += ", but see the " + count(warnings, "warning")
	}
	return text + "\n"
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// widest is how much of a line is shown, in characters.
const widest = 120

// excerpt is the part of a line around a column, fit for a terminal, and the
// blank space before the column.
func excerpt(line string, column int) (source, before string) {
	text := []rune(line)
	at := min(max(column-1, 0), len(text))
	cut := 0
	if at > widest*3/4 {
		cut = at - widest/2
	}
	text, at = text[cut:], at-cut
	ellipsis := ""
	if len(text) > widest {
		text, ellipsis = text[:widest], "…"
	}
	blank := make([]rune, at)
	for i, r := range text {
		if r != '\t' && !unicode.IsPrint(r) {
			text[i] = '\ufffd' // could disturb the terminal
		}
		if i < at {
			blank[i] = ' '
			if r == '\t' {
				blank[i] = r
			}
		}
	}
	source, before = string(text)+ellipsis, string(blank)
	if cut > 0 {
		source, before = "…"+source, " "+before
	}
	return source, before
}

// A secret that somebody wrote into the file, by the name of its key, and the
// user and password of an address.
var (
	secretKey   = regexp.MustCompile(`(?i)(secret|passw(or)?d|passphrase|pwd|credentials?|api_?-?key|app_?-?key|private_?key|signing_?key|seed|access_?token|auth_?token)$`)
	secretValue = regexp.MustCompile(`(?i)([a-z0-9_-]*(?:secret|passw(?:or)?d|passphrase|pwd|credentials?|api_?-?key|app_?-?key|private_?key|signing_?key|seed|access_?token|auth_?token)["']?\s*:)\s*[^\s#].*`)
	fileValue   = regexp.MustCompile(`[a-z]_file["']?\s*:\s*("[^"]*"?|'[^']*'?|[^\s"'#][^,}#]*)`)
	userInURL   = regexp.MustCompile(`://[^/\s]*@`)
	queryInURL  = regexp.MustCompile(`(://[^\s?#]*)\?[^\s"']*`)
)

// covered is a line without what looks like a secret: a problem shows its
// line, in a log and on the status page too.
func covered(line string) string {
	line = secretValue.ReplaceAllString(line, "$1 …")
	line = fileValue.ReplaceAllStringFunc(line, func(setting string) string {
		key, value, _ := strings.Cut(setting, ":")
		if isFileName(strings.Trim(value, " \t\"'")) {
			return setting
		}
		return key + ": …"
	})
	line = userInURL.ReplaceAllString(line, "://…@")
	return queryInURL.ReplaceAllString(line, "$1?…")
}

// fileName is how people call a file that holds a secret or a certificate: with its
// folder, or by what it holds. A secret that stands in its place looks otherwise,
// as likely as not.
var fileName = regexp.MustCompile(`^(\.{0,2}/[\w./ @-]+|[a-z0-9_.-]+(/[a-z0-9_.-]+)+|page-[a-z0-9_.-]+|([a-z0-9]+[-_.])*(secret|key|token|password|ca|cert|crt|pem|txt)([-_.][a-z0-9]+)*)$`)

func isFileName(text string) bool { return len(text) <= 100 && fileName.MatchString(text) }

// printable is a text without what could disturb a terminal, each character
// and each byte that is none replaced by one character, so that columns stay.
func printable(text string) string {
	runes := []rune(text)
	for i, r := range runes {
		if r != '\t' && !unicode.IsPrint(r) {
			runes[i] = utf8.RuneError
		}
	}
	return string(runes)
}

// maxProblems is how many are told at once.
const maxProblems = 200

// report keeps a problem.
func (c *checker) report(p Problem) *Problem {
	if shown := covered(p.Source); shown != p.Source {
		line := []rune(p.Source)
		before := string(line[:min(max(p.Column-1, 0), len(line))])
		p.Source, p.caret = shown, len([]rune(covered(before)))+1
	}
	p.File, p.Message, p.Source = c.file, printable(p.Message), printable(p.Source)
	if len(c.problems) >= maxProblems {
		c.more++
		return &p
	}
	c.problems = append(c.problems, p)
	return &c.problems[len(c.problems)-1]
}

// sorted is all that was found, in the order of the file.
func (c *checker) sorted() Problems {
	ps := c.problems
	sort.SliceStable(ps, func(i, j int) bool {
		return cmp.Or(cmp.Compare(ps[i].Line, ps[j].Line), cmp.Compare(ps[i].Column, ps[j].Column)) < 0
	})
	ps = slices.Compact(ps)
	if c.more > 0 {
		ps = append(ps, Problem{File: c.file, Message: fmt.Sprintf("and %d more; mend these first", c.more)})
	}
	return ps
}
