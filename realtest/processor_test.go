//go:build real

package realtest

import (
	"testing"

	"edgeagent/hwsim"
)

// TestDayOnGateways plays the day with the binaries that a gateway gets, on the
// oldest processor of each kind: a Raspberry Pi 3, and a Pi Zero. The encoder
// is on a pseudo-terminal here as well, so that the serial calls of these
// binaries are tried too.
func TestDayOnGateways(t *testing.T) {
	for _, gateway := range []struct{ binary, emulator, processor string }{
		{"edgeagent-arm64", "qemu-aarch64-static", "cortex-a53"},
		{"edgeagent-armv6", "qemu-arm-static", "arm1176"},
	} {
		t.Run(gateway.binary, func(t *testing.T) {
			command := []string{
				program(t, gateway.emulator), "-cpu", gateway.processor,
				built(t, "build/out/"+gateway.binary, "arm64"),
			}
			playDay(t, openHotel(t, command, hwsim.Options{}), command)
		})
	}
}
