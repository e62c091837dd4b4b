package agent

import (
	"context"
	"time"

	"edgeagent/offsetstore"
	"edgeagent/pms"
)

// report tells a PMS what came of its device commands, until it has each answer.
func (a *Agent) report(ctx context.Context, src pms.Source) error {
	for tries := 1; ; {
		asks, more, err := a.store.Untold(src.String())
		if err != nil {
			return err
		}
		failed := false
		for _, ask := range asks {
			if !ask.State().Final() {
				continue
			}
			if err := src.Acknowledge(ctx, pms.Answer{CommandID: ask.ID, State: outcome(ask.Outcome), Note: ask.Note}); err != nil {
				failed = true
				if ctx.Err() == nil {
					a.log.Warn().Str("pms", src.String()).Str("ask", ask.ID).Err(err).Msg("answer not delivered yet")
				}
				continue
			}
			if err := a.store.Reported(ask); err != nil {
				return err
			}
		}
		pause := time.Hour
		if failed {
			pause = a.patience.backoff(tries)
			tries++
		} else {
			tries = 1
		}
		if awaitMore(ctx, more, pause, failed) != nil {
			return nil
		}
	}
}

// awaitMore waits for new answers, or for the pause to be over after a failure.
func awaitMore(ctx context.Context, more <-chan struct{}, pause time.Duration, failed bool) error {
	if failed {
		return wait(ctx, pause)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-more:
		return nil
	}
}

func outcome(s offsetstore.State) pms.CommandState {
	switch s {
	case offsetstore.Processed:
		return pms.CommandProcessed
	case offsetstore.Cancelled:
		return pms.CommandCancelled
	}
	return pms.CommandError
}
