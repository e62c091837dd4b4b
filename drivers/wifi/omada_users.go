package wifi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// omadaUsers gives each stay a local user. Its name follows from the stay and is
// unique, so a create of one that exists finds that out by itself.
type omadaUsers struct{ *omada }

// Caps has no FindByNote: users can be searched for by their name alone.
func (u *omadaUsers) Caps() Caps {
	return Caps{ChooseCode: true, ChooseUser: true, AbsoluteExpiry: true, Extend: true, RateLimit: true,
		DataCap: true, DeviceLimit: true, CutSession: true, SecretReadable: true}
}

// omadaUser is a local user as it is read, and as it is written but for ID and
// UserName. A change takes the whole object, so what is not ours, such as a
// phone number or a daily limit, is written back as it was read.
type omadaUser struct {
	ID         string          `json:"id,omitempty"`
	UserName   string          `json:"userName,omitempty"` // cannot be changed
	Password   string          `json:"password"`
	Enabled    bool            `json:"enable"`
	Expires    int64           `json:"expirationTime"` // ms since 1970
	Binding    int             `json:"bindingType"`    // to a device; 0 is none
	MAC        string          `json:"macAddress,omitempty"`
	Devices    int             `json:"maxUsers"` // 1 to 2048, cannot be changed
	Name       string          `json:"name,omitempty"`
	Phone      string          `json:"phone,omitempty"`
	Rate       omadaRate       `json:"rateLimit"`
	HasCap     bool            `json:"trafficLimitEnable"`
	CapMB      int             `json:"trafficLimit,omitempty"`
	CapEvery   int             `json:"trafficLimitFrequency"` // 0 is in all
	Portals    []string        `json:"portals"`               // written as ids, read as names
	AllPortals bool            `json:"applyToAllPortals"`
	Logout     *bool           `json:"logout,omitempty"`
	HasDaily   *bool           `json:"dailyLimitEnable,omitempty"`
	Daily      json.RawMessage `json:"dailyLimit,omitempty"`
}

const omadaUserPath = "/hotspot/localusers"

func (u *omadaUsers) Ensure(ctx context.Context, g Grant) (Credential, error) {
	portals, err := u.portalIDs(ctx)
	if err != nil {
		return Credential{}, err
	}
	if len(g.Known) == 0 { // most likely new: one call instead of two
		made, err := u.create(ctx, u.user(g, portals, omadaUser{}))
		if !omadaIs(err, omadaAdopt) {
			return u.credential(g.Stay, made), err
		}
	}
	found, err := u.find(ctx, g.Stay)
	if err != nil {
		return Credential{}, err
	}
	var was omadaUser
	if found != nil {
		was = *found
	}
	want := u.user(g, portals, was)
	// The devices first, so that a crash in between repeats it; and whether or not
	// the user itself changes, since a try that broke off may have moved them for an
	// end that another word has replaced. Without a user the stay is reinstated, or
	// its revoke broke off and left devices online.
	if err := u.stretch(ctx, byLocalUser, []string{want.UserName}, time.UnixMilli(want.Expires)); err != nil {
		return Credential{}, err
	}
	switch {
	case found == nil:
		want, err = u.create(ctx, want)
	case !found.fits(want):
		want, err = u.change(ctx, g.Stay, *found, want)
	}
	return u.credential(g.Stay, want), err
}

// user is what a grant makes of a user that was read, or of none.
func (u *omadaUsers) user(g Grant, portals []string, was omadaUser) omadaUser {
	now := was
	now.UserName, now.Name, now.Enabled = g.userName(), g.marker(), true
	if now.Password == "" {
		now.Password = g.code()
	}
	now.Expires = omadaEnd(g, time.UnixMilli(was.Expires), u.now()).UnixMilli()
	now.Devices = g.Devices
	now.Rate = omadaRates(g.Tier)
	now.HasCap, now.CapMB, now.CapEvery = g.DataMB > 0, g.DataMB, 0
	now.Portals, now.AllPortals = portals, len(portals) == 0
	return now
}

// fits reports whether a user gives what is wanted. Portals are not compared:
// they are read as names, and a user keeps those that it was made for.
func (was omadaUser) fits(want omadaUser) bool {
	return was.Enabled && was.Name == want.Name && was.Password == want.Password && was.Expires == want.Expires &&
		was.Devices == want.Devices && was.Rate.same(want.Rate) && was.HasCap == want.HasCap &&
		(!was.HasCap || was.CapMB == want.CapMB && was.CapEvery == want.CapEvery)
}

// change writes what differs. Another number of devices takes a new user, of the
// same name and password.
func (u *omadaUsers) change(ctx context.Context, stay Stay, was, want omadaUser) (omadaUser, error) {
	if was.Devices != want.Devices {
		if err := u.delete(ctx, stay, was.ID); err != nil {
			return want, err
		}
		return u.create(ctx, want)
	}
	body := want
	body.ID, body.UserName = "", ""
	err := u.onSite(ctx, request{method: http.MethodPost, path: omadaUserPath + "/" + want.ID, body: body}, nil)
	if err != nil {
		return want, fmt.Errorf("change local user: %w", u.forgetPortals(err))
	}
	return want, nil
}

func (u *omadaUsers) create(ctx context.Context, user omadaUser) (omadaUser, error) {
	user.ID = ""
	var made struct {
		ID string `json:"id"`
	}
	if err := u.onSite(ctx, request{method: http.MethodPost, path: omadaUserPath, body: user}, &made); err != nil {
		return user, fmt.Errorf("create local user: %w", u.forgetPortals(err))
	}
	if !omadaID.MatchString(made.ID) {
		return user, errors.New("create local user: the answer holds no usable id") // the next try finds it
	}
	user.ID = made.ID
	return user, nil
}

// find looks for the stay's user; nil if there is none.
func (u *omadaUsers) find(ctx context.Context, stay Stay) (*omadaUser, error) {
	all, err := omadaPages[omadaUser](ctx, u.onSite, omadaUserPath, stay.userName())
	if err != nil {
		return nil, fmt.Errorf("find local user: %w", err)
	}
	for _, user := range all {
		if user.UserName != stay.userName() {
			continue
		}
		if !omadaID.MatchString(user.ID) {
			return nil, errors.New("find local user: it has no usable id")
		}
		return &user, nil
	}
	return nil, nil
}

func (u *omadaUsers) delete(ctx context.Context, stay Stay, id string) error {
	err := u.remove(ctx, omadaUserPath+"/"+id, func(ctx context.Context) (bool, error) {
		left, err := u.find(ctx, stay)
		return left == nil, err
	})
	if err != nil {
		return fmt.Errorf("delete local user: %w", err)
	}
	return nil
}

// Revoke ends the user first: the other way round a device would log straight
// back in. A record names its user, and the name follows from the stay, so the
// devices are found whatever was lost.
func (u *omadaUsers) Revoke(ctx context.Context, stay Stay, cut bool) (done Revoked, err error) {
	found, err := u.find(ctx, stay)
	if err != nil {
		return done, err
	}
	if found != nil {
		if err := u.delete(ctx, stay, found.ID); err != nil {
			return done, err
		}
		done.Credentials = 1
	}
	if cut {
		done.Sessions, err = u.cut(ctx, byLocalUser, []string{stay.userName()})
	}
	return done, err
}

// List returns all local users whose name is a marker of ours. A user does not
// say when it was made; counted back from its end, by the shortest access there
// is, it gives the sweep the same answer.
func (u *omadaUsers) List(ctx context.Context) ([]Credential, error) {
	all, err := omadaPages[omadaUser](ctx, u.onSite, omadaUserPath, "")
	if err != nil {
		return nil, fmt.Errorf("list local users: %w", err)
	}
	var list []Credential
	for _, user := range all {
		key, ok := strings.CutPrefix(user.Name, markerPrefix)
		if !ok || !stayKey.MatchString(key) {
			continue
		}
		end := time.UnixMilli(user.Expires)
		list = append(list, Credential{Key: key, ID: user.ID, User: user.UserName, Code: user.Password,
			Created: end.Add(-minAccess), Live: user.Enabled && u.now().Before(end)})
	}
	return list, nil
}

// told reports whether a receipt is of a local user.
func (u *omadaUsers) told(stay Stay) bool { return stay.Known["user"] != "" }

func (u *omadaUsers) credential(stay Stay, user omadaUser) Credential {
	return Credential{Key: stay.Key, ID: user.ID, User: user.UserName, Code: user.Password, Codes: []string{user.Password},
		Since: stay.firstMade(u.now()), Created: u.now(), Live: true}
}
