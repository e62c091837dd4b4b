package nomadixsim

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// element is any element of a command or a reply.
type element struct {
	XMLName  xml.Name
	Attrs    []xml.Attr `xml:",any,attr"`
	Text     string     `xml:",chardata"`
	Children []element  `xml:",any"`
}

func (e element) attr(name string) string {
	for _, a := range e.Attrs {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// child is the element of a name; empty if there is none.
func (e element) child(name string) element {
	for _, c := range e.Children {
		if c.XMLName.Local == name {
			return c
		}
	}
	return element{}
}

// reply is what a command came to: a number and nothing else, or fields.
type reply struct {
	number int // 0 is success
	fields []element
}

// numbers are the errors of the manual.
var numbers = map[int]string{
	100: "Parsing error",
	101: "Unrecognized command",
	102: "Required attribute is missing",
	103: "Required data is missing",
	200: "Unknown room number",
	201: "Unknown user name",
	202: "Unknown user MAC address",
	203: "Incorrect password",
	204: "Username already present",
	205: "Too many subscribers",
	206: "Unable to provide all requested data",
	207: "AAA internal error",
	303: "Unsupported payment method",
}

func fail(number int) reply { return reply{number: number} }

func field(name, text string, attrs ...string) element {
	e := element{XMLName: xml.Name{Local: name}, Text: text}
	for i := 0; i+1 < len(attrs); i += 2 {
		e.Attrs = append(e.Attrs, xml.Attr{Name: xml.Name{Local: attrs[i]}, Value: attrs[i+1]})
	}
	return e
}

// answer writes a reply as the manual's samples look: with a document type that
// no parser can read, and text that stands between elements.
func (g *Gateway) answer(w http.ResponseWriter, r reply) {
	root := element{XMLName: xml.Name{Local: "USG"}}
	result := "OK"
	if r.number != 0 {
		result = "ERROR"
		r.fields = []element{field("ERROR_NUM", strconv.Itoa(r.number)), field("ERROR_DESC", numbers[r.number])}
	}
	root.Attrs = field("", "", "RESULT", result, "ID", "02BC3C", "IP", "192.0.2.70").Attrs
	root.Children = r.fields
	var text bytes.Buffer
	text.WriteString("<?xml version=\"1.0\" ?>\r\n<!DOCTYPE USG \" ndxRsp.dtd\">\r\n")
	if err := xml.NewEncoder(&text).Encode(root); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/xml")
	w.Header().Set("Server", "UI 02BC3C")
	_, _ = fmt.Fprint(w, strings.ReplaceAll(text.String(), "</PAYMENT_METHOD>", "</PAYMENT_METHOD>NO_PAYMENT"))
}

// verb is the command of a request, for whoever reads the list of them.
func verb(body []byte) string {
	root, err := parse(body)
	if err != nil {
		return "?"
	}
	return root.attr("COMMAND")
}

func parse(body []byte) (element, error) {
	var root element
	decoder := xml.NewDecoder(bytes.NewReader(body))
	if err := decoder.Decode(&root); err != nil {
		return root, err
	}
	if root.XMLName.Local != "USG" || len(bytes.TrimSpace(body[decoder.InputOffset():])) > 0 {
		return root, fmt.Errorf("not one USG element")
	}
	return root, nil
}
