package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"edgeagent/internal/ca"
)

func (f *caFlags) renewCommand() *cobra.Command {
	var within time.Duration
	var hosts []string
	cmd := &cobra.Command{
		Use:   "renew [NAME...]",
		Short: "Prolong certificates that end soon, or those named",
		Long: `Renew makes certificates anew for the keys that are there: those that end within
60 days (--within), or those named, such as agent or tv-101. The authority's own
is prolonged before it cuts the others short.

Bring each to where it is used. The broker takes them after systemctl reload
mosquitto, the agent at its next connection, or at once after a SIGHUP.`,
		Example: `  edgeagent ca renew
  edgeagent ca renew server --host broker.hotel.lan --host 192.0.2.6`,
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(hosts) > 0 && (len(names) != 1 || names[0] != "server") {
				return usageError{errors.New("--host is about the broker's certificate: edgeagent ca renew server --host ...")}
			}
			if err := dialable(hosts); err != nil {
				return err
			}
			t, err := f.teller(cmd.OutOrStdout())
			if err != nil {
				return err
			}
			a, err := ca.Open(f.folder(), time.Now())
			if err != nil {
				return err
			}
			return t.end(renew(t, a, names, hosts, within))
		},
	}
	cmd.Flags().DurationVar(&within, "within", 60*24*time.Hour, "how soon a certificate must end to be prolonged")
	cmd.Flags().StringSliceVar(&hosts, "host", nil, "the names and addresses of the broker from now on")
	return cmd
}

// renew prolongs what is named, or what ends soon: the authority first, since
// no certificate is good for longer than it is.
func renew(t *certTeller, a *ca.Authority, names, hosts []string, within time.Duration) error {
	var damage error
	if len(names) == 0 {
		var all []ca.Entry
		all, damage = a.List()
		for _, e := range all {
			ends := time.Until(e.Cert.NotAfter)
			if ends < within || (e.Cert.IsCA && ends < within+ca.LeafLife) {
				names = append(names, e.Name)
			}
		}
		if len(names) == 0 {
			t.say("no certificate ends within %d days\n", int(within.Hours()/24))
		}
	}
	for _, name := range names {
		cert, err := a.Renew(name, hosts...)
		if err != nil {
			return err
		}
		t.tell(ca.Entry{Name: name, Cert: cert})
		if cert.IsCA {
			t.say("bring ca.crt to the broker, the agent and the TVs, in any order: what the old one signed stays good\n")
		}
	}
	return damage
}

func (f *caFlags) listCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Short:   "List the certificates, and until when they are good",
		Long:    "List shows the certificates of the authority. It exits with 1 if one has ended or\nends within 30 days.",
		Example: "  edgeagent ca list",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := f.teller(cmd.OutOrStdout())
			if err != nil {
				return err
			}
			a, err := ca.Look(f.folder())
			if err != nil {
				return err
			}
			all, damage := a.List()
			soon := false
			for _, e := range all {
				t.tell(e)
				soon = soon || time.Until(e.Cert.NotAfter) < 30*24*time.Hour
			}
			if damage == nil && soon {
				damage = errors.New("a certificate has ended or ends within 30 days: run edgeagent ca renew")
			}
			return t.end(damage)
		},
	}
}

func (f *caFlags) aclCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "acl",
		Short: "Print the broker's access list",
		Long: `Acl prints the access list for Mosquitto that fits the property file: after init
it changes only with the prefix of the topics and with bridges.`,
		Example: "  edgeagent ca acl > /etc/mosquitto/edgeagent/acl",
		Args:    noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			t, err := f.teller(cmd.OutOrStdout())
			if err != nil {
				return err
			}
			site, err := f.site()
			switch {
			case err != nil:
				return err
			case t.asJSON:
				return writeJSON(t.out, result{Done: "ca acl", Text: site.cfg.AccessList(site.id)})
			}
			t.say("%s", site.cfg.AccessList(site.id))
			return nil
		},
	}
}

// tell prints one line about a certificate.
func tell(out io.Writer, e ca.Entry) {
	what := "user " + e.Cert.Subject.CommonName
	switch hosts := ca.Hosts(e.Cert); {
	case e.Cert.IsCA:
		what = e.Cert.Subject.CommonName
	case len(hosts) > 0:
		what = strings.Join(hosts, ", ")
	}
	note := ""
	switch left := time.Until(e.Cert.NotAfter); {
	case left <= 0:
		note = ", ended"
	case left < 30*24*time.Hour:
		note = fmt.Sprintf(", in %d days", int(left.Hours()/24))
	}
	fmt.Fprintf(out, "%-24s until %s%s  %s\n", e.Name, e.Cert.NotAfter.UTC().Format(time.DateOnly), note, what)
}
