package web

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// storeLimit is how long whoever fetches the store may take for it. Until he has it,
// the store keeps what it would otherwise overwrite, and cannot map more of its file.
const storeLimit = 90 * time.Second

// store hands over the store as it is now: guests and keys. Only the control socket
// has it.
func (p *Page) store(w http.ResponseWriter, _ *http.Request) {
	if !p.runs(w) {
		return
	}
	begun := false
	err := p.Operator.Snapshot(func(size int64) (io.Writer, error) {
		begun = true
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(storeLimit)) // else the server's own holds
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		return w, nil
	})
	if begun && err != nil {
		panic(http.ErrAbortHandler) // the reader sees that something is missing
	}
	answered(w, err)
}
