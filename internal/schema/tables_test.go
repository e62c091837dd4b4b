package schema

// What no type says: which words a key takes, which keys a section needs. A test
// holds each line to what check says.

// enums are the words that a key takes.
var enums = map[string][]string{
	"internal/config.Log.level":           {"debug", "info", "warn", "error"},
	"pms/inspire.Config.dialect":          {"inspire", "ohip"},
	"pms/inspire.Config.grant_type":       {"client_credentials", "password"},
	"pms/inspire.Config.key_mode":         {"base64", "base64url", "sha256hex", "literal"},
	"pms/inspire.Config.from_offset_type": {"number", "string"},
	"pms/inspire.Config.bootstrap":        {"live", "zero"},
	"pms/inspire.Config.rotate":           {"auto", "never"},
	"pms/inspire.Config.chain_scope":      {"single_property", "shared"},
	"pms/mews.Config.close_old_as":        {"cancelled", "error"},
	"drivers/keycard.Config.protocol":     {"salto", "onity", "vingcard", "pn532"},
	"drivers/keycard.Config.eject":        {"eject", "rear", "retain"},
	"drivers/keycard.PN532.overwrite":     {"ours", "any"},
	"drivers/keycard/panel.Lamp.active":   {"high", "low"},
	"drivers/keycard/panel.Buzzer.active": {"high", "low"},
	"drivers/keycard/panel.Relay.active":  {"high", "low"},

	"drivers/keycard/panel.CardSwitch.active": {"high", "low"},
	"drivers/keycard/panel.CardSwitch.pull":   {"up", "down", "none"},

	"drivers/iptv.BridgeMessage.on":          {"state", "welcome", "clear", "message"},
	"drivers/iptv.Config.name_style":         {"full", "title_last", "first", "none"},
	"drivers/wifi.Config.controller":         {"mikrotik", "nomadix", "omada", "opnsense", "radius", "unifi"},
	"drivers/wifi.RadiusDatabase.kind":       {"mysql", "postgres"},
	"drivers/wifi.RadiusNAS.session_timeout": {"start", "now"},
	"rules.Step.kind":                        {"keycard", "iptv", "wifi"},
}

// required are the keys that a section cannot do without.
var required = map[string][]string{
	"internal/config.File":             {"property", "pms"},
	"internal/config.Property":         {"id", "timezone"},
	"internal/config.PMS":              {"name"},
	"internal/config.Device":           {"name"},
	"pms/inspire.Config":               {"chain_code", "client_id", "client_secret_file", "app_key_file"},
	"pms/mews.Config":                  {"client_token_file", "access_token_file"},
	"pms/mews.Cutter":                  {"mews", "device"},
	"drivers/keycard.PN532":            {"signing_key_file"},
	"drivers/keycard.VingCard":         {"user_type"},
	"drivers/keycard/panel.Lamp":       {"line"},
	"drivers/keycard/panel.Buzzer":     {"line"},
	"drivers/keycard/panel.CardSwitch": {"line"},
	"drivers/keycard/panel.Relay":      {"line"},
	"drivers/iptv.Config":              {"broker"},
	"drivers/iptv.BridgeMessage":       {"on", "topic"},
	"drivers/wifi.Config":              {"controller"},
	"drivers/wifi.Radius":              {"database"},
	"drivers/wifi.RadiusDatabase":      {"kind", "address"},
	"drivers/wifi.RadiusNAS":           {"address", "secret_file"},
	"rules.Rule":                       {"name", "when", "do"},
	"rules.Step":                       {"action"},
}

// exactlyOne are the keys of which a section has one, and no two.
var exactlyOne = map[string][]string{
	"internal/config.PMS":    {"inspire", "mews"},
	"internal/config.Device": {"keycard", "iptv", "wifi"},
	"rules.Step":             {"device", "kind"},
}
