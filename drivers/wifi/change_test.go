package wifi

import (
	"strings"
	"testing"
	"time"

	"edgeagent/drivers"

	"github.com/google/go-cmp/cmp"
)

func TestExtend(t *testing.T) {
	t.Run("unused", func(t *testing.T) {
		b := newBench(t, nil)
		old := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
		now := b.must(t, ensure(keyA, start.Add(72*time.Hour)))
		if b.sim.CodeWorks(old["code"]) || !b.sim.CodeWorks(now["code"]) || len(b.sim.Vouchers()) != 1 {
			t.Error("the old code should be gone and the new one work")
		}
	})
	t.Run("used", func(t *testing.T) {
		b := newBench(t, nil)
		old := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
		b.join(t, mac1, old["code"])
		b.sim.Disassociate(mac1) // a sleeping phone is extended too
		b.advance(20 * time.Hour)
		now := b.must(t, ensure(keyA, start.Add(72*time.Hour)))
		if b.sim.CodeWorks(old["code"]) || !b.sim.CodeWorks(now["code"]) {
			t.Error("the old code should be gone and the new one work")
		}
		b.advance(50 * time.Hour)
		if !b.sim.Online(mac1) {
			t.Error("the device lost access in the extended stay")
		}
		b.advance(5 * time.Hour)
		if b.sim.Online(mac1) {
			t.Error("the device is online after departure and grace")
		}
	})
	t.Run("twice, then revoke after a restart", func(t *testing.T) {
		b := newBench(t, nil)
		other := b.must(t, ensure(keyB, start.Add(24*time.Hour)))
		b.join(t, mac3, other["code"])
		first := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
		b.join(t, mac1, first["code"])
		b.must(t, ensure(keyA, start.Add(48*time.Hour)))
		b.restart(t, nil)
		third := b.must(t, ensure(keyA, start.Add(72*time.Hour)))
		b.join(t, mac2, third["code"])
		if s, _ := b.sim.Session(mac1); s.End.Before(start.Add(74 * time.Hour)) {
			t.Errorf("the first device ends at %v", s.End)
		}
		b.restart(t, nil)
		b.must(t, revoke(keyA))
		if b.sim.Online(mac1) || b.sim.Online(mac2) {
			t.Error("a device of the departed guest is online")
		}
		if !b.sim.Online(mac3) || !b.sim.CodeWorks(other["code"]) {
			t.Error("another guest lost access")
		}
	})
}

func TestShorten(t *testing.T) {
	b := newBench(t, nil)
	old := b.must(t, ensure(keyA, start.Add(72*time.Hour)))
	b.join(t, mac1, old["code"])
	now := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	if b.sim.CodeWorks(old["code"]) || !b.sim.CodeWorks(now["code"]) || !b.sim.Online(mac1) {
		t.Fatal("shortening should replace the code and keep the device")
	}
	b.advance(26*time.Hour + time.Minute)
	if b.sim.Online(mac1) {
		t.Error("the device is online after the shortened stay")
	}
}

// A due-out guest whose access is over, and who stays after all.
func TestExpiredVoucherIsReplaced(t *testing.T) {
	b := newBench(t, nil)
	old := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	b.join(t, mac1, old["code"])
	b.advance(27 * time.Hour)
	b.want = []drivers.Command{ensure(keyA, start.Add(24*time.Hour))}
	if out := b.sweep(t); out.Held != 0 {
		t.Errorf("an expired voucher counts as access: %+v", out)
	}
	now := b.must(t, ensure(keyA, start.Add(72*time.Hour)))
	if now["code"] == old["code"] || !b.sim.CodeWorks(now["code"]) || len(b.sim.Vouchers()) != 1 {
		t.Error("the guest should have a new code that works, and only that")
	}
}

func TestRevokeCutsTheRightDevices(t *testing.T) {
	b := newBench(t, nil)
	a := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	o := b.must(t, ensure(keyB, start.Add(24*time.Hour)))
	staff := b.sim.AddVoucher("staff", 600, 0)
	b.join(t, mac1, a["code"])
	b.join(t, mac2, o["code"])
	b.join(t, mac3, a["code"])
	b.join(t, mac3, staff) // the tablet moved on to another voucher: not ours any more
	b.calls()
	receipt, err := b.try(t, revoke(keyA))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := receipt.Note, "WiFi access closed: 1 code removed, 1 device cut"; got != want {
		t.Errorf("note %q, want %q", got, want)
	}
	if b.sim.CodeWorks(a["code"]) || b.sim.Online(mac1) {
		t.Error("the departed guest still has access")
	}
	if !b.sim.Online(mac2) || !b.sim.Online(mac3) || !b.sim.CodeWorks(o["code"]) || !b.sim.CodeWorks(staff) {
		t.Error("somebody else lost access")
	}
	calls := b.calls()
	site := siteOf(calls[0])
	for i := range calls {
		calls[i] = strings.ReplaceAll(calls[i], site, "SITE")
		calls[i] = strings.ReplaceAll(calls[i], a["voucher"], "VOUCHER")
	}
	want := []string{
		"GET /proxy/network/integration/v1/sites/SITE/hotspot/vouchers?filter=name.eq('htl:00112233445566aa')&limit=200&offset=0",
		"GET /proxy/network/api/s/default/stat/guest?within=24",
		"DELETE /proxy/network/integration/v1/sites/SITE/hotspot/vouchers/VOUCHER",
		`POST /proxy/network/api/s/default/cmd/stamgr {"cmd":"unauthorize-guest","mac":"02:00:00:00:00:01"}`,
	}
	if diff := cmp.Diff(want, calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	receipt, err = b.try(t, revoke(keyA))
	if err != nil || receipt.Note != "WiFi access was closed already" {
		t.Errorf("second revoke: %q, %v", receipt.Note, err)
	}
}

func TestRevokeWithoutCut(t *testing.T) {
	b := newBench(t, nil)
	a := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	b.join(t, mac1, a["code"])
	b.must(t, revoke(keyA, "cut", "false"))
	if b.sim.CodeWorks(a["code"]) || !b.sim.Online(mac1) {
		t.Error("without cut the code should be gone and the session run on")
	}
}

func TestDuplicatesAreRemoved(t *testing.T) {
	b := newBench(t, func(c *Config) { c.Tiers = nil; c.TierByVIP = nil })
	first := b.sim.AddVoucher("htl:"+keyA, 26*60, 5)
	second := b.sim.AddVoucher("htl:"+keyA, 26*60, 5)
	third := b.sim.AddVoucher("htl:"+keyA, 99*60, 5)
	b.join(t, mac1, second)
	b.join(t, mac2, third)
	got := b.must(t, ensure(keyA, start.Add(24*time.Hour)))
	if got["code"] != second {
		t.Error("the voucher that is in use should be kept")
	}
	if b.sim.CodeWorks(first) || b.sim.CodeWorks(third) || !b.sim.CodeWorks(second) || len(b.sim.Vouchers()) != 1 {
		t.Error("exactly one code should work")
	}
	if !b.sim.Online(mac1) || !b.sim.Online(mac2) {
		t.Error("a device of the stay lost access")
	}
	if s, _ := b.sim.Session(mac2); s.End.After(start.Add(27 * time.Hour)) {
		t.Errorf("the device of the longer duplicate ends at %v", s.End)
	}
}
