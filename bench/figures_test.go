package bench

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// BenchmarkFigures is what make bench runs, once:
//
//	go test -run '^$' -bench Figures -benchtime 1x ./bench
//
// A part of it: -bench Figures/backlog.
func BenchmarkFigures(b *testing.B) {
	var t table
	for _, part := range []struct {
		name    string
		measure func(*testing.B, *table)
	}{
		{"backlog", backlogRate},
		{"day", day},
		{"keys", keys},
		{"page", page},
		{"start", start},
		{"tvs", tvs},
		{"size", size},
	} {
		b.Run(part.name, func(b *testing.B) {
			for range b.N {
				part.measure(b, &t)
			}
		})
	}
	t.print(os.Stdout)
}

// table gathers the figures.
type table struct{ rows []row }

// row is one figure: what it is, what it came to, what it stands beside.
type row struct{ what, value, beside, limit, verdict string }

func (t *table) add(what, value, beside, limit string, ok bool) {
	verdict := "ok"
	if !ok {
		verdict = "OVER"
	}
	t.rows = append(t.rows, row{what, value, beside, limit, verdict})
}

// note adds a figure that nothing limits.
func (t *table) note(what, value, beside string) {
	t.rows = append(t.rows, row{what, value, beside, "", ""})
}

func (t *table) print(w io.Writer) {
	if len(t.rows) == 0 {
		return
	}
	fmt.Fprintf(w, "\n%s, %d cores, %s/%s\n\n", runtime.Version(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(out, "FIGURE\tVALUE\tBESIDE\tLIMIT\t")
	for _, r := range t.rows {
		fmt.Fprintln(out, strings.Join([]string{r.what, r.value, r.beside, r.limit, r.verdict}, "\t"))
	}
	out.Flush()
	fmt.Fprintln(w)
}

// quantile of a list; 0.5 is the median.
func quantile[T cmp.Ordered](list []T, q float64) T {
	if len(list) == 0 {
		var none T
		return none
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond)) }

func mb(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

func must[T any](v T, err error) func(*testing.B) T {
	return func(b *testing.B) T {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
}
