package wifi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"edgeagent/drivers/wifi/mysqlwire"
)

// fakeLink is a connection that writes down what is run on it.
type fakeLink struct {
	said *[]string
	fail map[string]error // by a part of the statement
	bad  bool
}

func (l *fakeLink) run(_ context.Context, s statement) ([][]string, error) {
	*l.said = append(*l.said, s.text+" "+strings.Join(s.args, "|"))
	for part, err := range l.fail {
		if strings.Contains(s.text, part) {
			var answer *sqlError
			l.bad = !errors.As(err, &answer)
			return nil, err
		}
	}
	return nil, nil
}

func (l *fakeLink) broken() bool { return l.bad }
func (l *fakeLink) close()       { *l.said = append(*l.said, "close"); l.bad = true }

// newTables are the tables on connections that fail as given, one after another.
func newTables(kind string, fails ...map[string]error) (*sqlTables, *[]string) {
	said := &[]string{}
	dial := func(context.Context) (link, error) {
		l := &fakeLink{said: said}
		if len(fails) > 0 {
			l.fail, fails = fails[0], fails[1:]
		}
		*said = append(*said, "dial")
		return l, nil
	}
	return &sqlTables{database: newPool("db:1", func() time.Duration { return time.Second }, dial), dialect: dialects[kind]}, said
}

func TestRadiusTransaction(t *testing.T) {
	a := account{user: "k7m2p9xq", check: []row{{"Cleartext-Password", ":=", "s"}, {"Expiration", ":=", "1"}}, reply: []row{{"Idle-Timeout", ":=", "9"}},
		groups: []membership{{"htl:00", 100}}}
	for kind, want := range map[string][]string{
		"mysql": {"dial", "BEGIN ",
			"DELETE FROM radcheck WHERE username = ? k7m2p9xq", "DELETE FROM radreply WHERE username = ? k7m2p9xq", "DELETE FROM radusergroup WHERE username = ? k7m2p9xq",
			"INSERT INTO radcheck (username, attribute, op, value) VALUES (?, ?, ?, ?), (?, ?, ?, ?) k7m2p9xq|Cleartext-Password|:=|s|k7m2p9xq|Expiration|:=|1",
			"INSERT INTO radreply (username, attribute, op, value) VALUES (?, ?, ?, ?) k7m2p9xq|Idle-Timeout|:=|9",
			"INSERT INTO radusergroup (username, groupname, priority) VALUES (?, ?, ?) k7m2p9xq|htl:00|100", "COMMIT "},
		"postgres": {"dial", "BEGIN ",
			"DELETE FROM radcheck WHERE username = $1 k7m2p9xq", "DELETE FROM radreply WHERE username = $1 k7m2p9xq", "DELETE FROM radusergroup WHERE username = $1 k7m2p9xq",
			"INSERT INTO radcheck (username, attribute, op, value) VALUES ($1, $2, $3, $4), ($5, $6, $7, $8) k7m2p9xq|Cleartext-Password|:=|s|k7m2p9xq|Expiration|:=|1",
			"INSERT INTO radreply (username, attribute, op, value) VALUES ($1, $2, $3, $4) k7m2p9xq|Idle-Timeout|:=|9",
			"INSERT INTO radusergroup (username, groupname, priority) VALUES ($1, $2, $3) k7m2p9xq|htl:00|100", "COMMIT "},
	} {
		tables, said := newTables(kind)
		if err := tables.put(t.Context(), a); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, *said); diff != "" {
			t.Errorf("%s (-want +got):\n%s", kind, diff)
		}
	}
}

func TestRadiusPool(t *testing.T) {
	a := account{user: "u", groups: []membership{{"htl:00", 100}}}
	// A statement that is refused is taken back, and the connection lives.
	tables, said := newTables("mysql", map[string]error{"INSERT": &sqlError{"1213"}})
	if err := tables.put(t.Context(), a); class(err) != "retry" || (*said)[len(*said)-1] != "ROLLBACK " {
		t.Errorf("%v; %q", err, *said)
	}
	if err := tables.remove(t.Context(), "u"); err != nil || strings.Count(strings.Join(*said, "\n"), "dial") != 1 {
		t.Errorf("%v; %q", err, *said)
	}
	// One that the database closed while it lay idle costs a second try, no more.
	tables, said = newTables("mysql", nil, nil)
	_ = tables.remove(t.Context(), "u")
	tables.database.(*pool).idle[0].(*fakeLink).fail = map[string]error{"BEGIN": io.ErrUnexpectedEOF}
	if err := tables.remove(t.Context(), "u"); err != nil || strings.Count(strings.Join(*said, "\n"), "dial") != 2 {
		t.Errorf("%v; %q", err, *said)
	}
	// A new one that breaks is an error: the lane tries again.
	tables, _ = newTables("mysql", map[string]error{"COMMIT": io.ErrUnexpectedEOF})
	if err := tables.remove(t.Context(), "u"); class(err) != "retry" {
		t.Errorf("%v", err)
	}
	// A check leaves nothing behind.
	tables, said = newTables("postgres")
	if _, _, err := tables.check(t.Context()); !errors.Is(err, errAnswer) {
		t.Errorf("%v; %q", err, *said)
	}
	tables.close()
	if (*said)[len(*said)-1] != "close" {
		t.Errorf("%q", *said)
	}
}

// A connection that is in use while the pool is closed is closed after its work.
func TestRadiusPoolClosesWhatIsInUse(t *testing.T) {
	tables, said := newTables("mysql")
	p := tables.database.(*pool)
	for range 2 { // a new connection, and one that lay idle
		if err := p.use(t.Context(), func(link) error { p.close(); return nil }); err != nil || len(p.idle) > 0 || (*said)[len(*said)-1] != "close" {
			t.Errorf("%v; %d idle; %q", err, len(p.idle), *said)
		}
		_ = tables.remove(t.Context(), "u")
	}
}

func TestRadiusDatabaseErrors(t *testing.T) {
	for code, want := range map[string][2]string{
		"1045":  {"down", "db:1: the database answered 1045: user or password refused: compare radius.database.user and the file of password_file with the database's"},
		"28P01": {"down", "db:1: the database answered 28P01: user or password refused: compare radius.database.user and the file of password_file with the database's"},
		"1130":  {"down", "db:1: the database answered 1130: it takes no connections from this address: allow the user from the gateway's"},
		"1142":  {"down", "db:1: the database answered 1142: the user lacks a right: grant those that docs/wifi.md lists"},
		"42501": {"down", "db:1: the database answered 42501: the user lacks a right: grant those that docs/wifi.md lists"},
		"1049":  {"down", "db:1: the database answered 1049: it has no such database: compare radius.database.name with the sql module of FreeRADIUS"},
		"3D000": {"down", "db:1: the database answered 3D000: it has no such database: compare radius.database.name with the sql module of FreeRADIUS"},
		"1146":  {"down", "db:1: the database answered 1146: a table or column of FreeRADIUS is missing: load the schema that it ships"},
		"42P01": {"down", "db:1: the database answered 42P01: a table or column of FreeRADIUS is missing: load the schema that it ships"},
		"1290":  {"down", "db:1: the database answered 1290: it is read-only: write the address of the main database, not of a replica"},
		"25006": {"down", "db:1: the database answered 25006: it is read-only: write the address of the main database, not of a replica"},
		"1665":  {"down", "db:1: the database answered 1665: its binlog_format is STATEMENT: set MIXED or ROW"},
		"1040":  {"later", "db:1: the database answered 1040: it takes no more connections now"},
		"53300": {"later", "db:1: the database answered 53300: it takes no more connections now"},
		"1406":  {"refused", "refused: db:1: the database answered 1406: a value is longer than its column"},
		"22001": {"refused", "refused: db:1: the database answered 22001: a value is longer than its column"},
		"1213":  {"retry", "db:1: the database answered 1213"}, // a deadlock
		"40001": {"retry", "db:1: the database answered 40001"},
	} {
		err := classifySQL("db:1", &sqlError{code})
		if class(err) != want[0] || err.Error() != want[1] {
			t.Errorf("%s: class %s\ngot  %v\nwant %s", code, class(err), err, want[1])
		}
	}
	err := classifySQL("db:1", opening(io.ErrUnexpectedEOF))
	if class(err) != "down" || err.Error() != "db:1: open a connection: unexpected EOF" {
		t.Errorf("%v", err)
	}
	quoting := &mysqlwire.Error{Code: 1062}
	if err := mysqlError(fmt.Errorf("x: %w", quoting)); err.Error() != "the database answered 1062" {
		t.Errorf("%v", err)
	}
}
