package iptv

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	paho "github.com/eclipse/paho.mqtt.golang"
	"github.com/eclipse/paho.mqtt.golang/packets"
)

// open makes the network connection. ctx ends an attempt at once when the
// driver halts, which the client's own dialing could not.
func (d *Driver) open(ctx context.Context, u *url.URL, secure *tls.Config) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.ConnectTimeout)
	defer cancel()
	switch u.Scheme {
	case "tls":
		return (&tls.Dialer{NetDialer: &net.Dialer{}, Config: secure}).DialContext(ctx, "tcp", u.Host)
	case "ws", "wss":
		return paho.NewWebsocket(u.String(), secure, d.cfg.ConnectTimeout, nil, &paho.WebsocketOptions{})
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
}

func (d *Driver) secret(field, file string) (string, error) {
	if d.site.Secret == nil {
		return "", fmt.Errorf("%s %s cannot be read: no secrets are set up", field, file)
	}
	text, err := d.site.Secret(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", field, err)
	}
	return text, nil
}

// explain says why a connection could not be made, in words that tell an
// installer where to look.
func (d *Driver) explain(err error) error {
	broker := d.cfg.Broker
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &authority):
		return fmt.Errorf("broker %s shows a certificate of an unknown authority: put the hotel's CA into ca_file", broker)
	case errors.As(err, &host):
		return fmt.Errorf("broker %s shows a certificate for another name: use a name or address that the certificate lists (%w)", broker, err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("broker %s shows a certificate that is expired or not valid yet: check it, and the gateway's clock", broker)
	case errors.Is(err, packets.ErrorRefusedBadUsernameOrPassword), errors.Is(err, packets.ErrorRefusedNotAuthorised):
		return fmt.Errorf("broker %s refuses user %q: check username, password_file or the certificate", broker, d.cfg.Username)
	case errors.Is(err, packets.ErrorRefusedIDRejected):
		return fmt.Errorf("broker %s refuses client id %q: set another client_id", broker, d.cfg.ClientID)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("broker %s does not answer within %s", broker, d.cfg.ConnectTimeout)
	}
	return fmt.Errorf("broker %s cannot be reached: %w", broker, err)
}

func upper(text string) string { return strings.ToUpper(strings.TrimSpace(text)) }
