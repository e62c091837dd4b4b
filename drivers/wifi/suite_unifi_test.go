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
	{name: "unifi", start: startUnifi, create: "POST /proxy/network/integration/v1/sites/", least: 2},
}

func startUnifi(now func() time.Time) (world, Config, map[string]string, error) {
	sim, err := unifisim.Start(unifisim.Options{APIKey: "sim-key-Zq81", Now: now})
	return sim, Config{Controller: "unifi", APIKeyFile: "key"}, map[string]string{"key": "sim-key-Zq81"}, err
}
