package models

import (
	"truegrain/kernels"
	"truegrain/nn"
	"truegrain/nn/state"
)

// OpenFrozen freezes the model that New builds with the weights of a file. They are read, folded and packed
// one by one, and no other copy of them stays: neither the model's, which is never made, nor the pages of the
// mapped file. An auxiliary head in the file is passed over. The error is New's, Freeze's, or
// *state.MismatchError.
//
// Panics: as Freeze.
func OpenFrozen(
	be kernels.Backend, name string, c Config, f *state.File, batch, height, width int, opts ...FreezeOption,
) (*Frozen, error) {
	m, err := build(nn.NewBuilder(be, 0).Hollow(), name, c)
	if err != nil {
		return nil, err
	}
	weights, err := state.Match(m.Params(), f, state.Options{SkipAux: true})
	if err != nil {
		return nil, err
	}
	w := newPacker(m, freezingOf(append(opts, Consume())))
	w.file = weights
	return freeze(m, batch, height, width, w)
}
