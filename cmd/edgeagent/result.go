package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"edgeagent/internal/ca"
)

// result is what a verb says with -o json that has done one thing. That it failed
// says its exit code, with a sentence on stderr.
type result struct {
	// Done is the verb, About what it was done to.
	Done  string `json:"done"`
	About string `json:"about,omitempty"`
	// Text is what a person must know of it.
	Text string `json:"text,omitempty"`
}

// tellResult says what was done: for people only what they must know.
func tellResult(asJSON bool, r result) error {
	if asJSON {
		return writeJSON(os.Stdout, r)
	}
	if r.Text != "" {
		fmt.Println(r.Text)
	}
	return nil
}

// certView is a certificate as ca shows it with -o json.
type certView struct {
	Name  string    `json:"name"`
	Until time.Time `json:"until"`
	// CA: it is the authority's own. User is its user name at the broker.
	CA    bool     `json:"ca,omitempty"`
	User  string   `json:"user,omitempty"`
	Hosts []string `json:"hosts,omitempty"`
	// There: it was left alone.
	There bool `json:"there,omitempty"`
}

// certTeller tells of certificates as they are made, or of all at once for programs.
type certTeller struct {
	out    io.Writer
	asJSON bool
	made   []certView
}

func (t *certTeller) tell(e ca.Entry) {
	v := certView{Name: e.Name, Until: e.Cert.NotAfter.UTC(), CA: e.Cert.IsCA}
	if !v.CA {
		v.User, v.Hosts = e.Cert.Subject.CommonName, ca.Hosts(e.Cert)
	}
	t.made = append(t.made, v)
	if !t.asJSON {
		tell(t.out, e)
	}
}

// there tells of one that is left alone.
func (t *certTeller) there(name string) {
	t.made = append(t.made, certView{Name: name, There: true})
	t.say("%-24s is there already\n", name)
}

// say tells people what no program needs.
func (t *certTeller) say(format string, args ...any) {
	if !t.asJSON {
		fmt.Fprintf(t.out, format, args...)
	}
}

// end is what a verb returns.
func (t *certTeller) end(err error) error {
	if t.asJSON && (err == nil || len(t.made) > 0) {
		if t.made == nil {
			t.made = []certView{}
		}
		if broken := writeJSON(t.out, t.made); broken != nil {
			return broken
		}
	}
	return err
}

// traceLine is a line of a transcript.
type traceLine struct {
	At   string `json:"at,omitempty"` // RFC 3339
	Way  string `json:"way"`          // sent, received or noted
	Text string `json:"text"`
}

// ways are the signs of a transcript.
var ways = map[string]string{">": "sent", "<": "received", "#": "noted"}

// jsonTrace turns a transcript into JSON, an object a line.
type jsonTrace struct {
	out  io.Writer
	rest []byte
}

func (j *jsonTrace) Write(p []byte) (int, error) {
	j.rest = append(j.rest, p...)
	for {
		line, rest, whole := bytes.Cut(j.rest, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		j.rest = rest
		if err := writeLine(j.out, lineOf(string(line))); err != nil {
			return 0, err
		}
	}
}

func lineOf(text string) traceLine {
	at, said, _ := strings.Cut(text, " ")
	sign, words, _ := strings.Cut(said, " ")
	if way, known := ways[sign]; known && at != "#" {
		return traceLine{At: at, Way: way, Text: words}
	}
	return traceLine{Way: "noted", Text: strings.TrimPrefix(text, "# ")}
}
