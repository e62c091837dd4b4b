package wifi

import (
	"strings"
	"testing"
	"time"

	"edgeagent/hwsim/radiussim"
)

// A phone writes the first letter in upper case, and a NAS compares to the letter.
func TestRadiusCutNamesTheUserAsTyped(t *testing.T) {
	b := newRadiusBench(t, nil)
	user := b.must(ensure(keyA, tomorrow))["user"]
	typed := strings.ToUpper(user)
	b.online(typed, "81", mac1, start)
	b.store.open[user] = b.store.open[typed]
	b.setClock(start.Add(time.Hour))
	b.must(ensure(keyA, tomorrow.Add(24*time.Hour)))
	b.must(revoke(keyA))
	orders := b.nas.Orders()
	if b.nas.Online(mac1) || len(orders) != 2 || orders[0].User != typed || orders[0].Disconnect || orders[1].User != typed {
		t.Errorf("%+v", orders)
	}
}

// A name that the NAS has otherwise does not hide the session, and one that it
// does not find though it has just reported on it is not taken for gone.
func TestRadiusCutDoubtsWhatIsFresh(t *testing.T) {
	b := newRadiusBench(t, nil)
	user := b.must(ensure(keyA, tomorrow))["user"]
	b.online(user, "81", mac1, start)
	b.store.open[user][0].calling = "another"
	b.must(revoke(keyA))
	if b.nas.Online(mac1) || len(b.store.ended) > 0 {
		t.Errorf("%+v, closed %v", b.nas.Orders(), b.store.ended)
	}
	b = newRadiusBench(t, nil)
	user = b.must(ensure(keyA, tomorrow))["user"]
	b.store.open[user] = []acctSession{{id: "1", acctSessionID: "81", user: user, nasIP: "127.0.0.1", started: start.Add(-time.Hour), updated: start.Add(-9 * time.Minute)}}
	want := "guest-wifi: close access: the NAS " + b.nas.Addr() + " knows no session by the names that radacct has, and reported on it less than 10m0s ago: session context not found (Error-Cause 503)"
	if _, err := b.do(revoke(keyA)); class(err) != "retry" || err.Error() != want || len(b.store.ended) > 0 {
		t.Errorf("got  %v, closed %v\nwant %s", err, b.store.ended, want)
	}
	b.setClock(start.Add(2 * time.Minute))
	if _, err := b.do(revoke(keyA)); err != nil || len(b.store.ended) != 1 {
		t.Errorf("%v, closed %v", err, b.store.ended)
	}
	// One that says it removed what was left is believed at once.
	b.nas.Admit(radiussim.Session{ID: "82", MAC: mac2, User: user})
	b.store.open[user][0].updated = b.now()
	b.nas.Refuse(201)
	if _, err := b.do(revoke(keyA)); err != nil {
		t.Error(err)
	}
}

func TestRadiusUnescape(t *testing.T) {
	for stored, want := range map[string]string{"80000001": "80000001", "02=2B00=2b01": "02+00+01", "a=3D2B": "a=2B", "=": "=", "a=2": "a=2", "=zz": "=zz", "=E2=82=AC": "\u20ac", "": "", "=+1": "=+1"} {
		if got := unescape(stored); got != want {
			t.Errorf("%q: %q, want %q", stored, got, want)
		}
	}
}

// Rows are closed by name and NAS, a bounded number of names at a time, and not
// at all where no NAS is ours. MySQL counts back in both ways: in the hour that
// autumn has twice, one of them takes a row of this minute for an old one.
func TestRadiusClosesByName(t *testing.T) {
	tables, said := newTables("mysql")
	if err := tables.closeStale(t.Context(), []string{"u"}, nil, start, time.Minute); err != nil || len(*said) > 0 {
		t.Errorf("%q, %v", *said, err)
	}
	if err := tables.closeStale(t.Context(), []string{"u"}, []string{"10.0.0.2"}, time.Unix(1000, 0), time.Minute); err != nil {
		t.Error(err)
	}
	want := "UPDATE radacct SET acctstoptime = FROM_UNIXTIME(?), acctterminatecause = ? WHERE acctstoptime IS NULL" +
		" AND acctupdatetime < LEAST(FROM_UNIXTIME(? - ?), FROM_UNIXTIME(?) - INTERVAL ? SECOND) AND username IN (?) AND nasipaddress IN (?)" +
		" 1000|edgeagent-stale|1000|60|1000|60|u|10.0.0.2"
	if got := (*said)[len(*said)-1]; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	n := len(*said)
	if err := tables.reopen(t.Context(), make([]string, 2*maxNames+1), []string{"10.0.0.2"}); err != nil || len(*said) != n+3 {
		t.Errorf("%d statements, %v", len(*said)-n, err)
	}
}
