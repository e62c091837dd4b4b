package wifi

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
)

// MySQL and MariaDB, by go-sql-driver/mysql without database/sql around it,
// which would cost the gateway's binary as much again.

// mysqlDial returns how to open a connection.
func mysqlDial(d RadiusDatabase, password func() (string, error), secure func() (*tls.Config, error)) func(context.Context) (link, error) {
	return func(ctx context.Context) (link, error) {
		cfg := mysql.NewConfig()
		cfg.Net, cfg.Addr, cfg.DBName, cfg.User = d.network(), d.Address, d.Name, d.User
		cfg.InterpolateParams = true // one journey per statement
		cfg.Logger = &mysql.NopLogger{}
		var err error
		if cfg.Passwd, err = password(); err != nil {
			return nil, err
		}
		if cfg.TLS, err = secure(); err != nil {
			return nil, err
		}
		connector, err := mysql.NewConnector(cfg)
		if err != nil {
			return nil, err
		}
		conn, err := connector.Connect(ctx)
		if err != nil {
			return nil, opening(mysqlError(err))
		}
		l := &mysqlLink{conn: conn}
		for _, setting := range []string{
			// Deleting rows that are not there would lock the gap where others insert.
			"SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
			// A value that is too long is an error, not a shorter value.
			"SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_TRANS_TABLES')",
		} {
			if _, err := l.run(ctx, statement{text: setting}); err != nil {
				l.close()
				return nil, err
			}
		}
		return l, nil
	}
}

type mysqlLink struct {
	conn driver.Conn
	bad  bool
}

func (l *mysqlLink) run(ctx context.Context, s statement) ([][]string, error) {
	rows, err := l.read(ctx, s)
	if err = mysqlError(err); err != nil {
		var answer *sqlError
		l.bad = !errors.As(err, &answer)
	}
	return rows, err
}

func (l *mysqlLink) read(ctx context.Context, s statement) ([][]string, error) {
	args := make([]driver.NamedValue, len(s.args))
	for i, a := range s.args {
		args[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
	}
	found, err := l.conn.(driver.QueryerContext).QueryContext(ctx, s.text, args)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	var rows [][]string
	values := make([]driver.Value, len(found.Columns()))
	held := 0
	for {
		err := found.Next(values)
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		if len(rows) >= maxRows {
			return nil, fmt.Errorf("more than %d rows", maxRows)
		}
		texts := make([]string, len(values))
		for i, v := range values {
			texts[i] = columnText(v)
			held += len(texts[i]) + columnCost
		}
		if held > maxHeld {
			return nil, fmt.Errorf("more than %d bytes", maxHeld)
		}
		rows = append(rows, texts)
	}
}

// maxRows and maxHeld bound an answer that never ends: rows, and bytes with what
// it costs to keep a column.
const (
	maxRows    = 200_000
	maxHeld    = 8 << 20
	columnCost = 16
)

func columnText(v driver.Value) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []byte:
		return string(v)
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10)
	case time.Time:
		return strconv.FormatInt(v.Unix(), 10)
	}
	return fmt.Sprint(v)
}

func (l *mysqlLink) broken() bool { return l.bad }

func (l *mysqlLink) close() {
	l.bad = true
	_ = l.conn.Close()
}

// mysqlError keeps the number of a server's error.
func mysqlError(err error) error {
	if answer, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return &sqlError{code: strconv.Itoa(int(answer.Number))}
	}
	return err
}
