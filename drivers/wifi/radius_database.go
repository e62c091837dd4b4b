package wifi

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"edgeagent/drivers"
)

// link is one connection to a database.
type link interface {
	run(ctx context.Context, s statement) ([][]string, error)
	broken() bool
	close()
}

// sqlError is what a database answered, by its number or SQLSTATE alone: its
// words may quote a row, and so a code.
type sqlError struct{ code string }

func (e *sqlError) Error() string { return "the database answered " + e.code }

var errAnswer = errors.New("the database's answer is not as asked")

// sqlMeanings say what a person has to do, by MySQL's number or SQLSTATE. The
// first is a log-in that is refused.
var sqlMeanings = []struct {
	codes []string
	class sqlClass
	words string
}{
	{[]string{"1045", "1698", "28P01", "28000"}, sqlDown, "user or password refused: compare radius.database.user and the file of password_file with the database's"},
	{[]string{"1130", "1129"}, sqlDown, "it takes no connections from this address: allow the user from the gateway's"},
	{[]string{"1142", "1143", "1044", "1227", "42501"}, sqlDown, "the user lacks a right: grant those that docs/wifi.md lists"},
	{[]string{"1049", "3D000"}, sqlDown, "it has no such database: compare radius.database.name with the sql module of FreeRADIUS"},
	{[]string{"1146", "1054", "42P01", "42703"}, sqlDown, "a table or column of FreeRADIUS is missing: load the schema that it ships"},
	{[]string{"1290", "1836", "25006"}, sqlDown, "it is read-only: write the address of the main database, not of a replica"},
	{[]string{"1665"}, sqlDown, "its binlog_format is STATEMENT: set MIXED or ROW"},
	{[]string{"1040", "1203", "1226", "53300", "57P03"}, sqlBusy, "it takes no more connections now"},
	{[]string{"1406", "22001"}, sqlRefused, "a value is longer than its column"},
}

type sqlClass int

const (
	sqlDown sqlClass = iota
	sqlBusy
	sqlRefused
)

// busyWait is how long a database that is full is left alone.
const busyWait = 5 * time.Second

// classifySQL turns an error into what the lanes act on.
func classifySQL(where string, err error) error {
	if err == nil {
		return nil
	}
	at := fmt.Errorf("%s: %w", where, err)
	var answer *sqlError
	var pin *PinError
	switch {
	case errors.As(err, &answer):
		for _, m := range sqlMeanings {
			if slices.Contains(m.codes, answer.code) {
				return m.class.wrap(fmt.Errorf("%w: %s", at, m.words))
			}
		}
		return at
	case errors.As(err, &pin):
		return &drivers.LinkDown{Err: at}
	case untrusted(err):
		return &drivers.LinkDown{Err: fmt.Errorf("%w: the database's certificate is not trusted: set tls to what signed it", at)}
	case errors.Is(err, errOpening):
		return &drivers.LinkDown{Err: at} // nothing was sent
	}
	return at
}

// errOpening is a connection that does not come about, for whatever reason but
// an answer in SQL's own words: another kind of server, no TLS, nobody there.
var errOpening = errors.New("open a connection")

func opening(err error) error {
	var answer *sqlError
	if err == nil || errors.As(err, &answer) {
		return err
	}
	return fmt.Errorf("%w: %w", errOpening, err)
}

func (c sqlClass) wrap(err error) error {
	switch c {
	case sqlBusy:
		return &drivers.RetryAfter{Wait: busyWait, Err: err}
	case sqlRefused:
		return fmt.Errorf("%w: %w", drivers.ErrRefused, err)
	}
	return &drivers.LinkDown{Err: err}
}

// pool keeps a few connections. All that is asked of it may be asked twice.
type pool struct {
	dial func(context.Context) (link, error)
	// timeout bounds a statement, and a connection's beginning.
	timeout func() time.Duration
	where   string

	slots chan struct{}

	mu    sync.Mutex
	idle  []link
	round int // how often close was called
}

// maxLinks is how many connections a database is asked for at once: as many as
// there are lanes, and the sweep beside them.
const maxLinks = 3

func newPool(where string, timeout func() time.Duration, dial func(context.Context) (link, error)) *pool {
	return &pool{dial: dial, timeout: timeout, where: where, slots: make(chan struct{}, maxLinks)}
}

func (p *pool) query(ctx context.Context, s statement) (rows [][]string, err error) {
	err = p.use(ctx, func(l link) error {
		rows, err = p.run(ctx, l, s)
		return err
	})
	return rows, err
}

func (p *pool) transact(ctx context.Context, all []statement, keep bool) error {
	return p.use(ctx, func(l link) error {
		if _, err := p.run(ctx, l, statement{text: "BEGIN"}); err != nil {
			return err
		}
		for _, s := range all {
			if _, err := p.run(ctx, l, s); err != nil {
				if !l.broken() {
					_, undo := p.run(ctx, l, statement{text: "ROLLBACK"})
					if undo != nil {
						l.close()
					}
				}
				return err
			}
		}
		end := "COMMIT"
		if !keep {
			end = "ROLLBACK"
		}
		_, err := p.run(ctx, l, statement{text: end})
		return err
	})
}

// use lends a connection for a piece of work. One that has lain idle may have
// been closed at the other end: then the work is done again on a new one.
func (p *pool) use(ctx context.Context, work func(link) error) error {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	l, round := p.take()
	if l != nil {
		err := work(l)
		if !l.broken() {
			p.put(l, round)
			return classifySQL(p.where, err)
		}
		l.close()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return classifySQL(p.where, err) // it was silent, and will be again
		}
	}
	l, err := p.open(ctx)
	if err != nil {
		return classifySQL(p.where, err)
	}
	err = work(l)
	if l.broken() {
		l.close()
	} else {
		p.put(l, round)
	}
	return classifySQL(p.where, err)
}

// open opens a connection. A password that is refused is read again and tried
// once more, since it may have been changed this moment.
func (p *pool) open(ctx context.Context) (link, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	l, err := p.dial(ctx)
	var answer *sqlError
	if errors.As(err, &answer) && slices.Contains(sqlMeanings[0].codes, answer.code) {
		return p.dial(ctx)
	}
	return l, err
}

func (p *pool) run(ctx context.Context, l link, s statement) ([][]string, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout())
	defer cancel()
	return l.run(ctx, s)
}

// take lends an idle connection, nil if there is none, and says in which round.
func (p *pool) take() (link, int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil, p.round
	}
	l := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return l, p.round
}

// put takes a connection back, unless the pool was closed meanwhile: nobody
// would close it any more.
func (p *pool) put(l link, round int) {
	p.mu.Lock()
	kept := round == p.round
	if kept {
		p.idle = append(p.idle, l)
	}
	p.mu.Unlock()
	if !kept {
		l.close()
	}
}

// close closes the connections that nobody uses, and those in use when they are
// done; another call opens new ones.
func (p *pool) close() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.round++
	p.mu.Unlock()
	for _, l := range idle {
		l.close()
	}
}
