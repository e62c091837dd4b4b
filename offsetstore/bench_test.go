package offsetstore

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkWear is the bytes that bbolt writes for one acting notice in a file
// that has seen a fortnight: a job and two settings, each settled before the
// next notice.
func BenchmarkWear(b *testing.B) {
	s, err := Open(filepath.Join(b.TempDir(), "store.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	record := bytes.Repeat([]byte("x"), 700)
	body := json.RawMessage(`"` + string(bytes.Repeat([]byte("x"), 250)) + `"`)
	n := 0
	notice := func(room int) Batch {
		n++
		batch := Batch{Source: "pms", Offset: fmt.Sprint(n), Records: map[string][]byte{fmt.Sprintf("stay-%d", room): record}}
		for i, lane := range []string{"encoder", "tvs", "wifi"} {
			batch.Commands = append(batch.Commands, Command{
				ID: fmt.Sprintf("inspire/1/%d#1/a-rule/%d", 100000+n, i), Lane: lane, Subject: fmt.Sprintf("room:%d", room), Setting: i > 0,
				Body: body, Created: time.Now(), Due: time.Now(), Source: "pms",
			})
		}
		return batch
	}
	jobs := make(chan Command)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		for {
			c, err := s.Next(ctx, "encoder")
			if err != nil {
				return
			}
			c.Note = "1 card for room 1083, valid until 2026-11-23 02:19"
			if s.Settle(c, Processed) != nil {
				return
			}
			jobs <- c
		}
	}()
	one := func() {
		if err := s.Accept(notice(n * 7919 % 500)); err != nil {
			b.Fatal(err)
		}
		for _, lane := range []string{"tvs", "wifi"} {
			c := next(b, s, lane)
			c.Receipt = body
			if err := s.Settle(c, Processed); err != nil {
				b.Fatal(err)
			}
		}
		<-jobs
	}
	for range 5000 {
		one()
	}
	before := s.db.Stats()
	b.ResetTimer()
	for range b.N {
		one()
	}
	after := s.db.Stats()
	used := after.Sub(&before)
	b.ReportMetric(float64(used.TxStats.GetPageAlloc())/float64(b.N), "B/notice")
	b.ReportMetric(float64(used.TxStats.GetWrite())/float64(b.N), "writes/notice")
}
