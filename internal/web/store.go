package web

import (
	"io"
	"net/http"
	"strconv"
	"time"
)

// storePatience is how long whoever fetches the store may take for each piece. While
// somebody reads, the store keeps what it would otherwise overwrite.
const storePatience = 30 * time.Second

// store hands over the store as it is now: guests and keys. Only the control socket
// has it.
func (p *Page) store(w http.ResponseWriter, _ *http.Request) {
	if !p.runs(w) {
		return
	}
	begun := false
	err := p.Operator.Snapshot(func(size int64) (io.Writer, error) {
		begun = true
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.FormatInt(size, 10))
		return patient{w, http.NewResponseController(w)}, nil
	})
	if begun && err != nil {
		panic(http.ErrAbortHandler) // the reader sees that something is missing
	}
	answered(w, err)
}

// patient gives each piece of an answer its own time.
type patient struct {
	w   io.Writer
	ctl *http.ResponseController
}

func (p patient) Write(piece []byte) (int, error) {
	_ = p.ctl.SetWriteDeadline(time.Now().Add(storePatience)) // a line that takes none takes no piece either
	return p.w.Write(piece)
}
