package rules

import (
	"testing"

	"edgeagent/pms"
)

// An event that no rule wants is the common case of a backlog.
func BenchmarkEvalQuiet(b *testing.B) {
	benchmarkEval(b, event(pms.RoomStatusChanged), 0)
}

func BenchmarkEvalCheckIn(b *testing.B) {
	benchmarkEval(b, event(pms.StayCheckedIn), 2)
}

func BenchmarkEvalWelcome(b *testing.B) {
	benchmarkEval(b, event(pms.RoomOccupied), 1)
}

func benchmarkEval(b *testing.B, e *pms.Event, commands int) {
	table := compile(b, string(Default()), hotel(), "lobby-encoder")
	b.ReportAllocs()
	for b.Loop() {
		if n := len(table.Eval(e)); n != commands {
			b.Fatalf("%d commands", n)
		}
	}
}

func BenchmarkCompileDefault(b *testing.B) {
	list, err := Parse(Default())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		Compile(list, hotel(), "lobby-encoder")
	}
}
