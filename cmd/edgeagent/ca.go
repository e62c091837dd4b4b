package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"regexp"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/drivers/iptv"
	"edgeagent/internal/ca"
	"edgeagent/internal/config"
)

// brokerFolder is where the broker has its files, unless told otherwise.
const brokerFolder = "/etc/mosquitto/edgeagent"

// caFolder is the folder of the authority, beside the property file.
const caFolder = "tv-ca"

// caFlags are those of all the verbs below ca.
type caFlags struct {
	config *string
	dir    string
	device string
	output func() (asJSON bool, err error)
}

// teller is what a verb below ca tells by.
func (f *caFlags) teller(out io.Writer) (*certTeller, error) {
	asJSON, err := f.output()
	return &certTeller{out: out, asJSON: asJSON}, err
}

func caCommand(config *string) *cobra.Command {
	f := &caFlags{config: config}
	cmd := &cobra.Command{
		Use:   "ca",
		Short: "Make certificates for the TVs' broker, in a hotel that has no CA",
		Long: `Ca keeps a small certificate authority in a folder: for the MQTT broker, for the
agent, and for each room or TV, whose user name at the broker is its room key.
With them go an access list and the listener for Mosquitto. docs/tv-broker.md
says where each file belongs.

A key is written once and never over. Certificates are good for two years, the
authority for ten; renew prolongs them for the same keys.`,
		Example: `  edgeagent ca init --host broker.hotel.lan --host 192.0.2.5
  edgeagent ca tv 101 102 103
  edgeagent ca list
  edgeagent ca renew`,
		RunE: func(ca *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownVerb(ca, args[0])
			}
			return usageError{errors.New("say what to do: init, tv, renew, list or acl")}
		},
	}
	cmd.SuggestionsMinimumDistance = 2
	cmd.PersistentFlags().StringVar(&f.dir, "dir", "", "the folder of the authority (default tv-ca beside the property file)")
	f.output = persistentOutputFlag(cmd)
	cmd.PersistentFlags().StringVar(&f.device, "device", "", "the TVs of the property file that it is for, if there are several")
	cmd.AddCommand(f.initCommand(), f.tvCommand(), f.renewCommand(), f.listCommand(), f.aclCommand())
	return cmd
}

// site is what a property file says of the TVs' broker.
type tvSite struct {
	id, name string
	cfg      iptv.Config
}

// site reads no more of the property file than it needs: the certificates that
// the file names may be the ones to be made. But that much is held to the rules.
func (f *caFlags) site() (tvSite, error) {
	file, err := config.Peek(*f.config)
	if err != nil {
		return tvSite{}, err
	}
	var found *config.Device
	for i := range file.Devices {
		d := &file.Devices[i]
		switch {
		case d.IPTV == nil || (f.device != "" && d.Name != f.device):
		case found != nil:
			return tvSite{}, usageError{fmt.Errorf("the property file has several brokers of TVs: name one with --device, such as %s or %s", found.Name, d.Name)}
		default:
			found = d
		}
	}
	switch {
	case found == nil && f.device != "":
		return tvSite{}, usageError{fmt.Errorf("the property file has no TVs called %q", f.device)}
	case found == nil:
		return tvSite{}, errors.New("the property file has no TVs: write a device with an iptv section first")
	case file.Property.ID == "":
		return tvSite{}, errors.New("the property file has no property.id, which stands in every topic: write it first")
	case !config.IsSlug(file.Property.ID):
		return tvSite{}, fmt.Errorf("property.id %q cannot stand in a topic or an access list: use 1 to 64 of a-z, 0-9, - and _", file.Property.ID)
	}
	// What stands here becomes the access list and the names in certificates.
	for path, problem := range found.IPTV.Problems() {
		return tvSite{}, fmt.Errorf("the TVs %s of the property file: %s: %s", found.Name, path, problem)
	}
	return tvSite{id: file.Property.ID, name: cmp.Or(file.Property.Name, file.Property.ID), cfg: *found.IPTV}, nil
}

func (f *caFlags) folder() string {
	return cmp.Or(f.dir, filepath.Join(filepath.Dir(*f.config), caFolder))
}

func (f *caFlags) initCommand() *cobra.Command {
	var hosts []string
	var folder string
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the authority, with certificates for the broker and the agent",
		Long: `Init makes the authority in a new folder, the certificates of the broker and of
the agent, the access list (acl) and the listener (mosquitto.conf).

The broker's certificate lists the names and addresses by which TVs and agent
reach it: those of --host, or the one in the property file.`,
		Example: "  edgeagent ca init --host broker.hotel.lan --host 192.0.2.5",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := f.teller(cmd.OutOrStdout())
			if err != nil {
				return err
			}
			site, err := f.site()
			if err != nil {
				return err
			}
			u, err := url.Parse(site.cfg.Broker)
			if err != nil {
				return err
			}
			if len(hosts) == 0 {
				hosts = []string{u.Hostname()}
			}
			if err := dialable(hosts); err != nil {
				return err
			}
			return t.end(found(t, f.folder(), site, hosts, folder, cmp.Or(u.Port(), "8883")))
		},
	}
	cmd.Flags().StringSliceVar(&hosts, "host", nil, "a name or address of the broker; may be given several times")
	cmd.Flags().StringVar(&folder, "broker-dir", brokerFolder, "where the broker will have its files")
	return cmd
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$`)

// dialable refuses what no client could dial.
func dialable(hosts []string) error {
	for _, host := range hosts {
		if net.ParseIP(host) == nil && !hostName.MatchString(host) {
			return usageError{fmt.Errorf("--host %q is no name and no address: write it like broker.hotel.lan or 192.0.2.5", host)}
		}
	}
	return nil
}

// found makes an authority and all that does not depend on rooms.
func found(t *certTeller, dir string, site tvSite, hosts []string, brokerDir, port string) error {
	a, err := ca.Init(dir, site.name, time.Now())
	// One that was cut short is completed: nothing else would ever do that.
	if begun, looking := ca.Look(dir); err != nil && looking == nil && !(begun.Has("server") && begun.Has(iptv.AgentUser)) {
		a, err = ca.Open(dir, time.Now())
	}
	if err != nil {
		return err
	}
	t.tell(ca.Entry{Name: "ca", Cert: a.Root()})
	for _, leaf := range []ca.Leaf{{Name: "server", User: "broker", Hosts: hosts}, {Name: iptv.AgentUser, User: iptv.AgentUser}} {
		if a.Has(leaf.Name) {
			continue
		}
		cert, err := a.Issue(leaf)
		if err != nil {
			return err
		}
		t.tell(ca.Entry{Name: leaf.Name, Cert: cert})
	}
	if err := a.Put("acl", []byte(site.cfg.AccessList(site.id)), 0o600); err != nil {
		return err
	}
	if err := a.Put("mosquitto.conf", []byte(iptv.ListenerSettings(site.id, brokerDir, port)), 0o600); err != nil {
		return err
	}
	t.say(`
All of it is in %s, with acl and mosquitto.conf for the broker. Next:
  edgeagent ca tv 101 102 ...     a certificate for each room
  docs/tv-broker.md               where each file belongs
Keep a copy of ca.key elsewhere: without it nothing can be prolonged.
`, dir)
	return nil
}

func (f *caFlags) tvCommand() *cobra.Command {
	sets := 0
	cmd := &cobra.Command{
		Use:   "tv ROOM...",
		Short: "Make a certificate for the TVs of each room",
		Long: `Tv makes a certificate for each room, whose user name at the broker is the room
key. Rooms are written as the PMS does; a room with several room keys in the
property file gets one for each. With --sets every set gets its own, so that one
that is lost can be replaced alone.

A room that has one already is left alone.`,
		Example: `  edgeagent ca tv 101 102 103
  edgeagent ca tv --sets 2 501`,
		RunE: func(cmd *cobra.Command, rooms []string) error {
			if len(rooms) == 0 {
				return usageError{errors.New("name at least one room, such as edgeagent ca tv 101")}
			}
			if sets < 0 || sets > 16 {
				return usageError{fmt.Errorf("--sets %d is out of range: 1 to 16", sets)}
			}
			t, err := f.teller(cmd.OutOrStdout())
			if err != nil {
				return err
			}
			site, err := f.site()
			if err != nil {
				return err
			}
			a, err := ca.Open(f.folder(), time.Now())
			if err != nil {
				return err
			}
			for _, room := range rooms {
				for _, key := range site.cfg.RoomKeys(room) {
					if err := issueRoom(t, a, key, sets); err != nil {
						return t.end(err)
					}
				}
			}
			return t.end(nil)
		},
	}
	cmd.Flags().IntVar(&sets, "sets", 0, "how many sets of a room get a certificate of their own; 0: one for all")
	return cmd
}

func issueRoom(t *certTeller, a *ca.Authority, key string, sets int) error {
	names := []string{"tv-" + key}
	if sets > 0 {
		names = nil
		for n := range sets {
			names = append(names, fmt.Sprintf("tv-%s.%d", key, n+1)) // no room key has a dot
		}
	}
	for _, name := range names {
		if a.Has(name) {
			t.there(name)
			continue
		}
		cert, err := a.Issue(ca.Leaf{Name: name, User: key})
		if err != nil {
			return err
		}
		t.tell(ca.Entry{Name: name, Cert: cert})
	}
	return nil
}
