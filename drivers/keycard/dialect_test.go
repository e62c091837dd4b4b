package keycard

// dialects are the changes that make a section one of each protocol.
var dialects = map[string]func(*Config){
	"salto": func(*Config) {},
	"onity": func(c *Config) { c.Protocol = "onity" },
	"vingcard": func(c *Config) {
		c.Protocol, c.Authorisations = "vingcard", nil
		c.VingCard = &VingCard{UserType: "Single Room", UserGroup: "Guest"}
	},
}

func yes() *bool {
	on := true
	return &on
}
