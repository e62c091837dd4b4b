package wifi

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"edgeagent/drivers"
)

// Of several errors the one that can be tried again decides: as a refusal the
// rest would never be done.
func TestTogether(t *testing.T) {
	refused := fmt.Errorf("%w: bad voucher", drivers.ErrRefused)
	down := &drivers.LinkDown{Err: errors.New("no network")}
	later := &drivers.RetryAfter{Wait: time.Minute, Err: errors.New("busy")}
	for _, test := range []struct {
		errs        []error
		class, want string
	}{
		{nil, "none", ""},
		{[]error{nil, nil}, "none", ""},
		{[]error{refused, nil}, "refused", "refused: bad voucher"},
		{[]error{refused, down}, "down", "no network; refused: bad voucher"},
		{[]error{later, refused, refused}, "later", "busy; refused: bad voucher; refused: bad voucher"},
		{[]error{errors.New("a"), errors.New("b")}, "retry", "a; b"},
	} {
		err := together(test.errs)
		got := ""
		if err != nil {
			got = err.Error()
		}
		if class(err) != test.class || got != test.want {
			t.Errorf("%v: class %s, %q; want %s, %q", test.errs, class(err), got, test.class, test.want)
		}
	}
}

// Many entries in a row that cannot be read are no longer about the entries.
func TestFaultsOfAList(t *testing.T) {
	var f faults
	bad := errors.New("unreadable")
	for i := range 2 * manyFaults {
		if f.enough(bad) {
			t.Fatalf("%d faults with others between end a list", i)
		}
		if i%(manyFaults-1) == manyFaults-2 && f.enough(nil) {
			t.Fatal("no error ends a list")
		}
	}
	for _, err := range []error{&drivers.LinkDown{Err: bad}, context.Canceled} {
		if one := (&faults{}); !one.enough(err) || len(one.all) != 1 {
			t.Errorf("%v does not end a list", err)
		}
	}
	row := 0
	for one := (&faults{}); !one.enough(bad); row++ {
	}
	if row != manyFaults-1 {
		t.Errorf("the list ends after %d faults, want %d", row+1, manyFaults)
	}
}
