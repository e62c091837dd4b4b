package line

import "time"

// Pause waits on a clock; false when one of the channels was closed before or
// meanwhile. Either may be nil.
func Pause(clock Clock, d time.Duration, done, stop <-chan struct{}) bool {
	select {
	case <-done:
		return false
	case <-stop:
		return false
	default:
	}
	if d <= 0 {
		return true
	}
	due := clock.After(d)
	select {
	case <-due:
		return true
	case <-done:
	case <-stop:
	}
	if m, ok := clock.(*Manual); ok {
		m.forget(due)
	}
	return false
}

// ByteTime is what one byte takes at a speed: eight bits between start and stop.
func ByteTime(baud int) time.Duration {
	if baud <= 0 {
		return 0
	}
	return 10 * time.Second / time.Duration(baud)
}

// Paced gives bytes to put one by one, each when it would have arrived, or all
// at once if a byte takes no time. It stops when the device ends.
func Paced(clock Clock, each time.Duration, done <-chan struct{}, b []byte, put func([]byte)) {
	if each <= 0 {
		put(b)
		return
	}
	// Slept to a plan: what one wait takes too long, the next makes up for.
	start := clock.Now()
	for i := range b {
		if !Pause(clock, start.Add(each*time.Duration(i+1)).Sub(clock.Now()), done, nil) {
			return
		}
		put(b[i : i+1])
	}
}
