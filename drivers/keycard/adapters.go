package keycard

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Adapter is a serial port of this machine.
type Adapter struct {
	// Device is its name for now, such as /dev/ttyUSB0.
	Device string
	// ByID is its name that survives replugging, "" if it has none of its own.
	ByID string
	// ByPath is its name by the socket that it is plugged into, "" if it has none.
	ByPath string
	// Vendor and Product are its USB numbers, 4 hexadecimal digits each; "" if it is on no USB.
	Vendor, Product string
	// Model is what it says of itself.
	Model string
	// Holder is the process that has it, "" for none that can be seen.
	Holder string
}

// Adapters lists the serial ports of this machine, by their present names.
func Adapters() []Adapter { return adaptersUnder("/") }

func adaptersUnder(root string) []Adapter {
	found := map[string]*Adapter{}
	for _, pattern := range []string{"ttyUSB*", "ttyACM*", "ttyAMA*", "ttyS*"} {
		paths, err := filepath.Glob(filepath.Join(root, "dev", pattern))
		if err != nil {
			continue // of a bad pattern; these are good
		}
		for _, path := range paths {
			name := filepath.Base(path)
			if !strings.HasPrefix(name, "ttyS") || isFitted(root, name) {
				found[path] = &Adapter{Device: path}
			}
		}
	}
	named(found, filepath.Join(root, "dev/serial/by-id"), func(a *Adapter) *string { return &a.ByID })
	named(found, filepath.Join(root, "dev/serial/by-path"), func(a *Adapter) *string { return &a.ByPath })
	all := make([]Adapter, 0, len(found))
	for _, path := range slices.Sorted(maps.Keys(found)) {
		a := found[path]
		a.describe(root)
		a.Holder = heldBy(filepath.Join(root, lockDir), "/dev/"+filepath.Base(path))
		all = append(all, *a)
	}
	return all
}

// isFitted reports whether a port of the machine's own is more than a number
// that the kernel keeps free: such a one has no type.
func isFitted(root, name string) bool {
	kind, err := os.ReadFile(filepath.Join(root, "sys/class/tty", name, "type"))
	return err == nil && string(bytes.TrimSpace(kind)) != "0"
}

// named follows the names in a folder of udev's to their adapters.
func named(found map[string]*Adapter, folder string, field func(*Adapter) *string) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return // nothing is plugged in
	}
	for _, entry := range entries {
		name := filepath.Join(folder, entry.Name())
		device, err := filepath.EvalSymlinks(name)
		if err != nil {
			continue // pulled a moment ago
		}
		a := found[device]
		if a == nil {
			a = &Adapter{Device: device}
			found[device] = a
		}
		if at := field(a); *at == "" {
			*at = name
		}
	}
}

// describe reads what the adapter says of itself.
func (a *Adapter) describe(root string) {
	at, err := filepath.EvalSymlinks(filepath.Join(root, "sys/class/tty", filepath.Base(a.Device), "device"))
	if err != nil {
		return
	}
	says := func(name string) string {
		text, _ := os.ReadFile(filepath.Join(at, name)) // many have none
		return printable(string(bytes.TrimSpace(text)), 60)
	}
	for ; len(at) > len(root); at = filepath.Dir(at) { // from the port up to its USB device
		if a.Vendor = says("idVendor"); a.Vendor == "" {
			continue
		}
		a.Product, a.Model = says("idProduct"), strings.TrimSpace(says("manufacturer")+" "+says("product"))
		return
	}
}

// heldBy says which living process has a device, by its lock file or because it
// has the device open.
func heldBy(dir, device string) string {
	text, _ := os.ReadFile(filepath.Join(dir, lockName(device))) // most ports have none
	pid, _ := strconv.Atoi(string(bytes.TrimSpace(text)))
	if !alive(pid) {
		pid = holder(device)
	}
	if pid <= 0 || pid == os.Getpid() {
		return ""
	}
	return fmt.Sprintf("process %d%s", pid, programOf(pid))
}
