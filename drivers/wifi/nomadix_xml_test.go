package wifi

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// manualAnswer has what the manual's sample has: a document type that is none,
// and text beside its element.
const manualAnswer = "<?xml version=\"1.0\" ?>\r\n<!DOCTYPE USG \" ndxQueryUserRsp.dtd\">\r\n" +
	"<USG RESULT=\"OK\" ID=\"ABC123\" IP=\"192.168.100.102\">\r\n<MAC_ADDR>1A2B3C4D5E6F</MAC_ADDR>\r\n" +
	"<EXPIRY_TIME UNITS=\"SECONDS\"> 3600 </EXPIRY_TIME>\r\n<PAYMENT_METHOD>\r\n</PAYMENT_METHOD>CREDIT_CARD\r\n" +
	"<DEEP><A>x</A>y</DEEP><MAC_ADDR>second</MAC_ADDR></USG>\r\n"

func TestReadUSG(t *testing.T) {
	full := usgReply{ok: true, id: "ABC123", fields: map[string]usgField{
		"MAC_ADDR": {text: "1A2B3C4D5E6F"}, "EXPIRY_TIME": {text: "3600", units: "SECONDS"}, "PAYMENT_METHOD": {}, "DEEP": {text: "y"}}}
	none := map[string]usgField{}
	for _, test := range []struct {
		name, text string
		want       usgReply
		bad        bool
	}{
		{name: "the manual's", text: manualAnswer, want: full},
		{name: "with a mark before it", text: "\xef\xbb\xbf" + manualAnswer, want: full},
		{name: "bare", text: `<USG RESULT="OK"/>`, want: usgReply{ok: true, fields: none}},
		{name: "in one line", text: `<?xml version="1.0"?><!doctype USG><USG RESULT="OK"/>`, want: usgReply{ok: true, fields: none}},
		{name: "a document type without its end", text: "<!DOCTYPE USG \"x\n<USG RESULT=\"OK\"/>", want: usgReply{ok: true, fields: none}},
		{name: "a document type of two lines", text: "<!DOCTYPE USG\n\"x\">\n<USG RESULT=\"OK\"/>", want: usgReply{ok: true, fields: none}},
		{name: "a long document type", text: "<!DOCTYPE USG " + strings.Repeat("x", maxDocType) + ">\n<USG RESULT=\"OK\"/>", bad: true},
		{name: "another alphabet", text: "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><USG RESULT=\"OK\"><ROOM>S\xe3o</ROOM></USG>",
			want: usgReply{ok: true, fields: map[string]usgField{"ROOM": {text: "S?o"}}}},
		{name: "error in an element", text: `<USG RESULT="ERROR"><ERROR_NUM>201</ERROR_NUM></USG>`,
			want: usgReply{number: 201, fields: map[string]usgField{"ERROR_NUM": {text: "201"}}}},
		{name: "error in an attribute", text: `<USG RESULT="ERROR" ERROR_NUM="204"></USG>`, want: usgReply{number: 204, fields: none}},
		{name: "error without a number", text: `<USG RESULT="ERROR"><ERROR_NUM>+20</ERROR_NUM></USG>`,
			want: usgReply{fields: map[string]usgField{"ERROR_NUM": {text: "+20"}}}},
		{name: "XML's own entities", text: `<USG RESULT="OK"><A>&lt;&#65;</A></USG>`, want: usgReply{ok: true, fields: map[string]usgField{"A": {text: "<A"}}}},
		{name: "an entity of its own", text: `<USG RESULT="OK"><A>&ndx;</A></USG>`, bad: true},
		{name: "an entity defined", text: "<!DOCTYPE USG [<!ENTITY x \"y\">]>\n<USG RESULT=\"OK\"/>", bad: true},
		{name: "an entity defined in lines", text: "<!DOCTYPE USG [\n<!ENTITY x \"y\">]>\n<USG RESULT=\"OK\"/>", bad: true},
		{name: "a second document type", text: "<!DOCTYPE USG>\n<!DOCTYPE USG>\n<USG RESULT=\"OK\"/>", bad: true},
		{name: "an instruction", text: `<USG RESULT="OK"><?do it?></USG>`, bad: true},
		{name: "another element", text: `<HTML RESULT="OK"/>`, bad: true},
		{name: "another's element", text: `<x:USG xmlns:x="y" RESULT="OK"/>`, bad: true},
		{name: "no result", text: `<USG/>`, bad: true},
		{name: "two elements", text: `<USG RESULT="OK"/><USG RESULT="OK"/>`, bad: true},
		{name: "text after it", text: `<USG RESULT="OK"/>x`, bad: true},
		{name: "cut off", text: `<USG RESULT="OK"><A>`, bad: true},
		{name: "declaration cut off", text: `<?xml version="1.0"`, bad: true},
		{name: "not closed", text: `<USG RESULT="OK"><A></USG>`, bad: true},
		{name: "many elements", text: `<USG RESULT="OK">` + strings.Repeat("<A/>", maxUSGElements) + `</USG>`, bad: true},
		{name: "deep", text: `<USG RESULT="OK">` + strings.Repeat("<A>", maxUSGDepth) + strings.Repeat("</A>", maxUSGDepth) + `</USG>`, bad: true},
		{name: "HTML", text: "<!doctype html>\n<title>Welcome</title>", bad: true},
	} {
		got, err := readUSG(strings.NewReader(test.text))
		if test.bad != (err != nil) {
			t.Errorf("%s: %+v, %v", test.name, got, err)
			continue
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(usgReply{}, usgField{})); !test.bad && diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
	if _, err := readUSG(strings.NewReader(" \r\n")); !errors.Is(err, io.EOF) {
		t.Errorf("nothing: %v", err)
	}
	if _, err := readUSG(&bounded{r: strings.NewReader(strings.Repeat(" ", 100)), left: 99}); !errors.Is(err, errTooLarge) {
		t.Errorf("too much: %v", err)
	}
}

func TestUSGDuration(t *testing.T) {
	for _, test := range []struct {
		text, units string
		want        time.Duration
		ok          bool
	}{
		{"90", "SECONDS", 90 * time.Second, true},
		{"90", "MINUTES", 90 * time.Minute, true},
		{"30", "HOURS", 30 * time.Hour, true},
		{"3", "DAYS", 72 * time.Hour, true},
		{"0", "SECONDS", 0, true},
		{"3", "WEEKS", 0, false},
		{"3", "", 0, false},
		{"-3", "DAYS", 0, false},
		{"", "DAYS", 0, false},
		{"9223372036854775807", "DAYS", 0, false},
	} {
		if got, ok := usgDuration(usgField{text: test.text, units: test.units}); got != test.want || ok != test.ok {
			t.Errorf("%s %s: %v, %v", test.text, test.units, got, ok)
		}
	}
}

func FuzzReadUSG(f *testing.F) {
	for _, seed := range []string{manualAnswer, stubError(204), stubOK, "<!DOCTYPE html>", "<!DOCTYPE USG [<!ENTITY x 'y'>]><USG/>", "<?xml?><USG RESULT='OK'>&#x41;</USG>", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := readUSG(strings.NewReader(text))
		if err != nil {
			if len(text) > 24 && strings.Contains(unreadable(err).Error(), text) {
				t.Errorf("the error quotes the answer: %v", unreadable(err))
			}
			return
		}
		if got.ok && got.number != 0 || got.number < 0 || got.number > 999 || len(got.fields) >= maxUSGElements {
			t.Errorf("%+v", got)
		}
		size := 0
		for name, field := range got.fields {
			size += len(name) + len(field.text)
		}
		if size > 4*len(text) {
			t.Errorf("%d bytes out of %d", size, len(text))
		}
	})
}

// What is put into a command comes out of it as one element's text, whatever it is.
func FuzzUSGCommand(f *testing.F) {
	for _, seed := range []string{"101", "<&>\"'", "]]>", "é", "\x00\xff", "</USER_NAME><PLAN>1</PLAN>"} {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, text, attr string) {
		var got struct {
			Attr  string   `xml:"A,attr"`
			Names []string `xml:"USER_NAME"`
			Rest  []struct {
				XMLName xml.Name
			} `xml:",any"`
		}
		if err := xml.Unmarshal(newUSG("C", "A", attr).put("USER_NAME", text).bytes(), &got); err != nil {
			t.Fatal(err)
		}
		if len(got.Names) != 1 || len(got.Rest) != 0 {
			t.Errorf("%q gave %+v", text, got)
		}
	})
}
