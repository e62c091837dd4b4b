package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"edgeagent/drivers/keycard"
	"edgeagent/internal/config"
)

func portsCommand(path *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ports",
		Short: "List the serial ports, with names that survive replugging",
		Long: `Ports lists the serial ports of this machine: the name to write into the
property file, what the adapter is called for now, its USB numbers, which device
of the property file uses it, and which process has it.

/dev/ttyUSB0 is whichever adapter came first: such a name changes when something
is replugged. The names under /dev/serial/by-id stay with their adapter. One that
has no serial number has only a name under /dev/serial/by-path, which stays with
the socket. Nothing is opened.`,
		Example: `  edgeagent ports
  edgeagent ports --config property.yaml`,
		Args: noArgs,
	}
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		file, err := config.Peek(*path)
		if err != nil && cmd.Flags().Changed("config") {
			fmt.Fprintln(os.Stderr, err)
		}
		if asJSON {
			return writeJSON(os.Stdout, portsTold(keycard.Adapters(), usesOf(file)))
		}
		listPorts(os.Stdout, keycard.Adapters(), usesOf(file))
		return nil
	}
	return cmd
}

// portTold is a serial port, for programs.
type portTold struct {
	// Name is the one to write into the property file.
	Name   string   `json:"name"`
	Device string   `json:"device"`
	USB    string   `json:"usb,omitempty"`
	Model  string   `json:"model,omitempty"`
	UsedBy []string `json:"used_by,omitempty"`
	HeldBy string   `json:"held_by,omitempty"`
}

func portsTold(adapters []keycard.Adapter, uses []use) []portTold {
	list := []portTold{}
	for i := range adapters {
		a := &adapters[i]
		p := portTold{Name: stableName(a), Device: a.Device, Model: a.Model, HeldBy: a.Holder}
		if a.Vendor != "" {
			p.USB = a.Vendor + ":" + a.Product
		}
		for _, u := range uses {
			if u.real == a.Device {
				p.UsedBy = append(p.UsedBy, u.device)
			}
		}
		list = append(list, p)
	}
	return list
}

// stableName is the adapter's name that lasts longest.
func stableName(a *keycard.Adapter) string {
	switch {
	case a.ByID != "":
		return a.ByID
	case a.ByPath != "":
		return a.ByPath
	}
	return a.Device
}

// use is a device of the property file with a serial port.
type use struct{ device, port, real string }

func usesOf(file *config.File) (all []use) {
	if file == nil {
		return nil
	}
	for i := range file.Devices {
		d := &file.Devices[i]
		if d.Keycard == nil || d.Keycard.Port == "" {
			continue
		}
		real, err := filepath.EvalSymlinks(d.Keycard.Port)
		if err != nil {
			real = ""
		}
		all = append(all, use{d.Name, d.Keycard.Port, real})
	}
	return all
}

// listPorts writes the ports, then the devices whose port is not there.
func listPorts(out io.Writer, adapters []keycard.Adapter, uses []use) {
	if len(adapters) == 0 {
		fmt.Fprintln(out, "no serial port is there: plug the adapter in, and look again")
	}
	for i := range adapters {
		listPort(out, &adapters[i], uses)
	}
	for _, u := range uses {
		if u.real == "" {
			fmt.Fprintf(out, "%s uses %s, which is not there\n", u.device, u.port)
		}
	}
}

func listPort(out io.Writer, a *keycard.Adapter, uses []use) {
	name := stableName(a)
	fmt.Fprintln(out, name)
	below := func(format string, args ...any) { fmt.Fprintf(out, "    "+format+"\n", args...) }
	if name != a.Device {
		below("is %s for now", a.Device)
	}
	unstable := strings.Contains(a.Device, "ttyUSB") || strings.Contains(a.Device, "ttyACM")
	switch {
	case a.Vendor != "":
		below("USB %s:%s %s", a.Vendor, a.Product, a.Model)
	case !unstable:
		below("the machine's own")
	}
	switch {
	case unstable && a.ByID == "" && a.ByPath != "":
		below("WARNING: no name of its own, for it has no serial number or one that another adapter has too; the name above stays with the socket")
	case unstable && a.ByID == "":
		below("WARNING: this name changes when something is replugged, and udev gives no other: is udev running?")
	}
	for _, u := range uses {
		if u.real != a.Device {
			continue
		}
		below("used by %s", u.device)
		if u.port == a.Device && unstable && name != a.Device {
			below("WARNING: %s calls it %s, which changes when something is replugged: write port: %s", u.device, u.port, name)
		}
	}
	if a.Holder != "" {
		below("held by %s", a.Holder)
	}
}
