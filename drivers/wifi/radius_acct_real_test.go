//go:build real

package wifi

import (
	"fmt"
	"strings"
	"testing"
)

// A phone's keyboard writes the first letter in upper case; MariaDB does not
// mind, and the NAS and radacct keep it so.
func TestRadiusCutsWhoTypedInUpperCase(t *testing.T) {
	for _, kind := range databaseKinds {
		t.Run(kind, func(t *testing.T) {
			s, _ := radiusStage(t, kind)
			told := s.must(ensure(keyA, tomorrow))
			err := s.Join(mac1, strings.ToUpper(told["user"]), told["code"])
			if err != nil && kind == "mysql" {
				t.Fatal(err)
			}
			s.must(revoke(keyA))
			if s.Online(mac1) {
				t.Error("the guest is still on")
			}
		})
	}
}

// rlm_sql stores a + as =2B.
func TestRadiusCutsByWhatTheNASWrote(t *testing.T) {
	for _, kind := range databaseKinds {
		t.Run(kind, func(t *testing.T) {
			s, site := radiusStage(t, kind)
			site.Separate("+")
			s.joins(mac1, s.must(ensure(keyA, tomorrow)))
			if stored, err := site.Server.SQL("SELECT callingstationid FROM radacct"); err != nil || !strings.Contains(stored, "=2B") {
				t.Fatalf("%q, %v", stored, err)
			}
			s.must(revoke(keyA))
			if orders := site.Orders(); s.Online(mac1) || len(orders) != 1 || !strings.Contains(orders[0].Calling, "+") {
				t.Errorf("%+v", orders)
			}
		})
	}
}

// Sessions that the NAS itself ended as lost do not hide the one that runs, and
// keep their cause.
func TestRadiusCutsBehindManyLostOnes(t *testing.T) {
	for _, kind := range databaseKinds {
		t.Run(kind, func(t *testing.T) {
			s, site := radiusStage(t, kind)
			told := s.must(ensure(keyA, tomorrow))
			s.joins(mac1, told)
			then := map[string]string{"mysql": "FROM_UNIXTIME(1)", "postgres": "TO_TIMESTAMP(1)"}[kind]
			var all strings.Builder
			for i := range 120 {
				cause := []string{"Lost-Service", causeStale}[i%2]
				fmt.Fprintf(&all, "INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress, acctstarttime, acctupdatetime, acctstoptime, acctterminatecause, callingstationid)"+
					" VALUES ('x%d', 'u%d', '%s', '127.0.0.1', %s, %s, %s, '%s', '02-00-00-00-00-99');\n", i, i, told["user"], then, then, then, cause)
			}
			if _, err := site.Server.SQL(all.String()); err != nil {
				t.Fatal(err)
			}
			s.must(revoke(keyA))
			if s.Online(mac1) {
				t.Error("the guest is still on")
			}
			if left, err := site.Server.SQL("SELECT COUNT(*) FROM radacct WHERE acctterminatecause = 'Lost-Service'"); err != nil || strings.TrimSpace(left) != "60" {
				t.Errorf("%s rows are as the NAS ended them, %v", left, err)
			}
		})
	}
}
