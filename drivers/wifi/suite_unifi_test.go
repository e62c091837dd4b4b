package wifi

import (
	"time"

	"edgeagent/hwsim/unifisim"
)

// suiteProducts lists every product under the suite.
var suiteProducts = []suiteProduct{
	{name: "omada", start: startOmada, create: omadaCreates, least: 1},
	{name: "omada-vouchers", start: startOmadaVouchers, create: omadaCreates, least: 2},
	{name: "unifi", start: startUnifi, create: "POST /proxy/network/integration/v1/sites/", least: 2},
}

func startUnifi(now func() time.Time) (world, Config, map[string]string, error) {
	sim, err := unifisim.Start(unifisim.Options{APIKey: "sim-key-Zq81", Now: now})
	return sim, Config{Controller: "unifi", APIKeyFile: "key"}, map[string]string{"key": "sim-key-Zq81"}, err
}
