package wifi

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// acctSession is a line of radacct. What names the session is to the letter as
// the NAS wrote it: a NAS compares letter by letter.
type acctSession struct {
	id            string // radacctid
	acctSessionID string
	user          string // as the guest typed it, in upper case for one
	nasIP         string
	framedIP      string
	calling       string
	started       time.Time
	updated       time.Time // zero if the NAS has not reported on it yet
	stale         bool      // closed by us, the NAS has not said so
}

// heard is when the NAS last said that the session is there.
func (s acctSession) heard() time.Time {
	if s.updated.After(s.started) {
		return s.updated
	}
	return s.started
}

// What we write as acctterminatecause. causeStale is a word of our own, so that
// no row that a NAS ended is taken for one of ours; causeConfirmed is the name
// that FreeRADIUS has for the value of RFC 2866.
const (
	causeStale     = "edgeagent-stale"
	causeConfirmed = "Admin-Reset"
)

// maxStale is how many rows that we closed are asked about again. Those that
// are open are all asked about: one left out is a guest who stays online.
const maxStale = 50

func (t *sqlTables) sessions(ctx context.Context, user string) ([]acctSession, error) {
	from := `SELECT radacctid, acctsessionid, username, ` + fmt.Sprintf(t.address, "nasipaddress") + `, ` + fmt.Sprintf(t.address, "framedipaddress") +
		`, callingstationid, ` + fmt.Sprintf(t.epoch, "acctstarttime") + `, ` + fmt.Sprintf(t.epoch, "acctupdatetime") + `, COALESCE(acctterminatecause, '') FROM radacct WHERE ` + t.user + ` = ?`
	var list []acctSession
	for _, s := range []statement{
		t.say(from+` AND acctstoptime IS NULL ORDER BY radacctid DESC`, user),
		t.say(from+` AND acctstoptime IS NOT NULL AND acctterminatecause = ? ORDER BY radacctid DESC LIMIT `+strconv.Itoa(maxStale), user, causeStale),
	} {
		rows, err := t.query(ctx, s)
		if err != nil {
			return nil, fmt.Errorf("read the sessions: %w", err)
		}
		for _, r := range rows {
			if len(r) != 9 {
				return nil, errAnswer
			}
			list = append(list, acctSession{id: r[0], acctSessionID: unescape(r[1]), user: unescape(r[2]), nasIP: r[3], framedIP: r[4], calling: unescape(r[5]),
				started: epochOf(r[6]), updated: epochOf(r[7]), stale: len(s.args) > 1})
		}
	}
	return list, nil
}

// epochOf reads an epoch as databases write it, with or without a fraction.
func epochOf(text string) time.Time {
	sec, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(int64(sec), 0)
}

// unescape undoes what rlm_sql does to characters outside its safe_characters:
// it stores = and two hexadecimal digits in their place, and =3D for = itself.
func unescape(text string) string {
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '=' && i+2 < len(text) {
			if b, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
				out = append(out, byte(b))
				i += 2
				continue
			}
		}
		out = append(out, text[i])
	}
	return string(out)
}

func (t *sqlTables) end(ctx context.Context, s acctSession, at time.Time) error {
	_, err := t.query(ctx, t.say("UPDATE radacct SET acctstoptime = COALESCE(acctstoptime, "+fmt.Sprintf(t.instant, "?")+"), acctterminatecause = ?"+
		" WHERE radacctid = ? AND (acctstoptime IS NULL OR acctterminatecause = ?)", epochDigits(at), causeConfirmed, s.id, causeStale))
	if err != nil {
		return fmt.Errorf("close a session: %w", err)
	}
	return nil
}

func epochDigits(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// maxNames is how many names a statement is given.
const maxNames = 500

func (t *sqlTables) closeStale(ctx context.Context, users, nas []string, at time.Time, silence time.Duration) error {
	now, back := epochDigits(at), strconv.Itoa(int(silence/time.Second))
	return t.ofUsers(ctx, "UPDATE radacct SET acctstoptime = "+fmt.Sprintf(t.instant, "?")+", acctterminatecause = ?"+
		" WHERE acctstoptime IS NULL AND acctupdatetime < "+t.ago, []string{now, causeStale, now, back, now, back}, users, nas)
}

// reopen needs no clock: both times are FreeRADIUS's and the database's own.
func (t *sqlTables) reopen(ctx context.Context, users, nas []string) error {
	return t.ofUsers(ctx, "UPDATE radacct SET acctstoptime = NULL, acctterminatecause = ''"+
		" WHERE acctterminatecause = ? AND acctupdatetime > acctstoptime", []string{causeStale}, users, nas)
}

// ofUsers changes rows of users at NAS: another hotel may have the same tables.
func (t *sqlTables) ofUsers(ctx context.Context, text string, args, users, nas []string) error {
	if len(nas) == 0 {
		return nil
	}
	for some := range slices.Chunk(users, maxNames) {
		_, err := t.query(ctx, t.say(text+" AND "+t.user+" IN ("+tuples(len(some), "?")+") AND "+fmt.Sprintf(t.address, "nasipaddress")+" IN ("+tuples(len(nas), "?")+")",
			slices.Concat(args, some, nas)...))
		if err != nil {
			return fmt.Errorf("tidy up the sessions: %w", err)
		}
	}
	return nil
}

func (t *sqlTables) busy(ctx context.Context, users []string) ([]string, error) {
	var list []string
	for some := range slices.Chunk(users, maxNames) {
		rows, err := t.query(ctx, t.say("SELECT DISTINCT LOWER(username) FROM radacct WHERE acctstoptime IS NULL AND "+t.user+" IN ("+tuples(len(some), "?")+")", some...))
		if err != nil {
			return nil, fmt.Errorf("read the sessions: %w", err)
		}
		for _, r := range rows {
			list = append(list, r...)
		}
	}
	return list, nil
}

func (t *sqlTables) clock(ctx context.Context) (time.Time, error) {
	rows, err := t.query(ctx, t.say("SELECT "+fmt.Sprintf(t.epoch, "CURRENT_TIMESTAMP")))
	if err != nil {
		return time.Time{}, fmt.Errorf("ask for the time: %w", err)
	}
	if len(rows) != 1 || len(rows[0]) != 1 || epochOf(rows[0][0]).IsZero() {
		return time.Time{}, errAnswer
	}
	return epochOf(rows[0][0]), nil
}
