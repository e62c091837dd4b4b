package hwsim

import (
	_ "embed"
	"strings"
)

//go:embed property.yaml
var propertySample string

// property is the property file of this hotel.
func (h *Hotel) property() string {
	broker := "broker: " + h.Broker.URL()
	if id := h.opt.Identity; id.CertFile != "" {
		broker += "\n      ca_file: " + id.CAFile + "\n      cert_file: " + id.CertFile + "\n      key_file: " + id.KeyFile
	} else {
		broker += "\n      username: agent\n      password_file: broker-password"
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
		"{{wifi}}", strings.Join(h.wifiSection, "\n      "),
		"{{annex_link}}", h.annexText(annexLink),
		"{{annex_encoder}}", h.annexText(annexEncoderEntry),
		"{{rules}}", rules,
	).Replace(propertySample)
}
