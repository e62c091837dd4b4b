//go:build real

package wifi

import (
	"crypto/tls"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"edgeagent/hwsim/radiussim"
)

// radiusStage is a driver on a real FreeRADIUS.
func radiusStage(t *testing.T, kind string) (*stage, *radiussim.Site) {
	t.Helper()
	s := newStage(t, radiusProduct(openDatabase(t, kind)))
	return s, s.world.(radiusWorld).Site
}

var databaseKinds = []string{"mysql", "postgres"}

// The line to a database that is not on this machine: TLS, and a pin.
func TestDatabaseCertificate(t *testing.T) {
	for _, kind := range databaseKinds {
		t.Run(kind, func(t *testing.T) {
			db := openDatabase(t, kind)
			s := newStage(t, radiusProduct(db))
			s.section.Radius.Database.Address = db.Addr // the proxy does not speak TLS
			s.section.TLS = TLS{PinSHA256: db.Fingerprint}
			s.restart()
			s.joins(mac1, s.must(ensure(keyA, tomorrow)))
			s.section.TLS.PinSHA256 = goodPin
			s.restart()
			_, err := s.try(ensure(keyB, tomorrow))
			s.failure(err, "down")
			if !strings.Contains(err.Error(), "the controller's certificate has changed: expected sha256 "+goodPin+", seen "+db.Fingerprint) {
				t.Error(err)
			}
			s.section.TLS = TLS{System: true}
			s.restart()
			_, err = s.try(ensure(keyB, tomorrow))
			s.failure(err, "down")
			s.section.TLS = TLS{}
			other := map[string]string{"mysql": "postgres", "postgres": "mysql"}[kind]
			s.section.Radius.Database.Kind = other
			s.restart()
			s.impatient() // MySQL speaks first, PostgreSQL never does
			_, err = s.try(ensure(keyB, tomorrow))
			s.failure(err, "down")
			s.section.Radius.Database.Kind = kind
			s.section.Radius.Database.Address = s.world.(radiusWorld).Proxy.Addr()
			s.restart()
			s.section.Radius.Database.User = "nobody"
			s.restart()
			_, err = s.try(ensure(keyB, tomorrow))
			s.failure(err, "down")
			if !strings.Contains(err.Error(), "user or password refused") {
				t.Error(err)
			}
		})
	}
}

// A power cut at the NAS leaves rows without a stop time, and these lock the
// guest out until the sweep closes them.
func TestRadiusStaleSessions(t *testing.T) {
	for _, kind := range databaseKinds {
		t.Run(kind, func(t *testing.T) {
			s, site := radiusStage(t, kind)
			told := s.must(ensure(keyA, tomorrow, "devices", "2"))
			s.joins(mac1, told)
			s.joins(mac2, told)
			if err := site.Report(); err != nil {
				t.Fatal(err)
			}
			site.Lose()
			s.refuses(mac3, told)
			s.advance(10 * time.Minute)
			s.sweep()
			s.refuses(mac3, told) // two intervals are not three
			s.advance(6 * time.Minute)
			s.sweep()
			s.joins(mac3, told)
			// A check-out asks the NAS about the lost ones all the same.
			s.must(revoke(keyA))
			if s.Online(mac3) || len(site.Orders()) != 3 {
				t.Errorf("%+v", site.Orders())
			}
			left, err := site.Server.SQL("SELECT COUNT(*) FROM radacct WHERE acctstoptime IS NULL OR acctterminatecause = '" + causeStale + "'")
			if err != nil || strings.TrimSpace(left) != "0" {
				t.Errorf("%s rows are open, %v", left, err)
			}
		})
	}
}

// A tier is a group of FreeRADIUS, and Probe wants it to be there.
func TestRadiusGroup(t *testing.T) {
	for _, kind := range databaseKinds {
		t.Run(kind, func(t *testing.T) {
			s, site := radiusStage(t, kind)
			s.section.Tiers["suite"] = Tier{Profile: "VIP"}
			s.restart()
			if _, err := s.drv.Report(t.Context()); err == nil || !strings.Contains(err.Error(), `no group "VIP"`) {
				t.Error(err)
			}
			if _, err := site.Server.SQL("INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES ('VIP', 'Mikrotik-Rate-Limit', ':=', '9M/80M')"); err != nil {
				t.Fatal(err)
			}
			report, err := s.drv.Report(t.Context())
			if err != nil || report.Version == "" || report.Site != site.Server.Name() {
				t.Errorf("%+v, %v", report, err)
			}
			told := s.must(ensure(keyA, tomorrow, "tier", "suite"))
			if g, err := site.Ask(mac1, told["user"], told["code"], radiussim.PAP); err != nil || g.MikrotikRate != "9M/80M" || g.Interim != 5*time.Minute {
				t.Errorf("%+v, %v", g, err)
			}
			told = s.must(ensure(keyA, tomorrow))
			if g, err := site.Ask(mac1, told["user"], told["code"], radiussim.PAP); err != nil || g.MikrotikRate != "5000k/20000k" || g.DownKbps != 20_000 || g.UpKbps != 5_000 {
				t.Errorf("%+v, %v", g, err)
			}
		})
	}
}

// PostgreSQL wants a right of its own to number new rows.
func TestRadiusSequenceRights(t *testing.T) {
	for _, table := range []string{"radcheck", "radreply", "radusergroup"} {
		s, site := radiusStage(t, "postgres")
		if _, err := s.drv.Report(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := site.Server.SQL("REVOKE USAGE ON SEQUENCE " + table + "_id_seq FROM agent"); err != nil {
			t.Fatal(err)
		}
		_, err := s.drv.Report(t.Context())
		s.failure(err, "down")
		if !strings.Contains(err.Error(), "the user may not number rows of "+table+": grant USAGE on its sequence") {
			t.Error(err)
		}
	}
}

// Rows of a stay that ended long ago are not kept: they hold its secret.
func TestRadiusPurge(t *testing.T) {
	for _, kind := range databaseKinds {
		t.Run(kind, func(t *testing.T) {
			s, site := radiusStage(t, kind)
			s.must(ensure(keyA, tomorrow))
			s.advance(51 * time.Hour)
			s.sweep()
			left, err := site.Server.SQL("SELECT (SELECT COUNT(*) FROM radcheck) + (SELECT COUNT(*) FROM radreply) + (SELECT COUNT(*) FROM radusergroup)")
			if err != nil || strings.TrimSpace(left) != "0" {
				t.Errorf("%s rows are left, %v", left, err)
			}
		})
	}
}

// What MariaDB reads in a statement is what was given, under every sql_mode that
// changes how literals are read.
func TestDatabaseTexts(t *testing.T) {
	db := openDatabase(t, "mysql")
	d := newStage(t, radiusProduct(db)).section.Radius.Database
	d.Address = db.Addr
	l, err := mysqlDial(d, func() (string, error) { return radiussim.AgentPassword, nil }, func() (*tls.Config, error) { return nil, nil })(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	for _, mode := range []string{"", "ANSI", "NO_BACKSLASH_ESCAPES"} {
		if _, err := l.run(t.Context(), statement{"SET SESSION sql_mode = ?", []string{mode}}); err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{"", "plain (text) - 1", "'; DELETE FROM radcheck; --", `back\slash\'`, `"`, "`", "%_", "ü 東京 🗝", "a\x00b\n\x1a", "123"} {
			rows, err := l.run(t.Context(), statement{"SELECT ?, CHAR_LENGTH(?), COLLATION(?)", []string{text, text, text}})
			if err != nil || len(rows) != 1 || len(rows[0]) != 3 || rows[0][0] != text ||
				rows[0][1] != strconv.Itoa(utf8.RuneCountInString(text)) || rows[0][2] != "utf8mb4_general_ci" {
				t.Errorf("mode %q: %q is read as %q, %v", mode, text, rows, err)
			}
		}
	}
}
