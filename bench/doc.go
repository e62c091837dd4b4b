// Package bench measures what the design promises about speed, memory and
// wear, with the real agent and the simulated hotel, and prints one table:
//
//	make bench
//
// It is all tests, since only those and cmd/hwsim may use the simulated hotel.
// Nothing in it passes or fails: a shared machine is slow when its neighbours
// are busy. Where it can, a figure stands beside another one of the same run.
// A committed sample is in docs/bench.md.
package bench
