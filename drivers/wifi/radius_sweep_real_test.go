//go:build real

package wifi

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// A stay that was shortened while its NAS took no orders ends by the sweep.
func TestRadiusSweepEndsWhatWasShortened(t *testing.T) {
	s, site := radiusStage(t, "mysql")
	s.joins(mac1, s.must(ensure(keyA, tomorrow.Add(72*time.Hour))))
	site.Refuse(406)
	s.must(ensure(keyA, tomorrow))
	site.Refuse(0)
	for range 8 {
		s.advance(5 * time.Hour)
		if err := site.Server.Tick(); err != nil {
			t.Fatal(err)
		}
		if err := site.Report(); err != nil {
			t.Fatal(err)
		}
		s.sweep()
	}
	if s.Online(mac1) {
		t.Errorf("the guest is on at %v; %+v", s.now(), s.drv.State())
	}
}

// Another hotel's users and NAS on the same FreeRADIUS are not ours to tidy up.
func TestRadiusLeavesOthersAlone(t *testing.T) {
	for _, kind := range databaseKinds {
		t.Run(kind, func(t *testing.T) {
			s, site := radiusStage(t, kind)
			told := s.must(ensure(keyA, tomorrow))
			then := fmt.Sprintf(map[string]string{"mysql": "FROM_UNIXTIME(%d)", "postgres": "TO_TIMESTAMP(%d)"}[kind], s.now().Add(-20*time.Minute).Unix())
			sql := "INSERT INTO radusergroup (username, groupname, priority) VALUES ('bob', 'htl:staff', 1);\n"
			for i, of := range [][2]string{{"bob", "127.0.0.1"}, {told["user"], "10.9.9.9"}, {told["user"], "127.0.0.1"}} {
				sql += fmt.Sprintf("INSERT INTO radacct (acctsessionid, acctuniqueid, username, nasipaddress, acctstarttime, acctupdatetime) VALUES ('o%d', 'u%d', '%s', '%s', %s, %s);\n", i, i, of[0], of[1], then, then)
			}
			if _, err := site.Server.SQL(sql); err != nil {
				t.Fatal(err)
			}
			s.sweep()
			closed, err := site.Server.SQL("SELECT acctsessionid, acctterminatecause FROM radacct WHERE acctstoptime IS NOT NULL")
			if err != nil || strings.TrimSpace(closed) != "o2\t"+causeStale {
				t.Errorf("closed: %q, %v", closed, err)
			}
		})
	}
}

// FreeRADIUS was away for a while: what its NAS reports on again is open again,
// and counts as a device. Of MySQL's tables alone: FreeRADIUS's statements for
// PostgreSQL write nothing into a row that is closed.
func TestRadiusReopensWhatIsReportedOn(t *testing.T) {
	s, site := radiusStage(t, "mysql")
	told := s.must(ensure(keyA, tomorrow, "devices", "1"))
	s.joins(mac1, told)
	if err := site.Report(); err != nil {
		t.Fatal(err)
	}
	s.advance(16 * time.Minute)
	s.sweep()
	open := func() string {
		n, err := site.Server.SQL("SELECT COUNT(*) FROM radacct WHERE acctstoptime IS NULL AND COALESCE(acctterminatecause, '') = ''")
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(n)
	}
	if open() != "0" {
		t.Fatal("the silent session's row is open")
	}
	s.advance(time.Minute)
	if err := site.Server.Tick(); err != nil {
		t.Fatal(err)
	}
	if err := site.Report(); err != nil {
		t.Fatal(err)
	}
	s.sweep()
	if open() != "1" {
		t.Error("the row stays closed")
	}
	s.refuses(mac2, told)
}

// The gateway's clock alone removes nobody.
func TestRadiusWrongClockPurgesNothing(t *testing.T) {
	for _, kind := range databaseKinds {
		t.Run(kind, func(t *testing.T) {
			s, site := radiusStage(t, kind)
			for i := range 10 {
				s.must(ensure(fmt.Sprintf("00112233445566%02d", i), tomorrow.Add(72*time.Hour)))
			}
			r := s.drv.ctl.(*radius)
			at := s.now()
			r.store = clockedTables{r.store.(clockedTables).tables, func() time.Time { return at }}
			s.advance(6 * 24 * time.Hour)
			if _, err := r.List(t.Context()); err != nil {
				t.Error(err)
			}
			if swept, _ := s.drv.Sweep(t.Context()); swept.Removed > 0 || swept.Refused != 10 {
				t.Errorf("%+v", swept)
			}
			if left, err := site.Server.SQL("SELECT COUNT(*) FROM radusergroup"); err != nil || strings.TrimSpace(left) != "10" {
				t.Errorf("%s accounts are left, %v", left, err)
			}
		})
	}
}
