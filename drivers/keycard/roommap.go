package keycard

import "sync/atomic"

// roomMap is the names that rooms have in the lock system, where they differ from
// the PMS's. It can be replaced while the encoder works: a command goes by the
// one that holds when it is planned.
type roomMap struct {
	newer atomic.Pointer[map[string]string]
}

// name is a room's name in the lock system; first is the map of the beginning.
func (m *roomMap) name(first map[string]string, room string) string {
	if newer := m.newer.Load(); newer != nil {
		return or((*newer)[room], room)
	}
	return or(first[room], room)
}

// SetRooms replaces the names that rooms have in the lock system. They must have
// been checked, as Config.Problems does.
func (d *Driver) SetRooms(rooms map[string]string) { d.rooms.newer.Store(&rooms) }

// SetRooms replaces the names that rooms have in the locks.
func (m *Module) SetRooms(rooms map[string]string) { m.rooms.newer.Store(&rooms) }
