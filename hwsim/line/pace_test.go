package line_test

import (
	"slices"
	"testing"
	"time"

	"edgeagent/hwsim/line"
)

func noon() time.Time { return time.Date(2026, 7, 15, 12, 0, 0, 0, time.UTC) }

func TestPaced(t *testing.T) {
	clock, done := line.NewManual(noon()), make(chan struct{})
	got, end := make(chan byte), make(chan struct{})
	go func() {
		defer close(end)
		line.Paced(clock, line.ByteTime(1000), done, []byte{1, 2, 3}, func(b []byte) { got <- b[0] })
	}()
	for want := byte(1); want <= 2; want++ {
		clock.AwaitWaiters(1)
		clock.Advance(10*time.Millisecond - 1)
		select {
		case b := <-got:
			t.Errorf("byte %d before its time", b)
		default:
		}
		clock.Advance(1)
		if b := <-got; b != want {
			t.Errorf("byte %d, want %d", b, want)
		}
	}
	clock.AwaitWaiters(1)
	close(done) // the last is never sent
	<-end
}

// What one wait takes too long, the next makes up for.
func TestPacedMakesUp(t *testing.T) {
	clock := line.NewManual(noon())
	got := make(chan byte, 3)
	go line.Paced(clock, line.ByteTime(1000), nil, []byte{1, 2, 3}, func(b []byte) { got <- b[0] })
	clock.AwaitWaiters(1)
	clock.Advance(25 * time.Millisecond)
	<-got
	<-got
	clock.AwaitWaiters(1)
	clock.Advance(5 * time.Millisecond)
	<-got
}

func TestWithoutPace(t *testing.T) {
	var pieces []int
	line.Paced(line.NewManual(noon()), line.ByteTime(0), nil, []byte{1, 2, 3}, func(b []byte) { pieces = append(pieces, len(b)) })
	if !slices.Equal(pieces, []int{3}) {
		t.Errorf("pieces of %d bytes", pieces)
	}
	for baud, want := range map[int]time.Duration{0: 0, -1: 0, 9600: 1041666, 115200: 86805} {
		if got := line.ByteTime(baud); got != want {
			t.Errorf("a byte at %d takes %v, want %v", baud, got, want)
		}
	}
}

func TestPause(t *testing.T) {
	clock, open, closed := line.NewManual(noon()), make(chan struct{}), make(chan struct{})
	close(closed)
	for _, tc := range []struct {
		d          time.Duration
		done, stop chan struct{}
		want       bool
	}{
		{0, open, open, true}, {-time.Second, nil, nil, true}, {0, closed, nil, false}, {time.Hour, nil, closed, false},
	} {
		if got := line.Pause(clock, tc.d, tc.done, tc.stop); got != tc.want {
			t.Errorf("%+v: %t", tc, got)
		}
	}
	ended := make(chan bool)
	go func() { ended <- line.Pause(clock, time.Hour, nil, open) }()
	clock.AwaitWaiters(1)
	close(open)
	if <-ended {
		t.Error("the hour has passed")
	}
	// Nobody waits for it any longer: the next to wait is the first.
	go func() { ended <- line.Pause(clock, time.Minute, nil, nil) }()
	clock.AwaitWaiters(1)
	clock.Advance(time.Minute)
	if !<-ended {
		t.Error("the minute has not passed")
	}
}

func TestScaledClock(t *testing.T) {
	c := line.Scaled(noon(), 1000)
	before := c.Now()
	<-c.After(time.Second)
	if d := c.Now().Sub(before); d < time.Second {
		t.Errorf("only %v passed", d)
	}
	if before.Before(noon()) {
		t.Errorf("started at %v", before)
	}
}

func TestWall(t *testing.T) {
	c := line.Wall()
	if d := time.Until(c.Now()); d > 0 || d < -time.Minute {
		t.Errorf("real time is off by %v", d)
	}
	<-c.After(1)
}
