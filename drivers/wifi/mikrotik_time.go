package wifi

import "time"

// online is how long the devices of a stay may be online in all, so that it
// ends with the stay if all of them always are. A user's time counts from when
// the user was made, each device's for itself.
func (m *mikrotik) online(g Grant, made, until time.Time) time.Duration {
	seconds := int64(max(until.Sub(made), time.Minute)+time.Second-1) / int64(time.Second)
	return time.Duration(min(seconds, int64(maxInterval/time.Second)/m.devices(g))) * time.Duration(m.devices(g)) * time.Second
}

// devices is how many may be online at once: the profile's shared-users, which
// Probe holds against devices_per_guest.
func (m *mikrotik) devices(g Grant) int64 { return int64(max(g.Devices, m.cfg.DevicesPerGuest, 1)) }

// fits reports whether a user's limit is right as it is, as far as a minute or
// two may matter.
func (m *mikrotik) fits(g Grant, made time.Time, limit time.Duration) bool {
	slack := tolerance * time.Duration(m.devices(g))
	least, most := m.online(g, made, g.Until), m.online(g, made, g.Until)
	if g.Overdue {
		now := m.now()
		if limit <= m.online(g, made, now) {
			return false // over
		}
		least = m.online(g, made, g.Departed) // set before the departure passed, it is still right
	}
	return limit > 0 && limit >= least-slack && limit <= most+slack
}
