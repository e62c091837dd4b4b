package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"edgeagent/internal/config"
	"edgeagent/internal/password"
	"edgeagent/internal/web"
	"edgeagent/pms"
)

func pageCommand(path *string) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "page",
		Short: "Print a link that lets a browser operate",
		Long: `Page asks the agent that serves the property file for a link to its status page.
Whoever opens the link first, within a minute, may operate there: test devices,
try commands again, say what became of a card, see guests' names. Nobody needs a
password for that, since only who may open the control socket can ask.

From another computer, forward the port first: ssh -L 8080:127.0.0.1:8080 GATEWAY`,
		Example: "  edgeagent page --config /etc/edgeagent/property.yaml",
		Args:    noArgs,
	}
	output := outputFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		asJSON, err := output()
		if err != nil {
			return err
		}
		link, err := askAgent(cmd, *path, http.MethodPost, "/api/page")
		if err != nil {
			return err
		}
		return tellResult(asJSON, result{Done: "page", Text: strings.TrimSpace(string(link))})
	}
	return cmd
}

// openPage makes the status page and opens its address. A nil property file has
// the page where every page is at first.
func openPage(ctx context.Context, l *config.Loaded, log zerolog.Logger) (*web.Page, net.Listener, error) {
	page := &web.Page{Version: version(), Log: log, Closing: ctx.Done()}
	status := config.Status{Listen: "127.0.0.1:8080"}
	if l != nil {
		page.Property, status = l.Property.Name, l.Status
		if l.Zone != nil {
			page.Zone = l.Zone.String()
		}
	}
	var err error
	if page.Users, err = users(status.Users); err != nil {
		return nil, nil, err
	}
	page.Open, page.Secure = !status.Loopback(), status.TLS()
	certificate := &ownCertificate{cert: status.CertFile, key: status.KeyFile}
	if page.Secure {
		if _, err := certificate.get(nil); err != nil {
			return nil, nil, fmt.Errorf("the status page's certificate: %w", err)
		}
		page.Named = certificate.names
	}
	listener, err := net.Listen("tcp", status.Listen)
	if err != nil {
		return nil, nil, fmt.Errorf("status page: %w; is another edgeagent running, or does another program have the address of status.listen?", err)
	}
	page.Address = address(listener.Addr(), page.Secure, certificate)
	if page.Secure {
		listener = tls.NewListener(listener, &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}, GetCertificate: certificate.get})
	}
	return page, listener, nil
}

// address is how a browser finds the page: by a name that its certificate has, if
// there is one.
func address(at net.Addr, secure bool, c *ownCertificate) string {
	if !secure {
		return "http://" + at.String()
	}
	host, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return "https://" + at.String()
	}
	if name := c.name(); name != "" {
		host = name
	} else if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "localhost"
	}
	return "https://" + net.JoinHostPort(host, port)
}

// users reads what the users of the page prove themselves with.
func users(list []config.User) ([]web.User, error) {
	made := make([]web.User, 0, len(list))
	for _, u := range list {
		user := web.User{Name: u.Name, Operates: u.Role == "operate"}
		if u.PasswordFile != "" {
			line, err := config.Secret(u.PasswordFile)
			if err != nil {
				return nil, fmt.Errorf("user %s: %w", u.Name, err)
			}
			hash, err := password.Parse(line)
			if err != nil {
				return nil, fmt.Errorf("user %s: the password file %w", u.Name, err)
			}
			user.Password = &hash
		}
		if u.TokenFile != "" {
			token, err := config.Secret(u.TokenFile)
			if err != nil {
				return nil, fmt.Errorf("user %s: %w", u.Name, err)
			}
			user.Token = strings.TrimSpace(token)
		}
		made = append(made, user)
	}
	return made, nil
}

// rules explain events on the page as edgeagent explain does.
func (h *house) rules(l *config.Loaded) *web.Rules {
	return &web.Rules{
		Sample: func(kind string, fields []string) ([]pms.Event, error) { return sample(l, kind, fields, time.Now()) },
		Happened: func(id string) (pms.Event, error) {
			e, ok := h.agent.Happened(id)
			if !ok {
				return e, fmt.Errorf("the event %s is not among the last ones any more", id)
			}
			standIn(&e)
			return e, nil
		},
		Explain: h.agent.Explain,
	}
}
