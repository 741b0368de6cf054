package data

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"truegrain/kernels"
)

// The JPEG qualities that unbiased pictures are shown in.
const (
	unbiasedFrom = 75
	unbiasedTo   = 95
)

// Unbiased is a set in which neither size nor encoder nor metadata tells the classes apart: every AI picture
// has a photograph, of the same generator's folder where that has both, as near in size as can be; of both
// the same middle rectangle is shown, as large as fits into either, encoded as JPEG of the same quality.
// Pictures are cropped and never scaled, since scaling leaves traces of its own. What has no counterpart is
// left out; what can't be read, too.
//
// Grommelt et al. (2024) match sizes and qualities of GenImage's classes by choosing pictures; here they are
// made equal exactly, pair by pair. What remains is the first compression of what came as JPEG.
func Unbiased(ctx context.Context, s *Set, seed uint64) (*Set, error) {
	sized, err := s.withSizes(ctx)
	if err != nil {
		return nil, err
	}
	show := make([]Show, len(sized.Items))
	var left [2][]int
	groups := sized.byGenerator()
	for _, g := range groups {
		rest := sized.match(g, show, seed)
		for label := range left {
			left[label] = append(left[label], rest[label]...)
		}
	}
	if len(groups) > 1 { // generators that have one class only
		sized.match(left, show, seed)
	}
	out := &Set{Skipped: s.Skipped}
	for i, it := range sized.Items {
		if show[i] != (Show{}) {
			it.Show = show[i]
			out.Items = append(out.Items, it)
		}
	}
	if len(out.Items) == 0 {
		return nil, fmt.Errorf("unbiased pictures: %w: it takes AI pictures and photographs", ErrNoPictures)
	}
	return out, nil
}

// withSizes knows the size of every picture that can be read.
func (s *Set) withSizes(ctx context.Context) (*Set, error) {
	out := &Set{Items: make([]Item, 0, len(s.Items))}
	err := inOrder(ctx, 0, len(s.Items), func(i int) Item {
		it := s.Items[i]
		if it.W == 0 || it.H == 0 {
			if facts, _, err := it.Facts(); err == nil {
				it.W, it.H = uint16(facts.W), uint16(facts.H)
			}
		}
		return it
	}, func(_ int, it Item) error {
		if it.W > 0 && it.H > 0 {
			out.Items = append(out.Items, it)
		}
		return nil
	})
	return out, err
}

// byGenerator is the places of the pictures of each generator, by class.
func (s *Set) byGenerator() (groups [][2][]int) {
	at := map[string]int{}
	for i := range s.Items {
		name := GeneratorOf(s.Items[i].Generator)
		k, ok := at[name]
		if !ok {
			k = len(groups)
			at[name], groups = k, append(groups, [2][]int{})
		}
		label := s.Items[i].Label
		groups[k][label] = append(groups[k][label], i)
	}
	return groups
}

// match pairs pictures of both classes by size and says how each pair is shown. It returns those of a class
// that has no other.
func (s *Set) match(g [2][]int, show []Show, seed uint64) (rest [2][]int) {
	if len(g[0]) == 0 || len(g[1]) == 0 {
		return g
	}
	for label := range g {
		g[label] = slices.Clone(g[label])
		slices.SortFunc(g[label], func(a, b int) int {
			x, y := &s.Items[a], &s.Items[b]
			return cmp.Or(cmp.Compare(int(x.W)*int(x.H), int(y.W)*int(y.H)), cmp.Compare(x.W, y.W),
				strings.Compare(x.Path, y.Path))
		})
	}
	philox := kernels.NewPhilox(seed)
	n := min(len(g[0]), len(g[1]))
	for k := range n {
		i, j := g[0][k*len(g[0])/n], g[1][k*len(g[1])/n]
		a, b := &s.Items[i], &s.Items[j]
		const node = 4
		q := unbiasedFrom + uint64(philox.Word(0, node, uint64(i)))*(unbiasedTo-unbiasedFrom+1)>>32
		both := Show{W: min(a.W, b.W), H: min(a.H, b.H), Quality: uint8(q)}
		show[i], show[j] = both, both
	}
	return rest
}
