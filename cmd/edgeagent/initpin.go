package main

import (
	"context"
	"fmt"
	"time"

	"edgeagent/drivers/wifi"
)

// certificate shows what the controller says of itself, so that a person compares
// it before it is trusted; "" if it does not answer.
func (v *interview) certificate(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, v.patience)
	defer cancel()
	wait := awaiting("asking the WiFi controller for its certificate")
	shown, err := wifi.Fingerprint(ctx, v.answers["wifi-url"])
	wait.over()
	if err != nil {
		fmt.Fprintf(v.out, "The controller does not show its certificate: %v\n", err)
		return ""
	}
	fmt.Fprintf(v.out, "The controller shows a certificate of %s, good until %s, with the SHA-256\n  %s\n", plain(shown.Subject), shown.NotAfter.Format(time.DateOnly), shown.SHA256)
	return shown.SHA256
}
