package radiussim

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// Database is a real MariaDB or PostgreSQL in a folder of its own. It serves
// several hotels, each with a database of its own.
type Database struct {
	// Kind is mysql or postgres.
	Kind string
	// Addr is host:port.
	Addr string
	// Fingerprint is the SHA-256 of the certificate that it shows, in hex.
	Fingerprint string

	dir, socket string
	owner       owner
	daemon      *daemon
	client      string
	next        atomic.Int32
}

// The accounts of a database.
const (
	// AgentUser has what docs/wifi.md lists, and no more.
	AgentUser, AgentPassword   = "agent", "agent-Kx7-password"
	serverUser, serverPassword = "freeradius", "server-password"
	adminPassword              = "admin-password"
)

// OpenDatabase starts a database: mysql is MariaDB.
func OpenDatabase(kind string) (d *Database, err error) {
	d = &Database{Kind: kind}
	if d.dir, err = workDir(kind); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = d.Close()
		}
	}()
	port, err := freePort("tcp")
	if err != nil {
		return nil, err
	}
	d.Addr = fmt.Sprintf("127.0.0.1:%d", port)
	if d.Fingerprint, err = writeCertificate(d.dir); err != nil {
		return nil, err
	}
	switch kind {
	case "mysql":
		return d, d.startMariaDB(port)
	case "postgres":
		return d, d.startPostgres(port)
	}
	return d, fmt.Errorf("no database %q", kind)
}

func (d *Database) startMariaDB(port int) error {
	d.owner = ownerNamed("mysql")
	d.socket = filepath.Join(d.dir, "s")
	programs := map[string]string{}
	for _, name := range []string{"mariadbd", "mariadb-install-db", "mariadb"} {
		path, err := find(name)
		if err != nil {
			return err
		}
		programs[name] = path
	}
	d.client = programs["mariadb"]
	data := filepath.Join(d.dir, "data")
	if err := errors.Join(os.Mkdir(data, 0o700), d.owner.take(d.dir)); err != nil {
		return err
	}
	if _, err := d.owner.run(d.dir, "", programs["mariadb-install-db"], "--no-defaults", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db"); err != nil {
		return err
	}
	var err error
	d.daemon, err = startDaemon(d.owner.command(d.dir, programs["mariadbd"], "--no-defaults", "--datadir="+data, "--socket="+d.socket,
		fmt.Sprintf("--port=%d", port), "--bind-address=127.0.0.1", "--pid-file="+filepath.Join(d.dir, "pid"), "--innodb-buffer-pool-size=32M",
		"--innodb-flush-log-at-trx-commit=2", "--skip-name-resolve", "--ssl-cert="+filepath.Join(d.dir, "cert.pem"), "--ssl-key="+filepath.Join(d.dir, "key.pem")))
	if err != nil {
		return err
	}
	return d.daemon.await(func() bool { _, err := d.admin("", "SELECT 1"); return err == nil })
}

func (d *Database) startPostgres(port int) error {
	d.owner = ownerNamed("postgres")
	d.socket = d.dir
	programs := map[string]string{}
	for _, name := range []string{"postgres", "initdb", "psql"} {
		path, err := find(name)
		if err != nil {
			return err
		}
		programs[name] = path
	}
	d.client = programs["psql"]
	data := filepath.Join(d.dir, "data")
	if err := d.owner.take(d.dir); err != nil {
		return err
	}
	if _, err := d.owner.run(d.dir, "", programs["initdb"], "-D", data, "-U", "admin", "-E", "UTF8", "--locale=C", "--no-sync", "-A", "scram-sha-256", "--auth-local=trust", "--pwfile="+filepath.Join(d.dir, "admin")); err != nil {
		return err
	}
	var err error
	d.daemon, err = startDaemon(d.owner.command(d.dir, programs["postgres"], "-D", data, "-k", d.dir, "-p", fmt.Sprint(port),
		"-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "ssl=on", "-c", "ssl_cert_file="+filepath.Join(d.dir, "cert.pem"), "-c", "ssl_key_file="+filepath.Join(d.dir, "key.pem")))
	if err != nil {
		return err
	}
	return d.daemon.await(func() bool { _, err := d.admin("postgres", "SELECT 1"); return err == nil })
}

// admin runs SQL as the administrator and returns its rows, columns apart by tabs.
func (d *Database) admin(name, sql string) (string, error) {
	if d.Kind == "mysql" {
		return d.owner.run(d.dir, sql, d.client, "--no-defaults", "--socket="+d.socket, "-u", "root", "-N", "-B", name)
	}
	_, port, err := net.SplitHostPort(d.Addr)
	if err != nil {
		return "", err
	}
	return d.owner.run(d.dir, sql, d.client, "-X", "-q", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", d.socket, "-p", port, "-U", "admin", name)
}

// rights are those that docs/wifi.md lists for the agent.
var rights = []string{
	"GRANT SELECT, INSERT, DELETE ON radcheck TO %s",
	"GRANT SELECT, INSERT, DELETE ON radreply TO %s",
	"GRANT SELECT, INSERT, DELETE ON radusergroup TO %s",
	"GRANT SELECT ON radgroupcheck TO %s",
	"GRANT SELECT ON radgroupreply TO %s",
	"GRANT SELECT, UPDATE (acctstoptime, acctterminatecause) ON radacct TO %s",
}

// create makes a database with the schema that FreeRADIUS ships.
func (d *Database) create() (name string, err error) {
	n := d.next.Add(1)
	name = fmt.Sprintf("radius%d", n)
	schema, err := os.ReadFile(filepath.Join(queries, "sql/main", dialectOf(d.Kind), "schema.sql"))
	if err != nil {
		return "", err
	}
	var sql strings.Builder
	agent := AgentUser + "@'127.0.0.1'"
	switch d.Kind {
	case "mysql":
		_, err = d.admin("", "CREATE DATABASE "+name)
		if n == 1 && err == nil {
			_, err = d.admin("", fmt.Sprintf("CREATE USER %s IDENTIFIED BY '%s'; CREATE USER %s@'127.0.0.1' IDENTIFIED BY '%s'", agent, AgentPassword, serverUser, serverPassword))
		}
		fmt.Fprintf(&sql, "GRANT ALL ON %s.* TO %s@'127.0.0.1';\n", name, serverUser)
	default:
		agent = AgentUser
		_, err = d.admin("postgres", "CREATE DATABASE "+name)
		if n == 1 && err == nil {
			_, err = d.admin("postgres", fmt.Sprintf("CREATE USER %s PASSWORD '%s'; CREATE USER %s PASSWORD '%s'", agent, AgentPassword, serverUser, serverPassword))
		}
		fmt.Fprintf(&sql, "GRANT ALL ON ALL TABLES IN SCHEMA public TO %s; GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO %s;\nGRANT USAGE ON SEQUENCE radcheck_id_seq, radreply_id_seq, radusergroup_id_seq TO %s;\n", serverUser, serverUser, agent)
	}
	if err != nil {
		return "", err
	}
	for _, right := range rights {
		fmt.Fprintf(&sql, right+";\n", agent)
	}
	_, err = d.admin(name, string(schema)+"\n"+sql.String())
	return name, err
}

func dialectOf(kind string) string {
	if kind == "postgres" {
		return "postgresql"
	}
	return kind
}

// Close ends it and removes its folder.
func (d *Database) Close() error {
	d.daemon.stop()
	return os.RemoveAll(d.dir)
}
