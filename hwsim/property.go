package hwsim

import (
	_ "embed"
	"strings"
	"time"

	"edgeagent/hwsim/locksim"
)

//go:embed property.yaml
var propertySample string

// HandWait is how long an encoder asks for a card that a person puts in.
const HandWait = 20 * time.Second

// line says in the property file where an encoder is.
func (h *Hotel) line(port *locksim.Port) string {
	if h.opt.TCP {
		return "address: " + port.Name()
	}
	return "port: " + port.Name()
}

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
	result := "3s"
	if h.opt.ByHand {
		result = (HandWait + 10*time.Second).String()
	}
	// The annex's part has blanks of its own.
	text := strings.NewReplacer(
		"{{annex_link}}", h.annexText(annexLink),
		"{{annex_encoder}}", h.annexText(annexEncoderEntry),
	).Replace(propertySample)
	return strings.NewReplacer(
		"{{t_result}}", result,
		"{{status}}", h.status,
		"{{token_url}}", h.PMS.TokenURL(),
		"{{stream_url}}", h.PMS.StreamURL(),
		"{{line}}", h.line(h.Encoder),
		"{{broker}}", broker,
		"{{wifi}}", strings.Join(h.wifiSection, "\n      "),
		"{{rules}}", rules,
	).Replace(text)
}
