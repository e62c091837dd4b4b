package inspiresim

import (
	"encoding/json"
	"fmt"
	"html"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// form is how a subscription's events are written: the shape, and the fields
// that were asked for.
type form struct {
	shape  Shape
	root   string // key of newEvent
	fields []selected
	delta  bool
}

// key tells forms apart that give different bytes.
func (f *form) key() string {
	return fmt.Sprintf("%+v|%s|%v|%t", f.shape, f.root, f.fields, f.delta)
}

// appendPayload writes the payload member for the records, which are several
// only in array shape.
func (f *form) appendPayload(b []byte, records []*record) []byte {
	b = append(b, '{')
	if !f.shape.BarePayload {
		b = append(b, `"data":{`...)
	}
	b = appendString(b, f.root)
	b = append(b, ':')
	if f.shape.ArrayOf > 0 {
		b = append(b, '[')
	}
	for i, r := range records {
		if i > 0 {
			b = append(b, ',')
		}
		b = f.appendEvent(b, r)
	}
	if f.shape.ArrayOf > 0 {
		b = append(b, ']')
	}
	if !f.shape.BarePayload {
		b = append(b, '}')
	}
	if f.shape.Errors != "" {
		b = append(b, `,"errors":`...)
		b = appendErrors(b, f.shape.Errors)
	}
	return append(b, '}')
}

func (f *form) appendEvent(b []byte, r *record) []byte {
	e := &r.event
	b = append(b, '{')
	first := true
	for _, field := range f.fields {
		if field.name == "detail" && f.shape.Detail == DetailMissing {
			continue
		}
		b, first = appendKey(b, field.key, first), false
		switch field.name {
		case "metadata":
			b = f.appendMetadata(b, field.sel, r)
		case "moduleName":
			b = appendString(b, f.spell(e.Module))
		case "eventName":
			b = appendString(b, f.spell(e.Name))
		case "primaryKey":
			b = appendString(b, e.PrimaryKey)
		case "timestamp":
			b = appendString(b, e.Timestamp)
		case "hotelId":
			b = appendOrNull(b, e.HotelID)
		case "publisherId", "actionInstanceId":
			b = append(b, "null"...)
		case "detail":
			b = f.appendDetail(b, field.sel, e.Detail)
		}
	}
	if f.shape.Extra != "" {
		b = append(b, ',')
		b = append(b, f.shape.Extra...)
	}
	return append(b, '}')
}

func (f *form) appendMetadata(b []byte, fields []selected, r *record) []byte {
	b = append(b, '{')
	for i, field := range fields {
		b = appendKey(b, field.key, i == 0)
		switch {
		case field.name == "uniqueEventId":
			b = appendString(b, r.unique)
		case f.shape.OffsetAsNumber:
			b = strconv.AppendUint(b, r.offset, 10)
		default:
			b = append(b, '"')
			b = strconv.AppendUint(b, r.offset, 10)
			b = append(b, '"')
		}
	}
	return append(b, '}')
}

func (f *form) appendDetail(b []byte, fields []selected, detail []Element) []byte {
	if f.shape.Detail == DetailNull {
		return append(b, "null"...)
	}
	b = append(b, '[')
	first := true
	for i := range detail {
		if f.delta && detail[i].Old == detail[i].New {
			continue
		}
		if !first {
			b = append(b, ',')
		}
		first = false
		b = f.appendElement(b, fields, &detail[i])
	}
	return append(b, ']')
}

func (f *form) appendElement(b []byte, fields []selected, e *Element) []byte {
	b = append(b, '{')
	first := true
	for _, field := range fields {
		value := ""
		switch field.name {
		case "elementName":
			value = f.spell(e.Name)
		case "oldValue":
			value = e.Old
		case "newValue":
			value = e.New
		}
		isValue := field.name == "oldValue" || field.name == "newValue"
		if isValue && value == "" && f.shape.Blank == BlankMissing {
			continue
		}
		b, first = appendKey(b, field.key, first), false
		switch {
		case isValue && value == "" && f.shape.Blank == BlankNull:
			b = append(b, "null"...)
		case isValue && f.shape.HTMLEscape:
			b = appendString(b, html.EscapeString(value))
		case isValue || field.name == "elementName":
			b = appendString(b, value)
		default:
			b = appendAttribute(b, field.name, e)
		}
	}
	return append(b, '}')
}

// appendAttribute writes what only the full schema knows of an element.
func appendAttribute(b []byte, name string, e *Element) []byte {
	switch name {
	case "elementSequence":
		if e.Sequence != 0 {
			return strconv.AppendInt(b, int64(e.Sequence), 10)
		}
	case "scopeFrom":
		return appendOrNull(b, e.ScopeFrom)
	case "scopeTo":
		return appendOrNull(b, e.ScopeTo)
	case "elementType":
		return appendOrNull(b, e.Type)
	case "elementRole":
		return appendOrNull(b, e.Role)
	}
	return append(b, "null"...)
}

// spell gives a name in the case that the shape asks for.
func (f *form) spell(name string) string {
	if !f.shape.PascalCase {
		return name
	}
	return pascalCase(name)
}

// pascalCase turns CHECK IN into CheckIn.
func pascalCase(name string) string {
	var out strings.Builder
	for word := range strings.FieldsSeq(name) {
		for i, r := range word {
			if i == 0 {
				out.WriteRune(unicode.ToUpper(r))
			} else {
				out.WriteRune(unicode.ToLower(r))
			}
		}
	}
	return out.String()
}

func appendKey(b []byte, key string, first bool) []byte {
	if !first {
		b = append(b, ',')
	}
	b = appendString(b, key)
	return append(b, ':')
}

func appendOrNull(b []byte, s string) []byte {
	if s == "" {
		return append(b, "null"...)
	}
	return appendString(b, s)
}

// appendString writes a JSON string; plain ASCII, which is nearly all of it,
// without the detour over reflection.
func appendString(b []byte, s string) []byte {
	plain := !slices.ContainsFunc([]byte(s), func(c byte) bool { return c < ' ' || c == '"' || c == '\\' || c >= 0x7f })
	if plain {
		b = append(b, '"')
		b = append(b, s...)
		return append(b, '"')
	}
	text, err := json.Marshal(s)
	if err != nil {
		return append(b, `""`...)
	}
	return append(b, text...)
}

func appendErrors(b []byte, message string) []byte {
	b = append(b, `[{"message":`...)
	b = appendString(b, message)
	return append(b, `}]`...)
}
