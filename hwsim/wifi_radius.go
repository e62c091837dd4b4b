package hwsim

import "edgeagent/hwsim/radiussim"

// startRadius starts a real FreeRADIUS on a real database of a kind; only the
// hotspot is simulated.
func startRadius(kind string) func(*Hotel) (WiFi, []string, map[string]string, error) {
	return func(*Hotel) (WiFi, []string, map[string]string, error) {
		site, err := radiussim.OpenSite(kind)
		if err != nil {
			return nil, nil, nil, err
		}
		return site, []string{
			"controller: radius",
			"radius:",
			"  database:",
			"    kind: " + kind,
			"    address: " + site.Proxy.Addr(),
			"    name: " + site.Server.Name(),
			"    user: " + radiussim.AgentUser,
			"    password_file: radius-database-password",
			"  nas:",
			"    - address: " + site.NAS.Addr(),
			"      secret_file: radius-nas-secret",
		}, map[string]string{"radius-database-password": radiussim.AgentPassword, "radius-nas-secret": radiussim.OrderSecret}, nil
	}
}
