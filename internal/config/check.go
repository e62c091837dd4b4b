package config

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"

	"edgeagent/drivers"
	"edgeagent/drivers/iptv"
	"edgeagent/drivers/keycard"
	"edgeagent/drivers/wifi"
	"edgeagent/rules"
)

var (
	slug = regexp.MustCompile(`^[a-z0-9_-]{1,64}$`)
	name = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)
)

// property checks what is said of the hotel, and works out zone and hours.
func (c *checker) property(l *Loaded) {
	p := &l.Property
	if c.faulty("property") {
		l.Zone = time.UTC
		return
	}
	if !slug.MatchString(p.ID) {
		c.add("property.id", "property.id %q must be short and stand in topics: a-z, 0-9, _ and -, such as id: seaview", p.ID)
	}
	zone, err := time.LoadLocation(p.Timezone)
	switch {
	case p.Timezone == "" || p.Timezone == "Local":
		c.add("property.timezone", "property.timezone is missing; write the hotel's IANA zone, such as timezone: Europe/Lisbon")
		zone = time.UTC
	case err != nil:
		c.add("property.timezone", "unknown time zone %q; write an IANA name, such as timezone: Europe/Lisbon", p.Timezone)
		zone = time.UTC
	}
	l.Zone = zone
	if _, err := language.Parse(p.Language); err != nil {
		c.add("property.language", "unknown language %q; write a BCP 47 tag, such as en or pt-PT", p.Language)
	}
	l.CheckInAt = c.hour("property.check_in", p.CheckIn)
	l.CheckOutAt = c.hour("property.check_out", p.CheckOut)
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, l.Log.Level) {
		c.add("log.level", "log level %q is not one of debug, info, warn, error", l.Log.Level)
	}
	host, _, err := net.SplitHostPort(l.Status.Listen)
	if err != nil {
		c.add("status.listen", "status.listen %q must be an address and a port, such as 127.0.0.1:8080", l.Status.Listen)
	} else if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		c.add("status.listen", "status.listen %q is open to the network without a password; listen on 127.0.0.1 and reach it through ssh", l.Status.Listen)
	}
}

func (c *checker) hour(path, text string) time.Duration {
	t, err := time.Parse("15:04", text)
	if err != nil {
		c.add(path, "%s %q must be a local hour such as \"12:00\" (in quotes)", last(path), text)
	}
	return time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute
}

// links checks the PMS links.
func (c *checker) links(l *Loaded) {
	if len(l.PMS) == 0 && !c.faulty("pms") {
		c.add("pms", "no PMS link; add a pms: list with a name and a section such as inspire:")
	}
	seen := map[string]string{}
	for i := range l.PMS {
		link, path := &l.PMS[i], fmt.Sprintf("pms[%d]", i)
		c.named(seen, path, link.Name, "PMS link")
		if c.faulty(path) {
			continue
		}
		if link.Inspire == nil {
			c.add(path, "PMS link %q has no section; add inspire:", link.Name)
			continue
		}
		c.section(path+".inspire", link.Inspire.Problems())
	}
}

// devices checks the devices.
func (c *checker) devices(l *Loaded) {
	seen := map[string]string{}
	for i := range l.Devices {
		d, path := &l.Devices[i], fmt.Sprintf("devices[%d]", i)
		c.named(seen, path, d.Name, "device")
		if c.faulty(path) {
			continue
		}
		sections := 0
		for _, s := range []struct {
			kind     string
			there    bool
			problems func() iter.Seq2[string, string]
		}{
			{"keycard", d.Keycard != nil, d.Keycard.Problems},
			{"iptv", d.IPTV != nil, d.IPTV.Problems},
			{"wifi", d.WiFi != nil, d.WiFi.Problems},
		} {
			if s.there {
				sections++
				c.section(path+"."+s.kind, s.problems())
			}
		}
		if sections != 1 {
			c.add(path, "device %q must have exactly one section, keycard:, iptv: or wifi:, but has %d", d.Name, sections)
		}
		if d.Keycard != nil && d.Keycard.Port != "" {
			c.port(path+".keycard.port", d.Keycard.Port)
		}
	}
}

func (c *checker) named(seen map[string]string, path, given, what string) {
	switch first, twice := seen[given]; {
	case given == "":
		c.add(path, "this %s has no name; add name:", what)
	case !name.MatchString(given):
		c.add(path+".name", "%s name %q must be of a-z, 0-9, _ and -, at most 40", what, given)
	case twice:
		c.add(path+".name", "two %ss are called %q (the first at line %d); give one another name", what, given, c.at[first].GetToken().Position.Line)
	default:
		seen[given] = path + ".name"
	}
}

func (c *checker) section(path string, problems iter.Seq2[string, string]) {
	for at, message := range problems {
		c.add(join(path, at), "%s", message)
	}
}

// port reports a serial port that is not there now.
func (c *checker) port(path, port string) {
	if _, err := os.Stat(port); errors.Is(err, fs.ErrNotExist) {
		c.add(path, "no serial port %s; plug the adapter in, or choose one that \"ls /dev/serial/by-id\" shows", port).Warning = true
	}
}

// files makes the names of files absolute, and checks that each is there. A
// relative one is looked for among systemd's credentials first, then beside
// the property file.
func (c *checker) files(l *Loaded) {
	l.Store = beside(l.Path, l.Store)
	c.filesIn(reflect.ValueOf(&l.File).Elem(), l.Path, "")
}

func (c *checker) filesIn(v reflect.Value, file, path string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			c.filesIn(v.Elem(), file, path)
		}
	case reflect.Slice:
		for i := range v.Len() {
			c.filesIn(v.Index(i), file, fmt.Sprintf("%s[%d]", path, i))
		}
	case reflect.Struct:
		for i, f := range reflect.VisibleFields(v.Type()) {
			key := yamlName(f)
			if key == "" || len(f.Index) > 1 {
				continue
			}
			at := join(path, key)
			if strings.HasSuffix(key, "_file") && f.Type.Kind() == reflect.String {
				c.file1(v.Field(i), file, at)
				continue
			}
			c.filesIn(v.Field(i), file, at)
		}
	}
}

func (c *checker) file1(v reflect.Value, file, path string) {
	if v.String() == "" {
		return
	}
	full := v.String()
	if dir := os.Getenv("CREDENTIALS_DIRECTORY"); dir != "" && !filepath.IsAbs(full) {
		if _, err := os.Stat(filepath.Join(dir, full)); err == nil {
			full = filepath.Join(dir, full)
		}
	}
	full = beside(file, full)
	v.SetString(full)
	info, err := os.Stat(full)
	switch {
	case err != nil:
		c.add(path, "%s: there is no file %s; put the value into it (mode 0600), the property file names only the file", last(path), full)
	case info.IsDir():
		c.add(path, "%s: %s is a folder, not a file", last(path), full)
	case info.Size() == 0:
		c.add(path, "%s: the file %s is empty", last(path), full)
	}
}

func beside(file, name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	full, err := filepath.Abs(filepath.Join(filepath.Dir(file), name))
	if err != nil {
		return name
	}
	return full
}

// maxSecret bounds a secret file, in bytes.
const maxSecret = 64 << 10

// Secret reads a secret by the file name that a loaded property file gives.
func Secret(file string) (string, error) {
	info, err := os.Stat(file)
	if err != nil {
		return "", fmt.Errorf("there is no file %s", file)
	}
	if info.Size() > maxSecret {
		return "", fmt.Errorf("%s is too long for a secret", file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("%s cannot be read: %w", file, errors.Unwrap(err))
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// Actions are what a kind of device can be told.
func Actions(kind string) []drivers.Action {
	switch kind {
	case "keycard":
		return keycard.Actions()
	case "iptv":
		return iptv.Actions()
	case "wifi":
		return wifi.Actions()
	}
	return nil
}

// rules compiles the property's rules, or the table that ships.
func (c *checker) rules(l *Loaded) {
	if c.faulty("rules") {
		return
	}
	own := len(l.Rules) > 0
	table := l.Rules
	if !own {
		var err error
		if table, err = rules.Parse(rules.Default()); err != nil {
			c.add("rules", "the table that ships cannot be read: %v", err)
			return
		}
	}
	var devices []rules.Device
	var encoders []string
	for i := range l.Devices {
		d := &l.Devices[i]
		kind := d.Kind()
		if kind == "" {
			kind = c.kindInFile(i)
		}
		devices = append(devices, rules.Device{Name: d.Name, Kind: kind, Actions: Actions(kind)})
		if kind == "keycard" {
			encoders = append(encoders, d.Name)
		}
	}
	desk := c.desk(l, encoders, own)
	compiled, problems := rules.Compile(table, devices, desk, rules.Options{RoomTypes: l.Property.RoomTypes})
	for _, p := range problems {
		c.add("rules"+p.Path, "%s", p.Message).Warning = p.Warning
	}
	l.Table = compiled
}

// kindInFile finds the kind of a device whose section could not be decoded.
func (c *checker) kindInFile(i int) string {
	for _, kind := range []string{"keycard", "iptv", "wifi"} {
		if _, ok := c.at[fmt.Sprintf("devices[%d].%s", i, kind)]; ok {
			return kind
		}
	}
	return ""
}

// desk is the encoder at the front desk.
func (c *checker) desk(l *Loaded, encoders []string, own bool) string {
	desk := l.Property.Desk
	switch {
	case desk != "" && !slices.Contains(encoders, desk):
		c.add("property.desk", "property.desk names %q, which is no keycard device; %s", desk, didYouMean(desk, encoders))
	case desk == "" && len(encoders) == 1:
		return encoders[0]
	case desk == "" && len(encoders) > 1 && !own:
		c.add("property.desk", "there are %d encoders (%s); say which stands at the front desk, such as desk: %s",
			len(encoders), strings.Join(encoders, ", "), encoders[0])
	}
	return desk
}
