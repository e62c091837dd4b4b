package wifi

import (
	"time"

	"edgeagent/hwsim/console"
	"edgeagent/hwsim/nomadixsim"
)

func startNomadix(credentials string) func(now func() time.Time) (world, Config, map[string]string, error) {
	return func(now func() time.Time) (world, Config, map[string]string, error) {
		sim, err := nomadixsim.Start(nomadixsim.Options{User: "agent", Password: "sim-word-Zq81", Now: now, Newer: credentials != ""})
		return sim, Config{Controller: "nomadix", User: "agent", PasswordFile: "word", Credentials: credentials},
			map[string]string{"word": "sim-word-Zq81"}, err
	}
}

// nomadixAccount tells whose an account is that carries no marker: the newer
// commands have no place for one.
func nomadixAccount(s *stage, key string, a console.Access) bool {
	n := s.drv.ctl.(*nomadix)
	name := n.name(n.wanted, Stay{Key: key})
	return a.User == name || a.User == "" && a.Code == name
}
