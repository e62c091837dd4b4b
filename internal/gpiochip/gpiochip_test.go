package gpiochip

import (
	"os"
	"path/filepath"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"periph.io/x/conn/v3/gpio"
)

func pi() []*fakeChip {
	return []*fakeChip{
		{name: "gpiochip0", label: "pinctrl-rp1", lines: []*fakeLine{{name: "ID_SDA"}, {name: "GPIO17"}, {name: "GPIO27"}, {}}},
		{name: "gpiochip10", label: "gpio-brcmstb", lines: []*fakeLine{{name: "WAKE"}, {name: "taken", user: "regulator"}}},
	}
}

// The numbers of the requests hold the sizes of the structures.
func TestSizesAreTheKernels(t *testing.T) {
	for name, pair := range map[string][2]uintptr{
		"chip info":    {unsafe.Sizeof(chipInfo{}), getChipInfo >> 16 & 0x3fff},
		"line info":    {unsafe.Sizeof(lineInfo{}), getLineInfo >> 16 & 0x3fff},
		"line request": {unsafe.Sizeof(lineRequest{}), getLine >> 16 & 0x3fff},
		"line config":  {unsafe.Sizeof(lineConfig{}), setConfig >> 16 & 0x3fff},
		"line values":  {unsafe.Sizeof(lineValues{}), setValues >> 16 & 0x3fff},
	} {
		if pair[0] != pair[1] {
			t.Errorf("%s has %d bytes, and the kernel's %d", name, pair[0], pair[1])
		}
	}
}

func TestOpen(t *testing.T) {
	for _, tt := range []struct{ name, chip, line, want string }{
		{"by name", "", "GPIO17", "gpiochip0/GPIO17"},
		{"in other letters", "", "gpio17", "gpiochip0/GPIO17"},
		{"by the chip's label", "pinctrl-rp1", "GPIO27", "gpiochip0/GPIO27"},
		{"by number", "gpiochip0", "3", "gpiochip0/3"},
		{"unknown", "", "GPIO99", "no GPIO chip has a line GPIO99: gpioinfo lists those that there are"},
		{"not on this chip", "gpiochip10", "GPIO17", "the GPIO chip gpiochip10 has no line GPIO17: gpioinfo lists those that there are"},
		{"beyond the last", "gpiochip0", "4", "the GPIO chip gpiochip0 has no line 4: gpioinfo lists those that there are"},
		{"unknown chip", "gpiochip4", "GPIO17", "this machine has no GPIO chip gpiochip4: gpiodetect lists those that there are"},
		{"on two chips", "", "0", "there are lines gpiochip0/0 and gpiochip10/0: say which with chip:"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, k := newFake(t, pi()...)
			l, err := k.open(tt.chip, tt.line)
			var got string
			if err != nil {
				got = err.Error()
			} else {
				got = l.String()
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestNoChips(t *testing.T) {
	_, k := newFake(t)
	if _, err := k.open("", "GPIO17"); err == nil || err.Error() != "this machine has no GPIO chip (no /dev/gpiochip0)" {
		t.Error(err)
	}
	path := filepath.Join(k.dir, "gpiochip0")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := k.open("", "GPIO17"); err == nil || err.Error() != path+" is no GPIO chip: inappropriate ioctl for device" {
		t.Error(err)
	}
}

// Some boards show one chip under two names.
func TestSecondNameOfAChip(t *testing.T) {
	f, k := newFake(t, pi()...)
	if err := os.Symlink(filepath.Join(f.dir, "gpiochip0"), filepath.Join(f.dir, "gpiochip4")); err != nil {
		t.Fatal(err)
	}
	if l, err := k.open("", "GPIO17"); err != nil || l.Number() != 1 || l.Name() != "GPIO17" {
		t.Error(l, err)
	}
}

func TestOldKernel(t *testing.T) {
	_, k := newFake(t, &fakeChip{name: "gpiochip0", lines: []*fakeLine{{name: "GPIO17"}}, broken: unix.EINVAL})
	const want = "GPIO chip gpiochip0: its lines cannot be asked: the kernel must be Linux 5.10 or later"
	if _, err := k.open("", "GPIO17"); err == nil || err.Error() != want {
		t.Error(err)
	}
}

func open(t *testing.T, k kernel, line string) *Line {
	t.Helper()
	l, err := k.open("", line)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// An output comes into being at its level: a relay board does not click.
func TestOut(t *testing.T) {
	chips := pi()
	f, k := newFake(t, chips...)
	l := open(t, k, "GPIO17")
	if got := f.told(); got != nil || l.Function() != "" {
		t.Errorf("finding a line did %q", got)
	}
	for _, level := range []gpio.Level{gpio.High, gpio.Low, gpio.High} {
		if err := l.Out(level); err != nil {
			t.Fatal(err)
		}
		if l.Read() != level {
			t.Errorf("reads %s", l.Read())
		}
	}
	if diff := cmp.Diff([]string{"GPIO17 output at 1", "GPIO17 level 0", "GPIO17 level 1"}, f.told()); diff != "" {
		t.Error(diff)
	}
	if got := chips[0].lines[1]; got.flags != flagOutput || got.user != "edgeagent" || l.Function() != "Out" {
		t.Errorf("%+v, %s", got, l.Function())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Out(gpio.High); err == nil || err.Error() != "line gpiochip0/GPIO17 is closed" {
		t.Error(err)
	}
	if l.Read() || l.Close() != nil || l.Halt() != nil {
		t.Error("a closed line")
	}
}

func TestErrorsOfALine(t *testing.T) {
	chips := pi()
	_, k := newFake(t, chips...)
	want := func(err error, text string) {
		t.Helper()
		if err == nil || err.Error() != text {
			t.Errorf("got  %v\nwant %s", err, text)
		}
	}
	want(open(t, k, "taken").Out(gpio.Low), `line gpiochip10/taken is in use by "regulator"`)
	l := open(t, k, "GPIO27")
	chips[0].lines[2].refuse = unix.EPERM
	want(l.Out(gpio.Low), "line gpiochip0/GPIO27 cannot be had: operation not permitted")
	chips[0].lines[2].refuse = nil
	if err := l.Out(gpio.Low); err != nil {
		t.Fatal(err)
	}
	chips[0].lines[2].refuse = unix.EIO
	want(l.Out(gpio.High), "line gpiochip0/GPIO27 cannot be set: input/output error")
	want(l.In(gpio.PullUp, gpio.NoEdge), "line gpiochip0/GPIO27 cannot be set up: input/output error")
	if l.Read() {
		t.Error("a line that cannot be read is high")
	}
	want(l.PWM(gpio.DutyHalf, 0), "line gpiochip0/GPIO27 has no PWM")
}

func TestIn(t *testing.T) {
	for _, tt := range []struct {
		pull gpio.Pull
		edge gpio.Edge
		want uint64
	}{
		{gpio.PullUp, gpio.BothEdges, flagInput | flagPullUp | flagRising | flagFalling},
		{gpio.PullDown, gpio.RisingEdge, flagInput | flagPullDown | flagRising},
		{gpio.Float, gpio.FallingEdge, flagInput | flagBiasDisabled | flagFalling},
		{gpio.PullNoChange, gpio.NoEdge, flagInput},
	} {
		chips := pi()
		_, k := newFake(t, chips...)
		l := open(t, k, "GPIO17")
		if err := l.In(tt.pull, tt.edge); err != nil {
			t.Fatal(err)
		}
		if got := chips[0].lines[1].flags; got != tt.want || l.Pull() != tt.pull || l.Function() != "In" {
			t.Errorf("%s, %s: flags %#x, not %#x", tt.pull, tt.edge, got, tt.want)
		}
	}
}

func TestWaitForEdge(t *testing.T) {
	chips := pi()
	f, k := newFake(t, chips...)
	l, line := open(t, k, "GPIO17"), chips[0].lines[1]
	if l.WaitForEdge(-1) {
		t.Error("an edge of a line that is no input")
	}
	if err := l.In(gpio.PullUp, gpio.BothEdges); err != nil {
		t.Fatal(err)
	}
	f.edge(line, 1)
	f.edge(line, 0)
	if !l.WaitForEdge(-1) || l.Read() == gpio.High {
		t.Error("no edge")
	}

	// Edges from before In are gone.
	f.edge(line, 1)
	if err := l.In(gpio.PullUp, gpio.BothEdges); err != nil {
		t.Fatal(err)
	}
	if l.WaitForEdge(time.Millisecond) {
		t.Error("an edge from before")
	}

	// Halt ends a wait, whether it has begun or not, until In.
	waited := make(chan bool)
	go func() { waited <- l.WaitForEdge(-1) }()
	if err := l.Halt(); err != nil {
		t.Fatal(err)
	}
	if <-waited {
		t.Error("Halt is an edge")
	}
	f.edge(line, 0)
	if l.WaitForEdge(-1) {
		t.Error("an edge after Halt")
	}
	if err := l.In(gpio.PullUp, gpio.BothEdges); err != nil {
		t.Fatal(err)
	}
	go func() { waited <- l.WaitForEdge(-1) }()
	f.edge(line, 1)
	if !<-waited {
		t.Error("no edge after In")
	}
	go func() { waited <- l.WaitForEdge(-1) }()
	l.Close()
	if <-waited {
		t.Error("Close is an edge")
	}
}
