package wifi

import (
	"time"

	"edgeagent/hwsim/mikrotiksim"
)

func startMikrotik(now func() time.Time) (world, Config, map[string]string, error) {
	return startRouter(mikrotiksim.Options{Now: now})
}

// startRouter starts one whose profiles are as the tiers want them.
func startRouter(opts mikrotiksim.Options) (world, Config, map[string]string, error) {
	opts.Password = "router-word-Kq93"
	if opts.Profiles == nil {
		opts.Profiles = []mikrotiksim.Profile{
			{Name: "guest", DownKbps: 20_000, UpKbps: 5_000, SharedUsers: 5},
			{Name: "guest-suite", DownKbps: 90_000, UpKbps: 40_000, SharedUsers: 5},
		}
	}
	sim, err := mikrotiksim.Start(opts)
	return sim, Config{Controller: "mikrotik", User: "edgeagent", PasswordFile: "router", Tiers: map[string]Tier{
		"standard": {DownKbps: 20_000, UpKbps: 5_000, Profile: "guest"},
		"suite":    {DownKbps: 90_000, UpKbps: 40_000, Profile: "guest-suite", DataMB: 5000},
	}}, map[string]string{"router": opts.Password}, err
}
