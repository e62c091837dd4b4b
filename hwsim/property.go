package hwsim

import (
	_ "embed"
	"strings"
)

//go:embed property.yaml
var propertySample string

// property is the property file of this hotel.
func (h *Hotel) property() string {
	var broker string
	if b := h.opt.Broker; b != nil {
		broker = "broker: " + b.URL + "\n      ca_file: " + b.CAFile + "\n      cert_file: " + b.CertFile + "\n      key_file: " + b.KeyFile
	} else {
		broker = "broker: " + h.Broker.URL() + "\n      username: agent\n      password_file: broker-password"
	}
	rules := ""
	if h.opt.Rules != "" {
		rules = strings.TrimRight(h.opt.Rules, "\n") + "\n"
	}
	return strings.NewReplacer(
		"{{status}}", h.status,
		"{{token_url}}", h.PMS.TokenURL(),
		"{{stream_url}}", h.PMS.StreamURL(),
		"{{port}}", h.Encoder.Name(),
		"{{broker}}", broker,
		"{{wifi_url}}", h.WiFi.URL(),
		"{{wifi_pin}}", h.WiFi.Fingerprint(),
		"{{rules}}", rules,
	).Replace(propertySample)
}
