package wifi

import (
	"context"
	"crypto/tls"
	"errors"

	"edgeagent/drivers/wifi/pgwire"
)

// postgresDial returns how to open a connection.
func postgresDial(d RadiusDatabase, password func() (string, error), secure func() (*tls.Config, error)) func(context.Context) (link, error) {
	return func(ctx context.Context) (link, error) {
		cfg := pgwire.Config{Network: d.network(), Address: d.Address, User: d.User, Database: d.Name}
		var err error
		if cfg.Password, err = password(); err != nil {
			return nil, err
		}
		if cfg.TLS, err = secure(); err != nil {
			return nil, err
		}
		conn, err := pgwire.Connect(ctx, cfg)
		if err != nil {
			return nil, opening(postgresError(err))
		}
		return &postgresLink{conn}, nil
	}
}

type postgresLink struct{ conn *pgwire.Conn }

func (l *postgresLink) run(ctx context.Context, s statement) ([][]string, error) {
	rows, err := l.conn.Run(ctx, s.text, s.args...)
	return rows, postgresError(err)
}

func (l *postgresLink) broken() bool { return l.conn.Broken() }

func (l *postgresLink) close() { _ = l.conn.Close() }

func postgresError(err error) error {
	if answer, ok := errors.AsType[*pgwire.Error](err); ok {
		return &sqlError{code: answer.Code}
	}
	return err
}
