package wifi

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// The XML of a Nomadix gateway: one USG element with a line of simple ones. Its
// answers begin with a document type that no parser can read, and have text
// where none belongs; so the reader takes what it needs and is strict about the
// rest: no entities beside XML's own, no processing instructions, few elements.

const (
	maxUSG         = 64 << 10 // bytes of an answer; a user's is below one KB
	maxUSGElements = 200
	maxUSGDepth    = 6
	maxDocType     = 1024 // bytes
)

// usgReply is an answer.
type usgReply struct {
	ok     bool
	number int    // ERROR_NUM; 0 if there is none
	id     string // of the gateway
	fields map[string]usgField
}

// usgField is an element of an answer: the first of its name.
type usgField struct{ text, units string }

var errNotUSG = errors.New("not an answer of the XML interface")

// readUSG reads one answer, all of it.
func readUSG(r io.Reader) (usgReply, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return usgReply{}, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return usgReply{}, io.EOF
	}
	text, err = cutProlog(text)
	if err != nil {
		return usgReply{}, err
	}
	// Names of rooms may come in whatever letters the gateway was set up with.
	p := usgReader{d: xml.NewDecoder(bytes.NewReader(bytes.ToValidUTF8(text, []byte("?"))))}
	if err := p.read(); err != nil {
		return usgReply{}, err
	}
	return p.reply()
}

// cutProlog drops the XML declaration and the document type.
func cutProlog(text []byte) ([]byte, error) {
	text = bytes.TrimSpace(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")))
	if rest, ok := bytes.CutPrefix(text, []byte("<?xml")); ok {
		_, rest, ok = bytes.Cut(rest, []byte("?>"))
		if !ok {
			return nil, errNotUSG
		}
		text = bytes.TrimSpace(rest)
	}
	const docType = "<!DOCTYPE"
	if len(text) < len(docType) || !strings.EqualFold(string(text[:len(docType)]), docType) {
		return text, nil
	}
	// It may lack its end: it is cut up to the element. One with more in it, such
	// as definitions of entities, is refused.
	end := bytes.Index(text, []byte("<USG"))
	if end < 0 || end > maxDocType || bytes.LastIndexByte(text[:end], '<') > 0 {
		return nil, errNotUSG
	}
	return text[end:], nil
}

type usgReader struct {
	d        *xml.Decoder
	root     *xml.StartElement
	fields   map[string]usgField
	elements int
}

// read goes through the tokens to the end of the text.
func (p *usgReader) read() error {
	p.fields = map[string]usgField{}
	var name string
	var field usgField
	depth, done := 0, false
	for {
		token, err := p.d.Token()
		if errors.Is(err, io.EOF) && done {
			return nil
		}
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			p.elements++
			switch {
			case done || depth > maxUSGDepth || p.elements > maxUSGElements || t.Name.Space != "":
				return errNotUSG
			case depth == 1:
				root := t.Copy()
				p.root = &root
			case depth == 2:
				name, field = t.Name.Local, usgField{units: usgAttribute(t, "UNITS")}
			}
		case xml.EndElement:
			if depth == 2 {
				if _, twice := p.fields[name]; !twice {
					field.text = strings.TrimSpace(field.text)
					p.fields[name] = field
				}
			}
			depth--
			done = depth == 0
		case xml.CharData:
			switch {
			case depth == 2:
				field.text += string(t)
			case depth == 0 && len(bytes.TrimSpace(t)) > 0:
				return errNotUSG
			}
		case xml.Comment:
		default: // a directive, a processing instruction
			return errNotUSG
		}
	}
}

func usgAttribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name && a.Name.Space == "" {
			return a.Value
		}
	}
	return ""
}

var (
	usgID     = regexp.MustCompile(`^[0-9A-Za-z]{1,12}$`)
	usgNumber = regexp.MustCompile(`^[1-9][0-9]{2}$`)
)

func (p *usgReader) reply() (usgReply, error) {
	if p.root == nil || p.root.Name.Local != "USG" {
		return usgReply{}, errNotUSG
	}
	got := usgReply{fields: p.fields}
	if id := usgAttribute(*p.root, "ID"); usgID.MatchString(id) {
		got.id = id
	}
	switch result := usgAttribute(*p.root, "RESULT"); result {
	case "OK":
		got.ok = true
	case "ERROR":
		text := p.fields["ERROR_NUM"].text
		if text == "" {
			text = usgAttribute(*p.root, "ERROR_NUM")
		}
		if usgNumber.MatchString(text) {
			got.number, _ = strconv.Atoi(text)
		}
	default:
		return usgReply{}, errNotUSG
	}
	return got, nil
}

// usgCommand is a command under construction. It is one line: the manual wants
// no formatting.
type usgCommand struct{ text bytes.Buffer }

func newUSG(command string, attrs ...string) *usgCommand {
	c := &usgCommand{}
	c.open("USG", append([]string{"COMMAND", command}, attrs...))
	return c
}

// put adds an element; attrs are names and values by turns.
func (c *usgCommand) put(name, text string, attrs ...string) *usgCommand {
	c.open(name, attrs)
	c.escape(text)
	fmt.Fprintf(&c.text, "</%s>", name)
	return c
}

func (c *usgCommand) open(name string, attrs []string) {
	c.text.WriteString("<" + name)
	for i := 0; i+1 < len(attrs); i += 2 {
		fmt.Fprintf(&c.text, ` %s="`, attrs[i])
		c.escape(attrs[i+1])
		c.text.WriteString(`"`)
	}
	c.text.WriteString(">")
}

func (c *usgCommand) escape(text string) {
	_ = xml.EscapeText(&c.text, []byte(text)) // a buffer takes all
}

func (c *usgCommand) bytes() []byte { return []byte(c.text.String() + "</USG>") }
