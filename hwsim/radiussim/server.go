package radiussim

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Where Debian has FreeRADIUS's queries and modules.
const (
	queries = "/etc/freeradius/3.0/mods-config"
	// fakeTime lends a daemon another clock; from the package libfaketime.
	fakeTime = "/usr/lib/*/faketime/libfaketime.so.1"
)

// Server is a real FreeRADIUS on a database, in a folder of its own.
type Server struct {
	Auth, Acct string
	// Dynamic is where its own "listen { type = coa }" takes orders, as a NAS would.
	Dynamic string
	// Secret is shared with every client.
	Secret string

	db     *Database
	name   string
	dir    string
	now    func() time.Time
	daemon *daemon
}

// OrderSecret is what a NAS shares with whoever gives it orders.
const OrderSecret = "order-Secret-51"

// StartServer starts FreeRADIUS on a new database, under a clock; nil for the
// machine's.
func (d *Database) StartServer(now func() time.Time) (s *Server, err error) {
	s = &Server{db: d, now: now, Secret: "radius-Secret-77"}
	program, err := find("freeradius")
	if err != nil {
		return nil, err
	}
	if s.name, err = d.create(); err != nil {
		return nil, err
	}
	if s.dir, err = workDir("freeradius"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	// A port that was free may be another's by the time the daemon takes it.
	const tries = 4
	for range tries {
		if err = s.start(program); err == nil {
			return s, nil
		}
		s.daemon.stop()
	}
	return nil, err
}

// start runs the daemon on ports that are free now.
func (s *Server) start(program string) error {
	ports := [3]int{}
	for i := range ports {
		var err error
		if ports[i], err = freePort("udp"); err != nil {
			return err
		}
	}
	at := func(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
	s.Auth, s.Acct, s.Dynamic = at(ports[0]), at(ports[1]), at(ports[2])
	if err := s.configure(ports); err != nil {
		return err
	}
	if err := ownerNamed("freerad").take(s.dir); err != nil {
		return err
	}
	return s.run(program)
}

// run starts the daemon and waits until it refuses a stranger.
func (s *Server) run(program string) (err error) {
	own := ownerNamed("freerad")
	cmd := own.command(s.dir, program, "-f", "-s", "-l", "stdout", "-d", s.dir, "-n", "radiusd")
	if s.now != nil {
		lib, err := filepath.Glob(fakeTime)
		if err != nil || len(lib) == 0 {
			return &MissingError{"libfaketime"}
		}
		if err := s.Tick(); err != nil {
			return err
		}
		cmd.Env = append(cmd.Env, "LD_PRELOAD="+lib[0], "FAKETIME_TIMESTAMP_FILE="+s.clockFile(), "FAKETIME_NO_CACHE=1", "FAKETIME_DONT_FAKE_MONOTONIC=1")
	}
	if s.daemon, err = startDaemon(cmd); err != nil {
		return err
	}
	stranger := &NAS{opt: NASOptions{Auth: s.Auth, Secret: s.Secret}}
	return s.daemon.await(func() bool {
		_, err := stranger.Ask("00:00:00:00:00:00", "nobody", "nothing", PAP)
		return errors.Is(err, ErrRejected)
	})
}

// restart starts it anew under another clock.
func (s *Server) restart(now func() time.Time) error {
	program, err := find("freeradius")
	if err != nil {
		return err
	}
	s.daemon.stop()
	s.now = now
	return s.run(program)
}

func (s *Server) clockFile() string { return filepath.Join(s.dir, "clock") }

// Tick sets the server's clock to the hotel's.
func (s *Server) Tick() error {
	if s.now == nil {
		return nil
	}
	ahead := int64(time.Until(s.now()).Round(time.Second) / time.Second)
	next := s.clockFile() + ".next"
	return errors.Join(os.WriteFile(next, fmt.Appendf(nil, "%+d\n", ahead), 0o644), os.Rename(next, s.clockFile()))
}

// Close ends it and removes its folder.
func (s *Server) Close() error {
	s.daemon.stop()
	return os.RemoveAll(s.dir)
}

// SQL runs a statement as the administrator, for tests.
func (s *Server) SQL(text string) (string, error) { return s.db.admin(s.name, text) }

// Name is that of its database.
func (s *Server) Name() string { return s.name }

// Log is what it has said so far; it must have ended.
func (s *Server) Log() string {
	s.daemon.stop()
	return s.daemon.out.String()
}

// configure writes the least configuration that does what docs/wifi.md asks for:
// SQL for authorize, accounting and session, and Expiration.
func (s *Server) configure(ports [3]int) error {
	host, port, err := net.SplitHostPort(s.db.Addr)
	if err != nil {
		return err
	}
	dialect := dialectOf(s.db.Kind)
	modules, err := filepath.Glob("/usr/lib/freeradius")
	if err != nil || len(modules) == 0 {
		return &MissingError{"freeradius"}
	}
	if err := os.MkdirAll(filepath.Join(s.dir, "sql/main", dialect), 0o755); err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(queries, "sql/main", dialect, "queries.conf"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "sql/main", dialect, "queries.conf"), text, 0o644); err != nil {
		return err
	}
	conf := strings.NewReplacer(
		"{{dir}}", s.dir, "{{modules}}", modules[0], "{{dialect}}", dialect, "{{host}}", host, "{{port}}", port,
		"{{user}}", serverUser, "{{password}}", serverPassword, "{{database}}", s.name, "{{secret}}", s.Secret, "{{orders}}", OrderSecret,
		"{{auth}}", strconv.Itoa(ports[0]), "{{acct}}", strconv.Itoa(ports[1]), "{{dynamic}}", strconv.Itoa(ports[2]),
	).Replace(radiusdConf)
	return errors.Join(os.WriteFile(filepath.Join(s.dir, "radiusd.conf"), []byte(conf), 0o600),
		os.WriteFile(filepath.Join(s.dir, "dictionary"), []byte("$INCLUDE /usr/share/freeradius/dictionary\n"), 0o644))
}
