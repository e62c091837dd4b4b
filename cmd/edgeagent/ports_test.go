package main

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"edgeagent/drivers/keycard"
)

func TestListPorts(t *testing.T) {
	var out bytes.Buffer
	listPorts(&out, []keycard.Adapter{
		{Device: "/dev/ttyAMA0", Holder: "process 412 (edgeagent)"},
		{Device: "/dev/ttyACM0"},
		{Device: "/dev/ttyUSB0", ByPath: "/dev/serial/by-path/usb-0:1:1.0-port0", Vendor: "1a86", Product: "7523", Model: "USB Serial"},
		{Device: "/dev/ttyUSB1", ByID: "/dev/serial/by-id/usb-FTDI-if00", ByPath: "/dev/serial/by-path/usb-0:2:1.0-port0", Vendor: "0403", Product: "6001", Model: "FTDI FT232R USB UART"},
	}, []use{
		{"lobby", "/dev/serial/by-id/usb-FTDI-if00", "/dev/ttyUSB1"}, {"spa", "/dev/ttyUSB0", "/dev/ttyUSB0"}, {"pool", "/dev/serial/by-id/usb-gone", ""},
	})
	const want = `/dev/ttyAMA0
    the machine's own
    held by process 412 (edgeagent)
/dev/ttyACM0
    WARNING: this name changes when something is replugged, and udev gives no other: is udev running?
/dev/serial/by-path/usb-0:1:1.0-port0
    is /dev/ttyUSB0 for now
    USB 1a86:7523 USB Serial
    WARNING: no name of its own, for it has no serial number or one that another adapter has too; the name above stays with the socket
    used by spa
    WARNING: spa calls it /dev/ttyUSB0, which changes when something is replugged: write port: /dev/serial/by-path/usb-0:1:1.0-port0
/dev/serial/by-id/usb-FTDI-if00
    is /dev/ttyUSB1 for now
    USB 0403:6001 FTDI FT232R USB UART
    used by lobby
pool uses /dev/serial/by-id/usb-gone, which is not there
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
	out.Reset()
	if listPorts(&out, nil, nil); out.String() != "no serial port is there: plug the adapter in, and look again\n" {
		t.Error(out.String())
	}
}

func TestPortsForPrograms(t *testing.T) {
	got := portsTold([]keycard.Adapter{
		{Device: "/dev/ttyAMA0", Holder: "process 412 (edgeagent)"},
		{Device: "/dev/ttyUSB1", ByID: "/dev/serial/by-id/usb-FTDI-if00", Vendor: "0403", Product: "6001", Model: "FTDI"},
	}, []use{{"lobby", "/dev/serial/by-id/usb-FTDI-if00", "/dev/ttyUSB1"}})
	want := []portTold{{Name: "/dev/ttyAMA0", Device: "/dev/ttyAMA0", HeldBy: "process 412 (edgeagent)"},
		{Name: "/dev/serial/by-id/usb-FTDI-if00", Device: "/dev/ttyUSB1", USB: "0403:6001", Model: "FTDI", UsedBy: []string{"lobby"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
