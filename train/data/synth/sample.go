package synth

import (
	"fmt"
	"slices"
)

// Sample renders one landscape, which is in no set, of any size: a photograph of it for an empty generator,
// else a picture of that generator, or if only a part of it is to be generated, a photograph with such a
// part. It gives 8-bit RGB, row by row; the same arguments give the same bytes.
func Sample(seed uint64, generator string, part bool, w, h int) ([]uint8, error) {
	at := slices.IndexFunc(Generators, func(g Generator) bool { return g.Name == generator })
	k := ai
	switch {
	case generator == "":
		at, k = 0, nature
	case at < 0:
		return nil, fmt.Errorf("synth: no generator %q", generator)
	case part:
		k = composite
	}
	if w < 16 || h < 16 || w > 4096 || h > 4096 {
		return nil, fmt.Errorf("synth: a sample of %d × %d pixels, want 16 to 4096 a side", w, h)
	}
	j := job{kind: k, index: (at * len(Splits)) << 24}
	r := newRand(seed, uint32(j.index), uint32(j.kind))
	pixels, _ := j.seen(r, drawLandscape(r, w, h))
	return pixels, nil
}
