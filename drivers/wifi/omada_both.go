package wifi

import "context"

// omadaBoth gives each stay the kind of credential that the property file says,
// and ends what there is of the other kind, from before it said so.
type omadaBoth struct {
	wanted, other omadaKind
}

type omadaKind interface {
	controller
	// told reports whether a stay's receipt is of this kind.
	told(stay Stay) bool
}

func (b *omadaBoth) Caps() Caps { return b.wanted.Caps() }

func (b *omadaBoth) Probe(ctx context.Context) (Report, error) { return b.wanted.Probe(ctx) }

// Ensure ends the other kind once the wanted one is there: until it has, the
// receipt stays as it was, and the next try does it.
func (b *omadaBoth) Ensure(ctx context.Context, g Grant) (Credential, error) {
	changed := b.other.told(g.Stay)
	made, err := b.wanted.Ensure(ctx, g)
	if err == nil && changed {
		_, err = b.other.Revoke(ctx, g.Stay, true)
	}
	return made, err
}

// Revoke looks for both kinds, whatever the receipt says: it may be lost.
func (b *omadaBoth) Revoke(ctx context.Context, stay Stay, cut bool) (Revoked, error) {
	done, err := b.wanted.Revoke(ctx, stay, cut)
	more, errOther := b.other.Revoke(ctx, stay, cut)
	return Revoked{Credentials: done.Credentials + more.Credentials, Sessions: done.Sessions + more.Sessions}, together([]error{err, errOther})
}

func (b *omadaBoth) List(ctx context.Context) ([]Credential, error) {
	list, err := b.wanted.List(ctx)
	more, errOther := b.other.List(ctx)
	return append(list, more...), together([]error{err, errOther})
}
