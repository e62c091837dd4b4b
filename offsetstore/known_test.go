package offsetstore

import (
	"fmt"
	"path/filepath"
	"testing"
)

// Who looks at a house asks for the key of every room: that must not copy the
// whole shelf each time.
func TestKnownCopiesNoShelf(t *testing.T) {
	s := patient(t, filepath.Join(t.TempDir(), "store.db"))
	for i := range shelfSize - 2 {
		room := fmt.Sprint("room:", i)
		accept(t, s, fmt.Sprint(i), job(fmt.Sprint("c", i), room))
		c := next(t, s, "encoder")
		c.Known = []byte(`{"values":{}}`)
		settled(t, s, c)
	}
	if len(s.onShelf()) == 0 {
		t.Fatal("nothing is on the shelf")
	}
	allocated := testing.AllocsPerRun(50, func() {
		if known, err := s.Known("encoder", "room:7"); err != nil || len(known) == 0 {
			t.Errorf("known: %s, %v", known, err)
		}
	})
	if allocated > 0 {
		t.Errorf("%v allocations to look at what is there", allocated)
	}
}
