package wifi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"

	"edgeagent/drivers"
)

// The ways a call of the Open API goes through, whatever it is about.

// readOmada reads the envelope that every answer comes in: a code, 0 for
// success, a message that is left alone, and with success a result.
func readOmada(r io.Reader, result any) (code int, err error) {
	var envelope struct {
		Code   *int            `json:"errorCode"`
		Result json.RawMessage `json:"result"`
	}
	if err := json.NewDecoder(r).Decode(&envelope); err != nil {
		return 0, err
	}
	if envelope.Code == nil {
		return 0, errors.New("no errorCode")
	}
	if *envelope.Code != 0 || result == nil {
		return *envelope.Code, nil
	}
	if len(envelope.Result) == 0 {
		return 0, errors.New("no result")
	}
	return 0, json.Unmarshal(envelope.Result, result)
}

// ask makes one request as it is. Its error is an answerError for a code other
// than 0, with whatever status it came.
func (o *omada) ask(ctx context.Context, r request, result any) error {
	code := 0
	r.decode = func(body io.Reader) (err error) {
		code, err = readOmada(body, result)
		return err
	}
	r.fault = func(body []byte) string {
		code, _ = readOmada(bytes.NewReader(body), nil) // not an envelope: the status says enough
		return ""
	}
	err := o.once(ctx, r)
	if err == nil && code != 0 {
		return &answerError{status: http.StatusOK, code: omadaCodeText(code)}
	}
	if answer, ok := errors.AsType[*answerError](err); ok {
		answer.code = omadaCodeText(code)
	}
	return err
}

// api makes a request with a token; one whose token is refused is made once
// more with another.
func (o *omada) api(ctx context.Context, r request, result any) error {
	r.path = "/openapi/v1/" + o.cfg.ControllerID + r.path
	for first := true; ; first = false {
		token, err := o.token(ctx)
		if err != nil {
			return o.classify(err)
		}
		err = o.ask(context.WithValue(ctx, tokenKey{}, token), r, result)
		answer, ok := errors.AsType[*answerError](err)
		if !first || !ok || answer.status != http.StatusUnauthorized && !omadaIs(err, omadaToken) {
			return o.classify(err)
		}
		if err := o.dropToken(ctx, token, omadaCodeOf(err) == omadaTokenExpired); err != nil {
			return o.classify(err)
		}
	}
}

// onSite makes a request about the hotel's site. The site's id may have changed
// when a controller was restored, so one that is not found is looked up anew
// next time.
func (o *omada) onSite(ctx context.Context, r request, result any) error {
	site, err := o.site(ctx)
	if err != nil {
		return err
	}
	r.path = "/sites/" + site + r.path
	err = o.api(ctx, r, result)
	if omadaCodeOf(err) == omadaNoSite {
		o.mu.Lock()
		o.siteID, o.portals = "", nil
		o.mu.Unlock()
	}
	return err
}

const (
	omadaPageSize = 500
	// omadaMost bounds a list that never ends.
	omadaMost = 50_000
)

// omadaPages reads a list page by page through do. Search is fuzzy: whoever
// gives one compares.
func omadaPages[T any](ctx context.Context, do func(context.Context, request, any) error, path, search string) ([]T, error) {
	var all []T
	for page := 1; ; page++ {
		var got struct {
			Total *int `json:"totalRows"`
			Data  []T  `json:"data"`
		}
		query := url.Values{"page": {strconv.Itoa(page)}, "pageSize": {strconv.Itoa(omadaPageSize)}}
		if search != "" {
			query.Set("searchKey", search)
		}
		if err := do(ctx, request{method: http.MethodGet, path: path, query: query}, &got); err != nil {
			return nil, err
		}
		total := 0
		switch {
		case got.Total != nil:
			total = *got.Total
		case got.Data == nil: // read as an empty list, it would pass for a guest who has no access
			return nil, errors.New("the answer holds no list")
		}
		all = append(all, got.Data...)
		switch {
		case len(got.Data) == 0, len(all) >= total && (total > 0 || len(got.Data) < omadaPageSize):
			return all, nil
		case len(all) > omadaMost:
			return nil, fmt.Errorf("more than %d entries", omadaMost)
		}
	}
}

// site is the id of the hotel's site: the one of that name, or the only one.
func (o *omada) site(ctx context.Context) (string, error) {
	o.mu.Lock()
	id := o.siteID
	o.mu.Unlock()
	if id != "" {
		return id, nil
	}
	type site struct {
		ID   string `json:"siteId"`
		Name string `json:"name"`
	}
	sites, err := omadaPages[site](ctx, o.api, "/sites", "")
	if err != nil {
		return "", fmt.Errorf("find the site: %w", err)
	}
	for _, s := range sites {
		if (s.Name == o.cfg.Site || o.cfg.Site == "" && len(sites) == 1) && omadaID.MatchString(s.ID) {
			o.mu.Lock()
			o.siteID = s.ID
			o.mu.Unlock()
			return s.ID, nil
		}
	}
	if o.cfg.Site == "" {
		return "", &drivers.LinkDown{Err: fmt.Errorf("%s has %s for this client: write the name of the hotel's into site", o.base.Host, plural(len(sites), "site"))}
	}
	return "", &drivers.LinkDown{Err: fmt.Errorf("%s has no site %q for this client: write the name as the controller's pages show it, or add the site to the client's privileges", o.base.Host, o.cfg.Site)}
}

// absence looks whether something is missing.
type absence func(ctx context.Context) (bool, error)

// remove deletes something. Which code says that it is gone already is not
// published, so an error makes us look.
func (o *omada) remove(ctx context.Context, path string, isGone absence) error {
	err := o.onSite(ctx, request{method: http.MethodDelete, path: path}, nil)
	answer, ok := errors.AsType[*answerError](err)
	if !ok || answer.status != http.StatusOK && answer.status != http.StatusNotFound {
		return err
	}
	if missing, lookErr := isGone(ctx); lookErr == nil && missing {
		return nil
	}
	return err
}
