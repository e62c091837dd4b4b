package keycard

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// machine is a machine's files: a text, or with "-> " a symbolic link.
func machine(t *testing.T, files map[string]string) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if len(text) > 3 && text[:3] == "-> " {
			err = os.Symlink(text[3:], path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestAdapters(t *testing.T) {
	const usb = "sys/devices/pci0000:00/usb1"
	parent := os.Getppid() // a living process that is not this one
	root := machine(t, map[string]string{
		"dev/ttyUSB0": "", "dev/ttyUSB1": "", "dev/ttyACM0": "", "dev/ttyS0": "", "dev/ttyS1": "", "dev/ttyAMA0": "",
		"dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C3D4-if00-port0": "-> ../../ttyUSB1",
		"dev/serial/by-id/usb-gone-if00":                                "-> ../../ttyUSB7",
		"dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0":         "-> ../../ttyUSB0",
		"dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0":         "-> ../../ttyUSB1",
		"sys/class/tty/ttyUSB0":                                         "-> ../../devices/pci0000:00/usb1/1-1/1-1:1.0/ttyUSB0/tty/ttyUSB0",
		"sys/class/tty/ttyUSB1":                                         "-> ../../devices/pci0000:00/usb1/1-2/1-2:1.0/ttyUSB1/tty/ttyUSB1",
		usb + "/1-1/1-1:1.0/ttyUSB0/tty/ttyUSB0/device":                 "-> ../../../ttyUSB0",
		usb + "/1-2/1-2:1.0/ttyUSB1/tty/ttyUSB1/device":                 "-> ../../../ttyUSB1",
		usb + "/1-1/idVendor":                                           "1a86\n", usb + "/1-1/idProduct": "7523\n", usb + "/1-1/product": "USB Serial\n",
		usb + "/1-2/idVendor": "0403\n", usb + "/1-2/idProduct": "6001\n", usb + "/1-2/manufacturer": "FTDI\n", usb + "/1-2/product": "FT232R USB UART\n",
		"sys/class/tty/ttyS0/type": "4\n", "sys/class/tty/ttyS1/type": "0\n",
		"run/lock/LCK..ttyUSB1": fmt.Sprintf("%10d\n", parent),
		"run/lock/LCK..ttyACM0": "   4194305\n", // no process has this number
	})
	got := adaptersUnder(root)
	for i := range got { // as they are called on a machine
		for _, name := range []*string{&got[i].Device, &got[i].ByID, &got[i].ByPath} {
			if *name != "" {
				*name = (*name)[len(root):]
			}
		}
	}
	want := []Adapter{
		{Device: "/dev/ttyACM0"}, {Device: "/dev/ttyAMA0"}, {Device: "/dev/ttyS0"},
		{Device: "/dev/ttyUSB0", ByPath: "/dev/serial/by-path/pci-0000:00:14.0-usb-0:1:1.0-port0", Vendor: "1a86", Product: "7523", Model: "USB Serial"},
		{Device: "/dev/ttyUSB1", ByID: "/dev/serial/by-id/usb-FTDI_FT232R_USB_UART_A1B2C3D4-if00-port0", ByPath: "/dev/serial/by-path/pci-0000:00:14.0-usb-0:2:1.0-port0",
			Vendor: "0403", Product: "6001", Model: "FTDI FT232R USB UART", Holder: fmt.Sprintf("process %d%s", parent, programOf(parent))},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := adaptersUnder(t.TempDir()); len(got) != 0 {
		t.Errorf("an empty machine has %v", got)
	}
}
