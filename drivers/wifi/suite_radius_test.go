//go:build real

package wifi

import (
	"context"
	"errors"
	"testing"
	"time"

	"edgeagent/hwsim/radiussim"
)

// The suite on a real FreeRADIUS with a real database. What goes wrong goes
// wrong between the driver and the database.

// radiusWorld is a hotel's RADIUS as the suite wants a controller.
type radiusWorld struct {
	*radiussim.Site
	*radiussim.Proxy
}

func (w radiusWorld) Close() error { return w.Site.Close() }

// A database has no address for browsers, and no certificate that an update
// would change: TestDatabaseCertificate is in its place.
func (w radiusWorld) URL() string         { return "" }
func (w radiusWorld) Fingerprint() string { return "" }
func (w radiusWorld) Reissue(bool) error  { return errors.New("not here") }

func radiusProduct(db *radiussim.Database) suiteProduct {
	return suiteProduct{
		name:   "radius on " + db.Kind,
		create: "SQL COMMIT",
		adjust: func(drv *Driver, now func() time.Time) {
			r := drv.ctl.(*radius)
			r.store = clockedTables{r.store, now}
		},
		// What is there, BEGIN, three tables emptied and filled, COMMIT.
		least:  9,
		except: map[string]string{"certificate changed": "the line to the database has a test of its own: TestDatabaseCertificate"},
		start: func(now func() time.Time) (world, Config, map[string]string, error) {
			site, err := db.StartSite(now)
			if err != nil {
				return nil, Config{}, nil, err
			}
			section := Config{Controller: "radius", Radius: &Radius{
				Database: RadiusDatabase{Kind: db.Kind, Address: site.Proxy.Addr(), Name: site.Server.Name(), User: radiussim.AgentUser, PasswordFile: "db"},
				NAS:      []RadiusNAS{{Address: site.NAS.Addr(), SecretFile: "nas"}},
			}}
			return radiusWorld{site, site.Proxy}, section, map[string]string{"db": radiussim.AgentPassword, "nas": radiussim.OrderSecret}, nil
		},
	}
}

// clockedTables are a database under the hotel's clock: the real one has the
// machine's, and serves several hotels.
type clockedTables struct {
	tables
	now func() time.Time
}

func (c clockedTables) clock(context.Context) (time.Time, error) { return c.now(), nil }

func openDatabase(t *testing.T, kind string) *radiussim.Database {
	t.Helper()
	db, err := radiussim.OpenDatabase(kind)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func TestConformanceOfRadius(t *testing.T) {
	for _, kind := range []string{"mysql", "postgres"} {
		t.Run(kind, func(t *testing.T) { conform(t, radiusProduct(openDatabase(t, kind))) })
	}
}

func TestBurstOfCheckInsAtRadius(t *testing.T) {
	for _, kind := range []string{"mysql", "postgres"} {
		t.Run(kind, func(t *testing.T) { burst(t, radiusProduct(openDatabase(t, kind))) })
	}
}
