package wifi

import (
	"context"
	"crypto/tls"
	"errors"
	"strconv"

	"edgeagent/drivers/wifi/mysqlwire"
)

// mysqlDial returns how to open a connection to MySQL or MariaDB.
func mysqlDial(d RadiusDatabase, password func() (string, error), secure func() (*tls.Config, error)) func(context.Context) (link, error) {
	return func(ctx context.Context) (link, error) {
		cfg := mysqlwire.Config{Network: d.network(), Address: d.Address, User: d.User, Database: d.Name}
		var err error
		if cfg.Password, err = password(); err != nil {
			return nil, err
		}
		if cfg.TLS, err = secure(); err != nil {
			return nil, err
		}
		conn, err := mysqlwire.Connect(ctx, cfg)
		if err != nil {
			return nil, opening(mysqlError(err))
		}
		l := &mysqlLink{conn}
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

type mysqlLink struct{ conn *mysqlwire.Conn }

func (l *mysqlLink) run(ctx context.Context, s statement) ([][]string, error) {
	rows, err := l.conn.Run(ctx, s.text, s.args...)
	return rows, mysqlError(err)
}

func (l *mysqlLink) broken() bool { return l.conn.Broken() }

func (l *mysqlLink) close() { _ = l.conn.Close() }

func mysqlError(err error) error {
	if answer, ok := errors.AsType[*mysqlwire.Error](err); ok {
		return &sqlError{code: strconv.Itoa(answer.Code)}
	}
	return err
}
