package hwsim

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// speed sets the line to 9600 baud, raw.
func speed(t *testing.T, line *os.File) {
	t.Helper()
	mode, err := unix.IoctlGetTermios(int(line.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	mode.Iflag, mode.Oflag, mode.Lflag = 0, 0, 0
	mode.Cflag = unix.CS8 | unix.CREAD | unix.CLOCAL | unix.B9600
	mode.Ispeed, mode.Ospeed = unix.B9600, unix.B9600
	if err := unix.IoctlSetTermios(int(line.Fd()), unix.TCSETS, mode); err != nil {
		t.Fatal(err)
	}
}
