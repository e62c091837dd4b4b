package wifi

import (
	"sync/atomic"
	"time"
)

// clocks is how the controller's clock stands to the gateway's.
type clocks struct {
	// skew is how far the controller's is ahead, as it last said.
	skew  atomic.Int64
	known atomic.Bool
}

// learn keeps what the controller's clock says now.
func (c *clocks) learn(theirs, ours time.Time) {
	c.skew.Store(int64(theirs.Sub(ours).Round(time.Second)))
	c.known.Store(true)
}

// agrees reports whether both clocks are known to show the same time.
func (c *clocks) agrees() bool {
	return c.known.Load() && time.Duration(c.skew.Load()).Abs() <= maxSkew
}
