package wifi

import (
	"fmt"
	"sync/atomic"
	"time"

	"edgeagent/drivers"
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

// untimed is why nothing can be made or extended that lasts for so long from
// now: one of the clocks is wrong, and if it is ours, access would outlive its
// stay by as much. Whoever calls it has just looked for the stay's credential,
// so that the difference is known before the first one is made.
func (c *client) untimed() error {
	skew := time.Duration(c.skew.Load())
	if skew.Abs() <= maxSkew {
		return nil
	}
	side := "ahead of"
	if skew < 0 {
		side = "behind"
	}
	return &drivers.LinkDown{Err: fmt.Errorf("%s: the controller's clock is %v %s the gateway's, so access would not end with its stay: give both the same time server", c.base.Host, skew.Abs(), side)}
}
