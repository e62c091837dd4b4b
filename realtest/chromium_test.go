//go:build real

package realtest

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// browser is a real Chromium without a window, driven over its DevTools protocol.
type browser struct {
	t       *testing.T
	cmd     *exec.Cmd
	ended   chan struct{}
	address string // host:port of DevTools
}

// chromium starts one on a profile folder: the same folder is the same set,
// with all that it may have kept. It trusts the certificate in that file only.
func chromium(t *testing.T, profile, certificate string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium-headless-shell")
	if err != nil {
		path = program(t, "chromium")
	}
	port := filepath.Join(profile, "DevToolsActivePort")
	if err := os.Remove(port); err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	b := &browser{t: t, ended: make(chan struct{})}
	b.cmd = exec.Command(path,
		"--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--force-device-scale-factor=1",
		"--user-data-dir="+profile, "--remote-debugging-port=0", "--ignore-certificate-errors-spki-list="+keyHash(t, certificate), "about:blank")
	log, err := os.Create(filepath.Join(t.TempDir(), "chromium.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	b.cmd.Stdout, b.cmd.Stderr = log, log
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { _ = b.cmd.Wait(); close(b.ended) }()
	t.Cleanup(b.kill)
	showLog(t, log.Name())
	eventually(t, "Chromium opens its DevTools", func() (bool, string) {
		text, err := os.ReadFile(port)
		first, _, ok := strings.Cut(string(text), "\n")
		b.address = "127.0.0.1:" + first
		return ok, fmt.Sprint(err)
	})
	return b
}

// keyHash is the hash of the public key of a certificate file, as Chromium takes it.
func keyHash(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(cert.RawSubjectPublicKeyInfo)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// kill is a power cut. The browser is many processes behind a script of Debian's.
func (b *browser) kill() {
	group := -b.cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-b.ended
	for limit := time.Now().Add(patience); syscall.Kill(group, 0) == nil && time.Now().Before(limit); {
		time.Sleep(5 * time.Millisecond) // the last of them lets go of the profile
	}
}

// tab is a page in the browser. It is used by one goroutine.
type tab struct {
	t      *testing.T
	id     string
	b      *browser
	socket *websocket.Conn
	last   int
	errors []string // that the page has made
}

// recorder notes every greeting that ever stands in the page, and when it is gone.
const recorder = `window.shown = [];
new MutationObserver(() => {
  const names = document.getElementById('names');
  const text = names ? names.textContent : '';
  if (window.shown.length === 0 || window.shown[window.shown.length - 1].text !== text) window.shown.push({at: Date.now(), text: text});
}).observe(document, {subtree: true, childList: true, characterData: true});`

// open opens a page in a window of that size.
func (b *browser) open(address string, width, height int) *tab {
	b.t.Helper()
	request, err := http.NewRequest(http.MethodPut, "http://"+b.address+"/json/new?about:blank", nil)
	if err != nil {
		b.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	var target struct {
		ID     string `json:"id"`
		Socket string `json:"webSocketDebuggerUrl"`
	}
	if err := json.NewDecoder(answer.Body).Decode(&target); err != nil {
		b.t.Fatal(err)
	}
	p := &tab{t: b.t, id: target.ID, b: b}
	if p.socket, _, err = websocket.DefaultDialer.Dial(target.Socket, nil); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = p.socket.Close() })
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		p.call(domain+".enable", nil, nil)
	}
	p.resize(width, height)
	p.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": recorder}, nil)
	p.call("Page.navigate", map[string]any{"url": address}, nil)
	return p
}

func (p *tab) resize(width, height int) {
	p.t.Helper()
	p.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false}, nil)
}

// close closes the tab as a person would.
func (p *tab) close() {
	p.t.Helper()
	answer, err := http.Get("http://" + p.b.address + "/json/close/" + p.id)
	if err != nil {
		p.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
}

// call asks DevTools for something and waits for the answer; into may be nil.
func (p *tab) call(method string, params, into any) {
	p.t.Helper()
	if err := p.ask(method, params, into); err != nil {
		p.t.Fatal(err)
	}
}

// ask is call for what DevTools may refuse.
func (p *tab) ask(method string, params, into any) error {
	p.t.Helper()
	p.last++
	request := map[string]any{"id": p.last, "method": method}
	if params != nil {
		request["params"] = params
	}
	if err := p.socket.WriteJSON(request); err != nil {
		p.t.Fatal(err)
	}
	if err := p.socket.SetReadDeadline(time.Now().Add(patience)); err != nil {
		p.t.Fatal(err)
	}
	for {
		var answer struct {
			ID     int             `json:"id"`
			Method string          `json:"method"`
			Params json.RawMessage `json:"params"`
			Result json.RawMessage `json:"result"`
			Error  json.RawMessage `json:"error"`
		}
		if err := p.socket.ReadJSON(&answer); err != nil {
			p.t.Fatalf("%s: %v", method, err)
		}
		if answer.Method == "Runtime.exceptionThrown" || answer.Method == "Log.entryAdded" && strings.Contains(string(answer.Params), `"level":"error"`) {
			p.errors = append(p.errors, string(answer.Params))
		}
		if answer.ID != p.last {
			continue
		}
		if answer.Error != nil {
			return fmt.Errorf("%s: %s", method, answer.Error)
		}
		if into != nil {
			return json.Unmarshal(answer.Result, into)
		}
		return nil
	}
}

// value is what an expression is in the page; a promise is waited for.
func value[T any](p *tab, expression string) T {
	p.t.Helper()
	is, err := evaluate[T](p, expression)
	if err != nil {
		p.t.Fatal(err)
	}
	return is
}

// evaluate is value for a page that may be on its way to another.
func evaluate[T any](p *tab, expression string) (T, error) {
	p.t.Helper()
	var answer struct {
		Result struct {
			Value T `json:"value"`
		} `json:"result"`
		Exception json.RawMessage `json:"exceptionDetails"`
	}
	err := p.ask("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &answer)
	if err == nil && answer.Exception != nil {
		err = fmt.Errorf("%s: %s", expression, answer.Exception)
	}
	return answer.Result.Value, err
}

// picture writes what the page looks like to build/out/screens.
func (p *tab) picture(name string) {
	p.t.Helper()
	var answer struct {
		Data []byte `json:"data"`
	}
	p.call("Page.captureScreenshot", map[string]any{"format": "png", "optimizeForSpeed": false}, &answer)
	folder := filepath.Join("..", "build", "out", "screens")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+".png"), answer.Data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// until waits until an expression is true in the page.
func (p *tab) until(what, expression string) {
	p.t.Helper()
	defer func() {
		if p.t.Failed() {
			p.calm()
		}
	}()
	eventually(p.t, what, func() (bool, string) {
		// A page that is still loading has not even a body.
		ok, err := evaluate[bool](p, expression)
		seen, _ := evaluate[string](p, `JSON.stringify(document.body.dataset) + ' ' + document.getElementById('names').textContent + ' ' + document.getElementById('link').textContent`)
		return ok && err == nil, seen
	})
}

func (p *tab) untilConnected() {
	p.t.Helper()
	p.until("the page is connected", `document.body.dataset.link === 'on'`)
}

// calm says that the page has made no error so far.
func (p *tab) calm() {
	p.t.Helper()
	value[int](p, "1") // what it has to say comes before the answer
	for _, text := range p.errors {
		p.t.Errorf("the page complains: %s", text)
	}
}
