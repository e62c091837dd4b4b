package inspire

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"
	"unicode"
)

// urlKey is the app key in the form that the stream's URL wants. It is raw in
// headers and messages; mixing the forms up is the usual cause of HTTP 400.
func urlKey(mode, appKey string) string {
	switch mode {
	case "base64url":
		return base64.URLEncoding.EncodeToString([]byte(appKey))
	case "sha256hex":
		sum := sha256.Sum256([]byte(appKey))
		return hex.EncodeToString(sum[:])
	case "literal":
		return appKey
	}
	return base64.StdEncoding.EncodeToString([]byte(appKey))
}

// endpoint parses a URL of the property file; without a path it gets the usual one.
func endpoint(address, usual string) (*url.URL, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("%q is not an address", address)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = usual
	}
	return u, nil
}

// streamAddress is the stream's URL with the key, properly escaped: base64 can
// hold a plus sign, which unescaped would arrive as a blank.
func streamAddress(c *Config, appKey string) (string, error) {
	u, err := endpoint(c.StreamURL, "/subscriptions")
	if err != nil {
		return "", fmt.Errorf("stream_url: %w", err)
	}
	u.RawQuery = url.Values{"key": {urlKey(c.KeyMode, appKey)}}.Encode()
	return u.String(), nil
}

// credentials are the secrets of one connection attempt, read afresh so that a
// changed file is taken without a restart.
type credentials struct {
	secret, appKey, password string
}

func (s *Source) credentials() (credentials, error) {
	var c credentials
	for _, f := range []struct {
		setting, file string
		into          *string
	}{
		{"client_secret_file", s.cfg.ClientSecretFile, &c.secret},
		{"app_key_file", s.cfg.AppKeyFile, &c.appKey},
		{"password_file", s.cfg.PasswordFile, &c.password},
	} {
		if f.file == "" {
			continue
		}
		text, err := s.deps.Secret(f.file)
		if err != nil {
			return c, fmt.Errorf("%s: %w", f.setting, err)
		}
		if *f.into = strings.TrimSpace(text); *f.into == "" {
			return c, fmt.Errorf("%s: %s is empty; put the value that the vendor gave into it", f.setting, f.file)
		}
	}
	if strings.ContainsFunc(c.appKey, func(r rune) bool { return r < 0x21 || r > 0x7e }) {
		return c, fmt.Errorf("app_key_file: %s holds blanks or other characters that no key has; put the raw key into it, on one line", s.cfg.AppKeyFile)
	}
	return c, nil
}

// redact takes every form of every secret out of a text that came from outside
// and cuts it to a line's length, so that it can be shown.
func (c credentials) redact(text, token string) string {
	var pairs []string
	for _, secret := range []string{c.secret, c.appKey, c.password, token} {
		if len(secret) < 4 {
			continue
		}
		forms := []string{secret}
		for _, mode := range []string{"base64", "base64url", "sha256hex"} {
			forms = append(forms, urlKey(mode, secret))
		}
		for _, form := range forms {
			pairs = append(pairs, form, "***", url.QueryEscape(form), "***")
		}
	}
	text = strings.NewReplacer(pairs...).Replace(text)
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return clip(strings.TrimSpace(text), 200)
}
