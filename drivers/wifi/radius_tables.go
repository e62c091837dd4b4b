package wifi

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
)

// tables is what the driver wants of FreeRADIUS's database.
type tables interface {
	// account reads all rows of a user.
	account(ctx context.Context, user string) (account, error)
	// put makes the rows of a user those of the account, in one transaction.
	put(ctx context.Context, a account) error
	// remove deletes all rows of a user, in one transaction.
	remove(ctx context.Context, user string) error
	// marked lists the users that carry our marker, with their markers and ends.
	marked(ctx context.Context) ([]markedUser, error)
	// sessions are those of a user that radacct has as open, or that we have
	// closed for being stale and whose end nobody has confirmed.
	sessions(ctx context.Context, user string) ([]acctSession, error)
	// clock is the database's.
	clock(ctx context.Context) (time.Time, error)
	// end closes the row of a session whose end the NAS has confirmed.
	end(ctx context.Context, s acctSession, at time.Time) error
	// closeStale closes the open rows of users at NAS that were last reported on
	// so long before an instant, and reopen those that we closed and that were
	// reported on since.
	closeStale(ctx context.Context, users, nas []string, at time.Time, silence time.Duration) error
	reopen(ctx context.Context, users, nas []string) error
	// busy are those of the users that have open rows.
	busy(ctx context.Context, users []string) ([]string, error)
	// check asks for version and clock, and tries every right that is needed
	// without changing anything.
	check(ctx context.Context) (version string, clock time.Time, err error)
	// groups are the names among those given that have rows of their own.
	groups(ctx context.Context, names []string) ([]string, error)
	close()
}

// row is a line of radcheck or radreply.
type row struct{ attribute, op, value string }

// membership is a line of radusergroup.
type membership struct {
	group    string
	priority int
}

// account is all that FreeRADIUS has of a user.
type account struct {
	user         string
	check, reply []row
	groups       []membership
}

// markedUser is a user with our marker.
type markedUser struct{ user, marker, secret, expiration string }

// statement is one of SQL with its parameters.
type statement struct {
	text string
	args []string
}

// database runs statements on a server.
type database interface {
	query(ctx context.Context, s statement) ([][]string, error)
	// transact runs statements in one transaction, and rolls back instead of
	// committing if told to.
	transact(ctx context.Context, all []statement, keep bool) error
	close()
}

// dialect is where the two kinds of database differ.
type dialect struct {
	// parameter is the n-th, from 1.
	parameter func(n int) string
	// user is radacct's user name as accounts are compared by it: MySQL's
	// collation ignores case by itself, and has an index.
	user string
	// instant makes a time of a parameter in seconds, epoch the other way round.
	instant, epoch string
	// ago is an instant, given twice in seconds, less a number of seconds.
	ago string
	// address makes text of a column with an IP address.
	address string
	version string
	// counter asks whether we may number the rows of a table, where that is a
	// right of its own; "" where it is not.
	counter string
}

var dialects = map[string]dialect{
	"mysql": {
		parameter: func(int) string { return "?" },
		user:      "username",
		instant:   "FROM_UNIXTIME(%s)", epoch: "UNIX_TIMESTAMP(%s)",
		// Columns are in local time. In the hour that autumn has twice, an instant
		// may stand behind a later one; the earlier of the two ways to count back
		// closes no row that is not silent, in spring and in autumn.
		ago:     "LEAST(FROM_UNIXTIME(? - ?), FROM_UNIXTIME(?) - INTERVAL ? SECOND)",
		address: "%s", version: "VERSION()",
	},
	"postgres": {
		parameter: func(n int) string { return "$" + strconv.Itoa(n) },
		user:      "LOWER(username)",
		instant:   "TO_TIMESTAMP(%s)", epoch: "FLOOR(EXTRACT(EPOCH FROM %s))",
		ago:     "LEAST(TO_TIMESTAMP(?::float8 - ?::float8), TO_TIMESTAMP(?) - ?::float8 * INTERVAL '1 second')",
		address: "HOST(%s)", version: "CURRENT_SETTING('server_version')",
		// No answer is a schema of somebody's own, of which nothing can be said.
		counter: "SELECT COALESCE(HAS_SEQUENCE_PRIVILEGE(PG_GET_SERIAL_SEQUENCE('%s', 'id'), 'USAGE'), TRUE)",
	},
}

// sqlTables are the tables of the schema that FreeRADIUS ships.
type sqlTables struct {
	database
	dialect
}

// say builds a statement: every ? is a parameter.
func (t *sqlTables) say(text string, args ...string) statement {
	var out strings.Builder
	n := 0
	for part := range strings.SplitSeq(text, "?") {
		if n > 0 {
			out.WriteString(t.parameter(n))
		}
		out.WriteString(part)
		n++
	}
	return statement{out.String(), args}
}

func (t *sqlTables) account(ctx context.Context, user string) (account, error) {
	rows, err := t.query(ctx, t.say(`SELECT 'check', attribute, op, value FROM radcheck WHERE username = ?`+
		` UNION ALL SELECT 'reply', attribute, op, value FROM radreply WHERE username = ?`+
		` UNION ALL SELECT 'group', groupname, '', CONCAT(priority, '') FROM radusergroup WHERE username = ?`, user, user, user))
	if err != nil {
		return account{}, fmt.Errorf("read the account: %w", err)
	}
	a := account{user: user}
	for _, r := range rows {
		if len(r) != 4 {
			return account{}, errAnswer
		}
		switch r[0] {
		case "check":
			a.check = append(a.check, row{r[1], strings.TrimSpace(r[2]), r[3]})
		case "reply":
			a.reply = append(a.reply, row{r[1], strings.TrimSpace(r[2]), r[3]})
		case "group":
			n, err := strconv.Atoi(r[3])
			if err != nil {
				return account{}, errAnswer
			}
			a.groups = append(a.groups, membership{r[1], n})
		}
	}
	return a, nil
}

// put deletes and inserts: whatever was there before, these are the rows.
func (t *sqlTables) put(ctx context.Context, a account) error {
	all := t.deletes(a.user)
	for _, part := range []struct {
		table string
		rows  []row
	}{{"radcheck", a.check}, {"radreply", a.reply}} {
		var args []string
		for _, r := range part.rows {
			args = append(args, a.user, r.attribute, r.op, r.value)
		}
		if len(args) > 0 {
			all = append(all, t.say("INSERT INTO "+part.table+" (username, attribute, op, value) VALUES "+tuples(len(part.rows), "(?, ?, ?, ?)"), args...))
		}
	}
	var args []string
	for _, g := range a.groups {
		args = append(args, a.user, g.group, strconv.Itoa(g.priority))
	}
	if len(args) > 0 {
		all = append(all, t.say("INSERT INTO radusergroup (username, groupname, priority) VALUES "+tuples(len(a.groups), "(?, ?, ?)"), args...))
	}
	if err := t.transact(ctx, all, true); err != nil {
		return fmt.Errorf("write the account: %w", err)
	}
	return nil
}

func tuples(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+", ", n), ", ") }

func (t *sqlTables) deletes(user string) []statement {
	return []statement{
		t.say("DELETE FROM radcheck WHERE username = ?", user),
		t.say("DELETE FROM radreply WHERE username = ?", user),
		t.say("DELETE FROM radusergroup WHERE username = ?", user),
	}
}

func (t *sqlTables) remove(ctx context.Context, user string) error {
	if err := t.transact(ctx, t.deletes(user), true); err != nil {
		return fmt.Errorf("delete the account: %w", err)
	}
	return nil
}

func (t *sqlTables) marked(ctx context.Context) ([]markedUser, error) {
	rows, err := t.query(ctx, t.say(`SELECT g.username, g.groupname, p.value, e.value FROM radusergroup g`+
		` LEFT JOIN radcheck p ON p.username = g.username AND p.attribute = 'Cleartext-Password'`+
		` LEFT JOIN radcheck e ON e.username = g.username AND e.attribute = 'Expiration'`+
		` WHERE g.groupname LIKE ?`, markerPrefix+"%"))
	if err != nil {
		return nil, fmt.Errorf("list the accounts: %w", err)
	}
	list := make([]markedUser, 0, len(rows))
	for _, r := range rows {
		if len(r) != 4 {
			return nil, errAnswer
		}
		list = append(list, markedUser{r[0], r[1], r[2], r[3]})
	}
	return list, nil
}

// check tries each right on no row at all, and takes it back even so.
func (t *sqlTables) check(ctx context.Context) (string, time.Time, error) {
	rows, err := t.query(ctx, t.say("SELECT "+t.version+", "+fmt.Sprintf(t.epoch, "CURRENT_TIMESTAMP")))
	if err != nil {
		return "", time.Time{}, fmt.Errorf("ask for the version: %w", err)
	}
	if len(rows) != 1 || len(rows[0]) != 2 {
		return "", time.Time{}, errAnswer
	}
	sec, err := strconv.ParseFloat(rows[0][1], 64)
	if err != nil {
		return "", time.Time{}, errAnswer
	}
	var tries []statement
	for _, table := range []string{"radcheck", "radreply"} {
		tries = append(tries, t.say("INSERT INTO "+table+" (username, attribute, op, value) SELECT username, attribute, op, value FROM "+table+" WHERE 1 = 0"),
			t.say("DELETE FROM "+table+" WHERE 1 = 0"))
	}
	tries = append(tries,
		t.say("INSERT INTO radusergroup (username, groupname, priority) SELECT username, groupname, priority FROM radusergroup WHERE 1 = 0"),
		t.say("DELETE FROM radusergroup WHERE 1 = 0"),
		t.say("SELECT radacctid, callingstationid, framedipaddress FROM radacct WHERE 1 = 0"),
		t.say("UPDATE radacct SET acctstoptime = acctstoptime, acctterminatecause = acctterminatecause WHERE 1 = 0"))
	if err := t.transact(ctx, tries, false); err != nil {
		return "", time.Time{}, fmt.Errorf("try the rights on radcheck, radreply, radusergroup and radacct: %w", err)
	}
	if err := t.counters(ctx); err != nil {
		return "", time.Time{}, err
	}
	return rows[0][0], time.Unix(int64(sec), 0), nil
}

// counters asks for the right to number new rows: inserting none does not need it.
func (t *sqlTables) counters(ctx context.Context) error {
	if t.counter == "" {
		return nil
	}
	for _, table := range []string{"radcheck", "radreply", "radusergroup"} {
		rows, err := t.query(ctx, t.say(fmt.Sprintf(t.counter, table)))
		if err != nil {
			return fmt.Errorf("ask for the rights on the sequence of %s: %w", table, err)
		}
		if len(rows) != 1 || len(rows[0]) != 1 {
			return errAnswer
		}
		if rows[0][0] != "t" {
			return &drivers.LinkDown{Err: fmt.Errorf("the user may not number rows of %s: grant USAGE on its sequence, as docs/wifi.md lists", table)}
		}
	}
	return nil
}

func (t *sqlTables) groups(ctx context.Context, names []string) ([]string, error) {
	if len(names) == 0 {
		return nil, nil
	}
	in := tuples(len(names), "?")
	rows, err := t.query(ctx, t.say("SELECT groupname FROM radgroupreply WHERE groupname IN ("+in+") UNION SELECT groupname FROM radgroupcheck WHERE groupname IN ("+in+")", append(append([]string{}, names...), names...)...))
	if err != nil {
		return nil, fmt.Errorf("read the groups: %w", err)
	}
	var known []string
	for _, r := range rows {
		known = append(known, r...)
	}
	return known, nil
}
