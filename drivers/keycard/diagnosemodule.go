package keycard

import (
	"context"
	"errors"
	"fmt"

	"edgeagent/drivers/keycard/pn532"
)

// moduleBauds are the speeds that a PN532 can be set to, its own first; adapters
// stop short of its fastest.
var moduleBauds = []int{moduleBaud, 9600, 57600, 38400, 19200, 230400, 460800, 921600}

// diagnoseModule asks a PN532 on a serial line at every speed. It sends what
// wakes the chip and asks for its firmware, which touches no card.
func diagnoseModule(ctx context.Context, cfg Config, report func(string)) Diagnosis {
	if cfg.Port == "" {
		return Diagnosis{Text: "a module on SPI or I2C has no speed to try",
			Advice: "check its power, its wiring and that its switches are set to this bus"}
	}
	noise := false
	for _, baud := range moduleBauds {
		var failed error // to open the port
		found, err := pn532.AskAt(ctx, baud, func() (pn532.Port, error) {
			s, err := openSerial(cfg.Port, baud, 1)
			if failed = err; err != nil {
				return nil, err
			}
			return modulePort{s.(*serialPort)}, nil
		})
		switch {
		case errors.Is(failed, errSpeed) && baud != moduleBaud:
			report(fmt.Sprintf("%d baud: the adapter cannot do it", baud))
		case failed != nil:
			return Diagnosis{Text: failed.Error()}
		case ctx.Err() != nil:
			return Diagnosis{Text: context.Cause(ctx).Error()}
		case err == nil && baud == moduleBaud:
			return Diagnosis{OK: true, Text: fmt.Sprintf("%s answers at %d baud", found, baud)}
		case err == nil:
			report(fmt.Sprintf("%d baud: %s answers", baud, found))
			return Diagnosis{Text: fmt.Sprintf("the module answers at %d baud, not at %d", baud, moduleBaud),
				Advice: fmt.Sprintf("turn its power off and on, or wire its reset line: a PN532 begins at %d baud; if it stays so, a converter stands before it: set that to %[1]d", moduleBaud)}
		case pn532.Garbled(err):
			noise = true
			report(fmt.Sprintf("%d baud: unreadable bytes", baud))
		default:
			report(fmt.Sprintf("%d baud: %v", baud, err))
		}
	}
	if noise {
		return Diagnosis{Text: "bytes come back, but they make sense at no speed",
			Advice: "check ground and length of the cable, and that no other program answers on the line"}
	}
	return Diagnosis{Text: "nothing answers at any speed",
		Advice: "check that the module has power, that its switches are set to HSU, and that TXD goes to RX and RXD to TX"}
}
