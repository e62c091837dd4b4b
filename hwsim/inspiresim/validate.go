package inspiresim

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// request is a validated query: what to send of which chain, from where.
type request struct {
	kind    string // newEvent, connection, getHelp
	key     string // its name in the answer
	chain   string
	fields  []selected
	hotels  []string // hotelCode; empty: all
	delta   bool
	highest bool
	from    position
}

// position is where a subscription begins; raw is its JSON text, "" if none.
type position struct {
	raw string
	at  uint64
}

// chainPattern is what a chain code may look like.
var chainPattern = regexp.MustCompile(`^[A-Za-z0-9 _%#$&-]{1,20}$`)

// documentedQuery is the guide's selection as tokens, the chain code masked.
const documentedQuery = `subscription { newEvent ( input : { chainCode : ? } ) { metadata { offset } moduleName eventName detail { elementName oldValue newValue } } }`

// schemaFields lists what can be selected below newEvent; a dot marks a field of an object.
func (s Schema) fields() []string {
	documented := []string{"metadata.offset", "moduleName", "eventName", "detail.elementName", "detail.oldValue", "detail.newValue"}
	switch s {
	case SchemaExtended:
		return append(documented, "metadata.uniqueEventId", "primaryKey", "timestamp", "hotelId")
	case SchemaOHIP:
		return append(documented, "metadata.uniqueEventId", "primaryKey", "timestamp", "hotelId", "publisherId",
			"actionInstanceId", "detail.elementType", "detail.elementSequence", "detail.elementRole", "detail.scopeFrom", "detail.scopeTo")
	default:
		return documented
	}
}

// understand parses and validates a query as a GraphQL server of that schema
// would; the error is the message for the client.
func understand(text string, variables map[string]json.RawMessage, f *Subscribe, d Dialect) (*request, error) {
	if f.ExactQuery {
		if err := matchDocumented(text); err != nil {
			return nil, err
		}
	}
	doc, err := parse(text)
	if err != nil {
		return nil, err
	}
	if len(doc.fields) != 1 {
		return nil, invalid("Validation error: a subscription must select only one top level field.")
	}
	root := doc.fields[0]
	if d == OHIP && doc.operation == "query" && (root.name == "connection" || root.name == "getHelp") {
		return understandQuery(root)
	}
	if doc.operation != "subscription" || root.name != "newEvent" {
		return nil, invalid("Validation error: Cannot query field %q on type %q.", root.name, strings.ToUpper(doc.operation[:1])+doc.operation[1:])
	}
	r := &request{kind: root.name, key: root.key, fields: root.sel}
	if err := checkFields(root.sel, "", f.Schema.fields()); err != nil {
		return nil, err
	}
	return r, r.readInput(root.args, variables, d)
}

func understandQuery(root selected) (*request, error) {
	if root.name == "connection" {
		if err := checkFields(root.sel, "", []string{"id", "status"}); err != nil {
			return nil, err
		}
	}
	return &request{kind: root.name, key: root.key, fields: root.sel}, nil
}

func matchDocumented(text string) error {
	tokens, err := scan(text)
	if err != nil {
		return err
	}
	var words []string
	for _, t := range tokens[:len(tokens)-1] {
		if t.kind == 's' {
			t.text = "?"
		}
		words = append(words, t.text)
	}
	if strings.Join(words, " ") != documentedQuery {
		return invalid("Validation error: unknown query.")
	}
	return nil
}

// checkFields refuses what the schema does not have, objects without and
// scalars with a selection of their own, and arguments, which no field takes.
func checkFields(sel []selected, parent string, known []string) error {
	if len(sel) == 0 {
		return invalid(`Validation error: Field of an object type must have a selection of subfields.`)
	}
	for _, f := range sel {
		path := parent + f.name
		object := slices.ContainsFunc(known, func(k string) bool { return strings.HasPrefix(k, path+".") })
		switch {
		case !object && !slices.Contains(known, path):
			return invalid("Validation error: Cannot query field %q on type %q.", f.name, "NewEvent")
		case f.args != nil:
			return invalid("Validation error: Unknown argument on field %q.", f.name)
		case object:
			if err := checkFields(f.sel, path+".", known); err != nil {
				return err
			}
		case f.sel != nil:
			return invalid("Validation error: Field %q must not have a selection since its type has no subfields.", f.name)
		}
	}
	return nil
}

func (r *request) readInput(args map[string]any, variables map[string]json.RawMessage, d Dialect) error {
	input, ok := resolve(args["input"], variables).(map[string]any)
	if !ok || len(args) != 1 {
		return invalid(`Validation error: newEvent takes one argument "input" of type "NewEventInput!".`)
	}
	for name, value := range input {
		value = resolve(value, variables)
		if name != "chainCode" && d != OHIP {
			return invalid("Validation error: Field %q is not defined by type %q.", name, "NewEventInput")
		}
		if err := r.readMember(name, value); err != nil {
			return err
		}
	}
	if r.chain == "" {
		return invalid(`Validation error: Field "chainCode" of required type "String!" was not provided.`)
	}
	if r.highest {
		r.from = position{}
	}
	return nil
}

func (r *request) readMember(name string, value any) error {
	text, isText := value.(string)
	switch name {
	case "chainCode":
		if !isText || !chainPattern.MatchString(text) {
			return invalid(`Validation error: chainCode has an invalid value.`)
		}
		r.chain = text
	case "offset":
		at, err := strconv.ParseUint(text, 10, 64)
		if !isText || err != nil || len(text) > 20 {
			return invalid(`Validation error: offset must be a string of digits.`)
		}
		r.from = position{raw: strconv.Quote(text), at: at}
	case "offsetType":
		if value != enumValue("highest") && text != "highest" {
			return invalid(`Validation error: offsetType must be highest.`)
		}
		r.highest = true
	case "delta":
		on, isBool := value.(bool)
		if !isBool {
			return invalid(`Validation error: delta must be a Boolean.`)
		}
		r.delta = on
	case "hotelCode":
		if !isText || len(text) > 50 {
			return invalid(`Validation error: hotelCode must be a string of at most 50 characters.`)
		}
		for code := range strings.SplitSeq(text, ",") {
			r.hotels = append(r.hotels, strings.TrimSpace(code))
		}
	default:
		return invalid("Validation error: Field %q is not defined by type %q.", name, "NewEventInput")
	}
	return nil
}

// resolve puts in the value of a variable.
func resolve(value any, variables map[string]json.RawMessage) any {
	name, isVariable := value.(variable)
	if !isVariable {
		return value
	}
	var out any
	if json.Unmarshal(variables[string(name)], &out) != nil {
		return nil
	}
	return out
}

// readFromOffset reads payload.extensions.fromOffset.
func readFromOffset(raw json.RawMessage, accept OffsetInput) (position, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return position{}, nil
	}
	digits := string(raw)
	var text string
	isText := json.Unmarshal(raw, &text) == nil
	switch {
	case isText && accept == OffsetNumber:
		return position{}, invalid("Validation error: extensions.fromOffset must be a number.")
	case !isText && accept == OffsetString:
		return position{}, invalid("Validation error: extensions.fromOffset must be a string.")
	case isText:
		digits = text
	}
	at, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return position{}, invalid("Validation error: extensions.fromOffset is not a position.")
	}
	return position{raw: string(raw), at: at}, nil
}

// paths flattens a selection for the audit.
func paths(sel []selected, parent string) []string {
	var out []string
	for _, f := range sel {
		if f.sel == nil {
			out = append(out, parent+f.name)
			continue
		}
		out = append(out, paths(f.sel, parent+f.name+".")...)
	}
	return out
}
