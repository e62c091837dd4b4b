//go:build real

package dynauth

import (
	"errors"
	"testing"
	"time"

	"edgeagent/hwsim/radiussim"
)

// FreeRADIUS's own "listen { type = coa }" in the place of a NAS. It demands a
// Message-Authenticator.
func TestRealFreeRADIUSTakesOurRequests(t *testing.T) {
	db, err := radiussim.OpenDatabase("mysql")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	server, err := db.StartServer(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	nas := NAS{Address: server.Dynamic, Secret: []byte(radiussim.OrderSecret)}
	if err := nas.Disconnect(t.Context(), example); err != nil {
		t.Errorf("disconnect: %v", err)
	}
	if err := nas.SetTimeout(t.Context(), example, 3600); err != nil {
		t.Errorf("CoA: %v", err)
	}
	other := example
	other.AcctSessionID = "80000002"
	var refusal *NAK
	if err := nas.Disconnect(t.Context(), other); !errors.As(err, &refusal) || refusal.Cause != 503 {
		t.Errorf("no such session: %v", err)
	}
	nas.Secret, nas.Waits = []byte("wrong"), []time.Duration{300 * time.Millisecond}
	if err := nas.Disconnect(t.Context(), example); !errors.Is(err, ErrSilent) {
		t.Errorf("wrong secret: %v", err)
	}
	if t.Failed() {
		t.Log(server.Log())
	}
}
