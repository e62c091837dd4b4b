package keycard

import (
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"periph.io/x/conn/v3/gpio"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard/pn532"
)

// Module is a PN532, an NFC module that makes keys for locks that we own, with
// no lock system behind it. It cannot make a key for any brand's locks. What it
// writes and what a lock must check is in docs/credential.md.
//
//	Do ─> key ──────────> pn532.Reader ─> card
//	      rooms, end,     one card at
//	      generation      a time
type Module struct {
	name   string
	cfg    Config
	site   drivers.Site
	deps   Deps
	signer pn532.Signer
	keys   pn532.Keyring

	memory memory
	rooms  roomMap
	trace  trace
	rec    *Recorder
	turn   chan struct{} // holds one token while a command is carried out
	alive  context.Context
	stop   context.CancelFunc
	done   chan struct{}

	mu     sync.Mutex
	reader *pn532.Reader // nil until its lines could be had
	pins   []gpio.PinIO
	state  drivers.State
}

var _ drivers.Driver = (*Module)(nil)

func newModule(name string, cfg Config, site drivers.Site, deps Deps) (*Module, error) {
	if site.Zone == nil {
		return nil, fmt.Errorf("%s: the property has no time zone: a departure without a zone cannot be read", name)
	}
	cfg = cfg.WithDefaults()
	m := &Module{
		name: name, cfg: cfg, site: site, deps: deps, keys: pn532.Keyring{},
		turn: make(chan struct{}, 1), done: make(chan struct{}),
		state: drivers.State{Condition: drivers.Unset, Since: time.Now()},
	}
	if err := m.readKeys(); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	m.alive, m.stop = context.WithCancel(context.Background())
	if deps.Transcript != nil {
		m.rec = m.trace.record(deps.Transcript, protocolPN532)
	}
	go m.watch()
	return m, nil
}

// readKeys reads the signing key, and the public keys that tell our cards.
func (m *Module) readKeys() error {
	p := m.cfg.PN532
	if m.site.Secret == nil {
		return errors.New("pn532.signing_key_file: nobody reads secrets here")
	}
	seed, err := m.site.Secret(p.SigningKeyFile)
	if err != nil {
		return fmt.Errorf("pn532.signing_key_file: %w", err)
	}
	key, err := signingKey(seed)
	if err != nil {
		return fmt.Errorf("pn532.signing_key_file: the file %s %w", p.SigningKeyFile, err)
	}
	m.signer = pn532.Signer{KeyID: byte(p.KeyID), Key: key}
	for id, public := range p.EarlierKeys {
		n, errID := strconv.ParseUint(id, 10, 8)
		b, errKey := hex.DecodeString(public)
		if err := errors.Join(errID, errKey); err != nil {
			return fmt.Errorf("pn532.earlier_keys: %w", err)
		}
		m.keys[byte(n)] = b
	}
	m.keys[m.signer.KeyID] = m.public()
	return nil
}

func (m *Module) public() ed25519.PublicKey {
	return m.signer.Key.Public().(ed25519.PublicKey)
}

// String names the device as the property file does.
func (m *Module) String() string { return m.name }

// Identify says what answers, and what locks must know of the signing key.
func (m *Module) Identify(ctx context.Context) (string, error) {
	r, err := m.open()
	if err != nil {
		return "", err
	}
	firmware, err := r.Probe(ctx)
	m.learn(r, err)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s; signs for property %s with key_id %d, whose public half is %X", firmware, m.property(), m.signer.KeyID, []byte(m.public())), nil
}

func (m *Module) property() string { return or(m.cfg.PN532.Property, m.site.Property) }

// Probe asks the module for its firmware.
func (m *Module) Probe(ctx context.Context) error {
	_, err := m.Identify(ctx)
	return err
}

// State says how the module stands.
func (m *Module) State() drivers.State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

func (m *Module) setState(c drivers.Condition, reason string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.state.Condition != c {
		m.state.Since = time.Now()
	}
	m.state.Condition, m.state.Reason = c, reason
}

// learn takes what a command or a question has shown of the module, and reports
// whether that was anything. While a command is carried out it stays busy.
func (m *Module) learn(r *pn532.Reader, err error) bool {
	if len(m.turn) > 0 {
		return true
	}
	if down, ok := errors.AsType[*drivers.LinkDown](err); ok {
		m.setState(drivers.Offline, down.Error())
		return true
	}
	switch r.State().Condition {
	case drivers.Offline, drivers.Unset:
		return false
	}
	m.setState(drivers.Online, pn532Caveat)
	return true
}

// watch asks an idle module whether it is there, as other encoders are asked, so
// that the status page knows before a guest stands at the desk.
func (m *Module) watch() {
	defer close(m.done)
	t := m.cfg.Timers
	pause := t.Reopen
	for {
		wait := t.Keepalive
		if err := m.Probe(m.alive); err != nil {
			wait, pause = pause, min(2*pause, t.ReopenMax)
		} else {
			pause = t.Reopen
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-m.alive.Done():
			timer.Stop()
			return
		}
	}
}

// Halt finishes the card that is being written, and gives bus and lines back.
func (m *Module) Halt() error {
	m.stop()
	m.mu.Lock()
	r := m.reader
	m.mu.Unlock()
	var errs []error
	if r != nil {
		errs = append(errs, r.Close())
	}
	<-m.done
	m.mu.Lock()
	pins := m.pins
	m.pins = nil
	m.mu.Unlock()
	errs = append(errs, closePins(pins), m.rec.Close())
	m.setState(drivers.Offline, errHalted.Error())
	return errors.Join(errs...)
}

func closePins(pins []gpio.PinIO) error {
	var errs []error
	for _, pin := range pins {
		if c, ok := pin.(io.Closer); ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}
