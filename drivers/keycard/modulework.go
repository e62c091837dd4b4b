package keycard

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"edgeagent/drivers"
	"edgeagent/drivers/keycard/pn532"
)

// moduleDo carries one action out on a module.
type moduleDo func(*Module, context.Context, *pn532.Reader, drivers.Command) (drivers.Receipt, error)

// moduleActions are the actions that a module has.
var moduleActions = map[string]moduleDo{
	actionEncode: (*Module).encode, actionRead: (*Module).read, actionErase: (*Module).erase, actionImage: (*Module).writeImage,
}

// Do makes, reads or erases cards. The context counts until the first byte is
// written to a card. A command that made cards, or may have, is answered from
// memory if it comes again.
//
// Errors are as those of Driver.Do.
func (m *Module) Do(ctx context.Context, cmd drivers.Command) (drivers.Receipt, error) {
	e, mine := m.memory.begin(cmd.ID)
	if !mine {
		select {
		case <-e.done:
			return m.memory.recall(e)
		case <-ctx.Done():
			return drivers.Receipt{}, context.Cause(ctx)
		}
	}
	receipt, err := m.carryOut(ctx, cmd)
	f, isFailure := errors.AsType[*Failure](err)
	keep := err == nil || errors.Is(err, drivers.ErrUnknown) || isFailure && f.Made > 0
	m.memory.finish(cmd.ID, e, receipt, err, keep)
	return receipt, err
}

func (m *Module) carryOut(ctx context.Context, cmd drivers.Command) (drivers.Receipt, error) {
	do := moduleActions[cmd.Action]
	if do == nil {
		return drivers.Receipt{}, lacksAction(cmd.Action)
	}
	if name := cmd.Params["encoder"]; name != "" {
		return drivers.Receipt{}, refused(BadRequest, "encoder %q: a PN532 is one encoder and has no others behind it: leave encoder out", printable(name, maxEncoder))
	}
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return drivers.Receipt{}, fmt.Errorf("given up before a card was written: %w", context.Cause(ctx))
	}
	before := m.State()
	r, err := m.open()
	var receipt drivers.Receipt
	if err == nil {
		what := cmd.Action
		if room := cmd.Params["room"]; room != "" {
			what += " for room " + printable(room, maxName)
		}
		m.setState(drivers.Busy, what)
		receipt, err = do(m, ctx, r, cmd)
	}
	<-m.turn
	if r != nil && !m.learn(r, err) {
		m.setState(before.Condition, before.Reason) // the module was not even asked
	}
	return receipt, err
}

// lacksAction refuses what a module cannot do.
func lacksAction(action string) error {
	switch action {
	case actionCancel:
		return refused(BadRequest, "keys for your own locks cannot be called back from here: each ends at its hour, or when a later key of the room opens the door; make a new key and use it once")
	case actionModify:
		return refused(BadRequest, "the end of a stay stands on the card: make a new key with the new end")
	}
	return refused(BadRequest, "a PN532 has no action %q: it has encode, read, erase_card and write_image", printable(action, 40))
}

// how passes progress on, and says what may be overwritten.
func (m *Module) how(cmd drivers.Command) pn532.How {
	return pn532.How{Progress: cmd.Progress, Overwrite: m.cfg.PN532.Overwrite == overwriteAny}
}

// encode makes one key after another; each card is taken off before the next.
func (m *Module) encode(ctx context.Context, r *pn532.Reader, cmd drivers.Command) (drivers.Receipt, error) {
	receipt := drivers.Receipt{Values: map[string]string{}}
	key, err := m.key(cmd, time.Now())
	if err != nil {
		return receipt, err
	}
	var hints []string
	for made := range key.copies {
		res, err := r.Encode(ctx, key.Credential, m.how(cmd))
		if err != nil {
			if err = moduleFailure(err, made, key.copies); errors.Is(err, drivers.ErrUnknown) {
				key.remember(receipt.Values) // if it was made after all
			}
			return receipt, err
		}
		n := strconv.Itoa(made + 1)
		receipt.Values["cards"], receipt.Values["uid_"+n] = n, res.UID
		key.remember(receipt.Values)
		hints = append(hints, res.Hints...)
	}
	receipt.Note = withHints(fmt.Sprintf("%s of our own for room %s, valid until %s", cards(key.copies), printable(cmd.Params["room"], maxName), m.clock(key.Until)), hints)
	return receipt, nil
}

// remember notes in a receipt which key the room has from now on.
func (k *ownKey) remember(values map[string]string) {
	values[valueKey], values[valueGeneration] = k.identity, strconv.FormatUint(uint64(k.Generation), 10)
	values[drivers.ValueAt] = instant(time.Now())
}

// read explains a card.
func (m *Module) read(ctx context.Context, r *pn532.Reader, cmd drivers.Command) (drivers.Receipt, error) {
	card, err := r.ReadCard(ctx, m.how(cmd))
	if err != nil {
		return drivers.Receipt{}, moduleFailure(err, 0, 0)
	}
	values := map[string]string{"uid": card.UID, "model": card.Model, "card_kind": string(CardUnknown)}
	text := "card that we did not write"
	switch card.Content {
	case pn532.Blank:
		text, values["card_kind"] = "blank card", string(CardSpare)
	case pn532.Unfinished:
		text, values["card_kind"] = "key that was not written to its end: it opens nothing and can be written again", string(CardSpare)
	case pn532.Message:
		text = "card with a message for phones"
	case pn532.OtherKey:
		text = "key that is not ours: " + card.Problem.Error()
	case pn532.OurKey:
		text = m.explain(card.Key, values)
	}
	return drivers.Receipt{Note: withHints(text, card.Hints), Values: values}, nil
}

// explain says what a key of ours opens.
func (m *Module) explain(key pn532.Credential, values map[string]string) string {
	who, kind := "guest's", CardGuest
	if key.Kind == pn532.Staff {
		who, kind = "staff", CardStaff
	}
	values["card_kind"], values["rooms"] = string(kind), strings.Join(key.Rooms, ",")
	values["until"], values[valueGeneration] = key.Until.In(m.site.Zone).Format(time.RFC3339), strconv.FormatUint(uint64(key.Generation), 10)
	if !key.From.IsZero() {
		values["from"] = key.From.In(m.site.Zone).Format(time.RFC3339)
	}
	text := fmt.Sprintf("%s key of ours for room %s, until %s", who, strings.Join(key.Rooms, ", "), m.clock(key.Until))
	if !key.Until.After(time.Now()) {
		text += ", which is past"
	}
	return text
}

// erase makes a returned card blank again.
func (m *Module) erase(ctx context.Context, r *pn532.Reader, cmd drivers.Command) (drivers.Receipt, error) {
	res, err := r.Erase(ctx, m.how(cmd))
	if err != nil {
		return drivers.Receipt{}, moduleFailure(err, 0, 0)
	}
	return drivers.Receipt{Note: withHints("the card is blank again ("+res.Model+")", res.Hints)}, nil
}

// writeImage writes the card image that a lock system has handed out, see
// pn532.ParseImage. What the lock system makes of such a card is its own affair.
func (m *Module) writeImage(ctx context.Context, r *pn532.Reader, cmd drivers.Command) (drivers.Receipt, error) {
	image, err := pn532.ParseImage(strings.Split(cmd.Params["image"], "|"))
	if err != nil {
		return drivers.Receipt{}, refused(BadRequest, "%s", err)
	}
	uid := strings.ToUpper(cmd.Params["uid"])
	res, err := r.WriteImage(ctx, m.how(cmd), func(_ context.Context, card pn532.Card) (pn532.Image, error) {
		if uid != "" && uid != card.UID {
			return nil, refused(BadRequest, "the card image is for another card: lay that one on the encoder")
		}
		return image, nil
	})
	if err != nil {
		return drivers.Receipt{}, moduleFailure(err, 0, 0)
	}
	return drivers.Receipt{Note: withHints("card image written and read back ("+res.Model+")", res.Hints)}, nil
}

func withHints(note string, hints []string) string {
	if len(hints) > 0 {
		note += "; " + strings.Join(hints, "; ")
	}
	return note
}

func (m *Module) clock(t time.Time) string { return t.In(m.site.Zone).Format("2006-01-02 15:04") }

// moduleFailure puts the error of a request into the words of all encoders. Once
// cards were made, trying the command again would make them again.
func moduleFailure(err error, made, wanted int) error {
	f, isFailure := errors.AsType[*pn532.Failure](err)
	if made == 0 && !isFailure {
		return err
	}
	g := refused(LinkLost, "%s", err)
	if isFailure {
		g.Reason, g.Code, g.Hint, g.kind = Reason(f.Reason), f.Code, f.Hint, f.Unwrap()
		if f.Spoilt {
			g.Hint += "; the card opens nothing now and can be written again"
		}
		if f.Doubtful {
			g.Hint += "; what the card held before may still be valid"
		}
	} else if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		g.Reason = Cancelled
	}
	if g.Wanted = wanted; made == 0 {
		return g
	}
	if g.Made = made; !errors.Is(g, drivers.ErrUnknown) {
		g.kind = drivers.ErrRefused
	}
	g.Hint += "; make a duplicate for each card that is missing"
	return g
}
