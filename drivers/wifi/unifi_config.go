package wifi

import (
	"fmt"
	"iter"
	"regexp"
)

var unifiSite = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// unifiSources says where the secrets come from.
var unifiSources = map[string]string{
	"api_key_file":  "make a key under Network, Integrations and write the name of the file that holds it",
	"password_file": "write the name of the file that holds the password of user",
}

// byPassword reports whether the section logs in as an administrator.
func (c *Config) byPassword() bool { return c.User != "" || c.PasswordFile != "" }

func unifiProblems(c *Config) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		if c.Site != "" && !unifiSite.MatchString(c.Site) &&
			!yield("site", fmt.Sprintf("%q is not a site's internal name: write the one in the address bar of the controller's pages, such as default", c.Site)) {
			return
		}
		switch {
		case c.APIKeyFile != "" && c.byPassword():
			yield("api_key_file", "write either api_key_file, or user and password_file: remove the others")
		case c.APIKeyFile == "" && !c.byPassword():
			yield("api_key_file", "api_key_file is missing: "+unifiSources["api_key_file"]+"; a software controller has no keys: write user and password_file instead")
		case c.byPassword() && c.User == "":
			yield("user", "user is missing: write the name of a local administrator to whom password_file belongs")
		case c.byPassword() && c.PasswordFile == "":
			yield("password_file", "password_file is missing: "+unifiSources["password_file"])
		}
	}
}
