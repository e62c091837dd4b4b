package console

import "time"

// Access is one credential that a controller holds, as tests and the judge see
// it: what was set, in the units of a guest, whatever the product calls it.
// Zero is no limit.
type Access struct {
	// Marker is the note, name, comment or group by which the agent finds it again.
	Marker string
	// User is what the guest types beside the code; "" where the code is all.
	User, Code string
	// Until is when it ends by itself, where the clock starts at first use: if
	// it was used when it was made. Zero is never.
	Until time.Time
	// Works reports whether a new device would get on with it now.
	Works            bool
	Devices, DataMB  int
	DownKbps, UpKbps int
}
