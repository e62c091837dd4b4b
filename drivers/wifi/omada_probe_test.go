package wifi

import (
	"strings"
	"testing"

	"edgeagent/hwsim/omadasim"

	"github.com/google/go-cmp/cmp"
)

func TestOmadaProbe(t *testing.T) {
	lobby := omadasim.Portal{Name: "Lobby", Enabled: true, Types: []int{3}}
	rooms := omadasim.Portal{Name: "Rooms", Enabled: true, Types: []int{5}}
	off := omadasim.Portal{Name: "Pool", Types: []int{3, 5}}
	splash := omadasim.Portal{Name: "Splash", Enabled: true}
	for _, test := range []struct {
		name        string
		opts        omadasim.Options
		credentials string
		change      func(*Config)
		say         int
		match       string
		want        string // what follows host and all; "" for success
	}{
		{name: "good"},
		{name: "good vouchers", credentials: "vouchers"},
		{name: "the right portal by name", opts: omadasim.Options{Portals: []omadasim.Portal{splash, off, lobby, rooms}}, change: func(c *Config) { c.Portals = []string{"Rooms"} }},
		{name: "the only site", change: func(c *Config) { c.Site = "" }},
		{name: "version 4", opts: omadasim.Options{Version: "4.4.6"}, want: "Omada 4.4.6 has no Open API: update the controller to version 5 or later"},
		{name: "another controller", change: func(c *Config) { c.ControllerID = "0123" },
			want: "the controller's Omada ID is " + simOmadaID + ": write it into controller_id, or correct url"},
		{name: "no such site", change: func(c *Config) { c.Site = "Hillview" },
			want: `HOST has no site "Hillview" for this client: write the name as the controller's pages show it, or add the site to the client's privileges`},
		{name: "which site", opts: omadasim.Options{Sites: []string{"Seaview", "Hillview"}}, change: func(c *Config) { c.Site = "" },
			want: "HOST has 2 sites for this client: write the name of the hotel's into site"},
		{name: "no such portal", change: func(c *Config) { c.Portals = []string{"Guests", "Rooms"} },
			want: `the site has no portal "Rooms": correct portals, or leave it out for all`},
		{name: "a portal of another kind", opts: omadasim.Options{Portals: []omadasim.Portal{lobby, rooms}}, change: func(c *Config) { c.Portals = []string{"Lobby"} },
			want: `portal "Lobby" does not take these credentials: enable it, with the authentication type Hotspot and Local User among its types`},
		{name: "a portal that is off", opts: omadasim.Options{Portals: []omadasim.Portal{off, rooms}}, credentials: "vouchers", change: func(c *Config) { c.Portals = []string{"Pool"} },
			want: `portal "Pool" does not take these credentials: enable it, with the authentication type Hotspot and Voucher among its types`},
		{name: "no portal at all", opts: omadasim.Options{Portals: []omadasim.Portal{lobby, off, splash}},
			want: "no portal takes these credentials: make one of the authentication type Hotspot, with Local User among its types, and enable it"},
		{name: "no right", say: -1505, match: "/localusers",
			want: "read /hotspot/localusers: HOST: the controller answered 200 -1505: the client has no right on this site: add the site to its privileges"},
		{name: "no version page", say: -1, match: "/api/info"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, sim := newOmadaStage(t, test.opts, test.credentials)
			if test.change != nil {
				test.change(&s.section)
			}
			s.restart()
			sim.Say(test.say, test.match)
			report, err := s.drv.Report(t.Context())
			if test.want == "" {
				if err != nil || report.Product != "TP-Link Omada" || report.Version == "" && test.match == "" {
					t.Errorf("%+v, %v", report, err)
				}
				return
			}
			s.failure(err, "down")
			host := strings.TrimPrefix(s.URL(), "https://")
			if diff := cmp.Diff("guest-wifi: "+test.want, strings.Replace(err.Error(), host, "HOST", 1)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Portals are named by people and written by id; one that is made anew has another.
func TestOmadaPortals(t *testing.T) {
	for _, credentials := range []string{"users", "vouchers"} {
		portals := []omadasim.Portal{{Name: "Lobby", Enabled: true, Types: []int{3, 5}}, {Name: "Office", Enabled: true}}
		s, sim := newOmadaStage(t, omadasim.Options{Portals: portals}, credentials)
		s.section.Portals = []string{"Lobby"}
		s.restart()
		s.joins(mac1, s.must(ensure(keyA, tomorrow)))
		for _, call := range s.omadaCalls() {
			if strings.HasPrefix(call, "POST SITE") && !strings.Contains(call, `"applyToAllPortals":false`) {
				t.Error(call)
			}
		}
		sim.Say(-42037, "POST /openapi/v1/")
		_, err := s.try(ensure(keyB, tomorrow))
		s.failure(err, "retry")
		sim.Say(0, "")
		s.ForgetRequests()
		s.must(ensure(keyB, tomorrow))
		if calls := s.omadaCalls(); calls[0] != "GET SITE/portals" {
			t.Errorf("the portals were not looked up again: %v", calls)
		}
		s.section.Portals = []string{"Terrace"}
		s.restart()
		_, err = s.try(ensure(keyC, tomorrow))
		s.failure(err, "down")
	}
}

func TestOmadaProblems(t *testing.T) {
	good := func() Config {
		return Config{Controller: "omada", URL: "https://10.0.0.2:8043", ControllerID: simOmadaID, ClientID: "c", ClientSecretFile: "s", TLS: TLS{PinSHA256: goodPin}}
	}
	for _, test := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"none", func(c *Config) { c.Site, c.Credentials, c.Portals = "Sea View", "vouchers", []string{"Lobby", "Rooms"} }, nil},
		{"empty", func(c *Config) { *c = Config{Controller: "omada", TLS: c.TLS} }, []string{
			"controller_id: controller_id is missing: write the Omada ID that the page of the Open API client shows",
			"client_id: client_id is missing: make a client under Settings, Platform Integration, Open API, in the mode client credentials",
			"client_secret_file: client_secret_file is missing: write the name of the file that holds the client's secret",
			"url: url is missing: write the controller's address, such as https://192.168.1.2:8043",
		}},
		{"another's keys", func(c *Config) { c.APIKeyFile, c.Zones = "k", []int{1} }, []string{
			"api_key_file: api_key_file is not for TP-Link Omada: remove the line",
			"zones: zones is not for TP-Link Omada: remove the line",
		}},
		{"slips", func(c *Config) {
			c.Credentials, c.ControllerID, c.Site, c.Portals = "codes", "../x", strings.Repeat("s", 65), []string{"Lobby", ""}
		}, []string{
			`credentials: "codes" is neither users, which can be extended, nor vouchers`,
			"controller_id: not an Omada ID: write the one that the page of the Open API client shows",
			"site: longer than the 64 characters of a site's name",
			"portals: one of the names is empty: write those of the controller's Portal page",
		}},
		{"too many devices for a voucher", func(c *Config) { c.Credentials, c.DevicesPerGuest = "vouchers", 1000 }, []string{
			"devices_per_guest: 1000 is out of range: a voucher takes 1 to 999",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			cfg := good()
			test.change(&cfg)
			var got []string
			for path, problem := range cfg.Problems() {
				got = append(got, path+": "+problem)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for range cfg.Problems() { // a reader may stop at the first
				break
			}
		})
	}
}

func FuzzReadOmada(f *testing.F) {
	for _, seed := range []string{
		`{"errorCode":0,"msg":"Success.","result":{"totalRows":1,"data":[{"siteId":"640effd1b3f2ae5b912275ec","name":"Seaview"}]}}`,
		`{"errorCode":-42013,"msg":"Local user exists, its password is 2345abcd"}`,
		`{"errorCode":"0"}`, `{"msg":"Success."}`, `{"errorCode":0}`, `{"errorCode":1e99}`, `[]`, `{"errorCode":`, ``,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var page struct {
			Data []omadaUser `json:"data"`
		}
		code, err := readOmada(strings.NewReader(text), &page)
		if err != nil && code != 0 || len(page.Data) > len(text) {
			t.Errorf("code %d beside %v, %d entries", code, err, len(page.Data))
		}
		if err != nil && len(text) > 12 && strings.Contains(unreadable(err).Error(), text) {
			t.Errorf("the error quotes the answer: %v", unreadable(err))
		}
		if shown := omadaCodeText(code); len(strings.Trim(shown, "andukowce ")) > 6 {
			t.Errorf("%q shows more than a code", shown)
		}
	})
}
