package wifi

import (
	"time"

	"edgeagent/hwsim/omadasim"
)

const (
	simOmadaID   = "beed48c7a2b0ea97c9698408843119f3"
	omadaCreates = "POST /openapi/v1/" + simOmadaID + "/sites/"
)

func startOmada(now func() time.Time) (world, Config, map[string]string, error) {
	return startOmadaOf(omadasim.Options{Now: now}, "")
}

func startOmadaVouchers(now func() time.Time) (world, Config, map[string]string, error) {
	return startOmadaOf(omadasim.Options{Now: now}, "vouchers")
}

func startOmadaOf(opts omadasim.Options, credentials string) (world, Config, map[string]string, error) {
	opts.ControllerID, opts.ClientID, opts.ClientSecret = simOmadaID, "client-Zq81", "secret-of-the-client-Zq81"
	sim, err := omadasim.Start(opts)
	section := Config{Controller: "omada", ControllerID: simOmadaID, ClientID: opts.ClientID, ClientSecretFile: "secret",
		Site: "Seaview", Credentials: credentials}
	return sim, section, map[string]string{"secret": opts.ClientSecret}, err
}
