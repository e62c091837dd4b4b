package iptv

import (
	"sync/atomic"
	"testing"

	"edgeagent/drivers"
)

// The lanes go on while the store is compared with the broker: a guest who is
// greeted meanwhile, in a room that the store knew nothing of, is no foreigner.
func TestReconciliationSparesWhoIsGreetedMeanwhile(t *testing.T) {
	r := newRig(t)
	var meanwhile atomic.Pointer[func()]
	r.open(func(d *Driver) {
		wanted := d.site.Wanted
		d.site.Wanted = func(name string) []drivers.Command {
			all := wanted(name)
			if do := meanwhile.Swap(nil); do != nil {
				(*do)()
			}
			return all
		}
	})
	r.connected()
	r.do(r.ledger.welcome("102", "s2", "Jones"))
	s, err := r.driver.live()
	r.must(err)
	greet := func() { r.do(r.ledger.welcome("101", "s1", "Smith")) }
	meanwhile.Store(&greet)
	r.must(s.reconcile(r.ctx))
	if stay := r.retainedStay("101"); stay != "s1" {
		t.Errorf("the screen of room 101 shows stay %q", stay)
	}
}
