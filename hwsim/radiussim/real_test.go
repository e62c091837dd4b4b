//go:build real

package radiussim

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// The hotspot and the configuration, without an agent: rows by hand.
func TestHotspotOnFreeRADIUS(t *testing.T) {
	for _, kind := range []string{"mysql", "postgres"} {
		t.Run(kind, func(t *testing.T) {
			db, err := OpenDatabase(kind)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = db.Close() })
			var ahead time.Duration
			now := func() time.Time { return time.Now().Add(ahead) }
			srv, err := db.StartServer(now)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = srv.Close() })
			nas, err := StartNAS(NASOptions{Auth: srv.Auth, Acct: srv.Acct, Secret: srv.Secret, OrderSecret: "orders", Now: now})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = nas.Close() })
			if _, err := srv.SQL(fmt.Sprintf(`INSERT INTO radcheck (username, attribute, op, value) VALUES ('ana', 'Cleartext-Password', ':=', 'pw'), ('ana', 'Expiration', ':=', '%d'), ('ana', 'Simultaneous-Use', ':=', '2');
				INSERT INTO radusergroup (username, groupname, priority) VALUES ('ana', 'htl:0011', 100), ('ana', 'suite', 1);
				INSERT INTO radgroupreply (groupname, attribute, op, value) VALUES ('suite', 'Mikrotik-Rate-Limit', ':=', '1M/2M')`, now().Add(time.Hour).Unix())); err != nil {
				t.Fatal(err)
			}
			for _, how := range []Method{PAP, CHAP} {
				g, err := nas.Ask("02:00:00:00:00:01", "ana", "pw", how)
				if err != nil || g.Timeout < 59*time.Minute || g.Timeout > time.Hour || g.MikrotikRate != "1M/2M" {
					t.Errorf("%v: %+v, %v", how, g, err)
				}
			}
			if _, err := nas.Ask("02:00:00:00:00:01", "ana", "wrong", CHAP); !errors.Is(err, ErrRejected) {
				t.Errorf("wrong password: %v", err)
			}
			for i, want := range []bool{true, true, false} {
				if err := nas.Join(fmt.Sprintf("02:00:00:00:00:1%d", i), "ana", "pw"); (err == nil) != want {
					t.Errorf("device %d: %v", i, err)
				}
			}
			if err := nas.Leave("02:00:00:00:00:10"); err != nil {
				t.Error(err)
			}
			if err := nas.Join("02:00:00:00:00:12", "ana", "pw"); err != nil {
				t.Errorf("after one has left: %v", err)
			}
			ahead = 2 * time.Hour
			if err := srv.Tick(); err != nil {
				t.Fatal(err)
			}
			if _, err := nas.Ask("02:00:00:00:00:01", "ana", "pw", PAP); !errors.Is(err, ErrRejected) {
				t.Errorf("after the end: %v", err)
			}
			if nas.Online("02:00:00:00:00:12") {
				t.Error("a session outlives its Session-Timeout")
			}
			if t.Failed() {
				t.Log(srv.Log())
			}
		})
	}
}
