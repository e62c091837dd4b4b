package wifi

import (
	"time"

	"edgeagent/hwsim/unifisim"
)

// suiteProducts lists every product under the suite.
var suiteProducts = []suiteProduct{
	{name: "mikrotik", start: startMikrotik, create: "PUT /rest/ip/hotspot/user", least: 2},
	{name: "nomadix", start: startNomadix(""), create: "POST /usg/command.xml USER_ADD", least: 2},
	{name: "nomadix codes", start: startNomadix("codes"), owns: nomadixAccount, create: "POST /usg/command.xml ACCESS_CODE_ADD", least: 2},
	{name: "nomadix groups", start: startNomadix("groups"), owns: nomadixAccount, create: "POST /usg/command.xml GROUP_ADD", least: 2},
	{name: "omada", start: startOmada, create: omadaCreates, least: 1},
	{name: "omada-vouchers", start: startOmadaVouchers, create: omadaCreates, least: 2},
	{name: "opnsense", start: startOpnsense, create: "POST /api/captiveportal/voucher/generate_vouchers/", least: 2},
	{name: "unifi", start: startUnifi, create: "POST /proxy/network/integration/v1/sites/", least: 2},
	{name: "unifi-classic", start: startUnifiBy(unifisim.Options{Classic: true}), create: "POST /api/s/default/cmd/hotspot", least: 3},
	// The suite restarts the driver more often than a gateway would.
	{name: "unifi-password", start: startUnifiBy(unifisim.Options{LogInsPerMinute: 1000}), create: "POST /proxy/network/api/s/default/cmd/hotspot", least: 3},
}

func startUnifi(now func() time.Time) (world, Config, map[string]string, error) {
	sim, err := unifisim.Start(unifisim.Options{APIKey: "sim-key-Zq81", Now: now})
	return sim, Config{Controller: "unifi", APIKeyFile: "key"}, map[string]string{"key": "sim-key-Zq81"}, err
}

// startUnifiBy starts a controller for user and password.
func startUnifiBy(opts unifisim.Options) func(func() time.Time) (world, Config, map[string]string, error) {
	return func(now func() time.Time) (world, Config, map[string]string, error) {
		opts := opts // cases run side by side
		opts.User, opts.Password, opts.Now = "edge-wifi", "sim-password-Uk27", now
		sim, err := unifisim.Start(opts)
		return sim, Config{Controller: "unifi", User: opts.User, PasswordFile: "password"}, map[string]string{"password": opts.Password}, err
	}
}
