// Package degrade does to pictures what happens to them on their way: compression, scaling, blur, noise,
// cropping, screenshots. Each is exact: the same picture and seed give the same pixels.
package degrade

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"truegrain/tensor/picture"
)

// Degradation is one or several steps with a name that says which: "jpeg75", "screenshot".
type Degradation struct {
	Name  string
	steps []step
}

// step is one thing that is done to a picture. One that moves pixels is also done to its mask.
type step struct {
	do    func(p *picture.Picture, seed uint64) (*picture.Picture, error)
	moves bool
}

// Apply does every step. The zero Degradation does nothing.
func (d Degradation) Apply(p *picture.Picture, seed uint64) (*picture.Picture, error) {
	var err error
	for _, s := range d.steps {
		if p, err = s.do(p, seed); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// Move does what moves pixels, as a mask must follow its picture.
func (d Degradation) Move(mask *picture.Picture) (*picture.Picture, error) {
	var err error
	for _, s := range d.steps {
		if s.moves {
			if mask, err = s.do(mask, 0); err != nil {
				return nil, err
			}
		}
	}
	return mask, nil
}

// kinds are the families of degradations: the name is the family's and a number, as in "jpeg75".
var kinds = []struct {
	name     string
	from, to float64 // of the number
	make     func(v float64) []step
}{
	{"jpeg", 1, 100, func(v float64) []step { return []step{{do: throughJPEG(int(v))}} }},
	{"webp", 0, 100, func(v float64) []step { return []step{{do: throughWebP(int(v))}} }},
	{"q", 1, 100, func(v float64) []step { return []step{{do: throughJPEG(int(v))}} }},
	{"blur", 0.1, 50, func(v float64) []step { return []step{{do: blurred(v)}} }},
	{"noise", 0.1, 128, func(v float64) []step { return []step{{do: noisy(v)}} }},
	{"resize", 1, 400, func(v float64) []step { return []step{{do: scaled(v / 100), moves: true}} }},
	{"crop", 1, 99, func(v float64) []step { return []step{{do: middle(v / 100), moves: true}} }},
	{"lr", 8, 4096, func(v float64) []step { return []step{{do: lowResolution(int(v))}} }},
}

// chains are what happens to pictures that people pass on: a screenshot shows them in another size and cuts a
// little off, a messenger compresses and shrinks what was compressed before.
var chains = []Degradation{
	{"screenshot", []step{{do: scaled(0.8), moves: true}, {do: middle(0.97), moves: true}}},
	{"screenshot-jpeg", []step{{do: scaled(0.8), moves: true}, {do: middle(0.97), moves: true},
		{do: throughJPEG(85)}}},
	{"messenger", []step{{do: throughJPEG(90)}, {do: scaled(0.6), moves: true}, {do: throughJPEG(70)}}},
}

// Grid is the degradations of a test of robustness, GenImage those of GenImage's own (Zhu et al. 2023): low
// resolution, JPEG quality, and blur by the number of its standard deviation in pixels.
var (
	Grid = []string{"jpeg95", "jpeg85", "jpeg75", "jpeg65", "jpeg50", "jpeg40", "jpeg30", "webp80", "webp50",
		"blur1", "blur2",
		"noise5", "noise10", "resize50", "resize75", "resize150", "crop75", "screenshot", "screenshot-jpeg",
		"messenger"}
	GenImage = []string{"lr112", "lr64", "q65", "q30", "blur3", "blur5"}
)

// Names lists what Named takes, for help.
func Names() string {
	var out []string
	for _, k := range kinds {
		out = append(out, k.name+"N")
	}
	for _, c := range chains {
		out = append(out, c.Name)
	}
	return strings.Join(out, ", ")
}

// Named finds degradations by name; "grid" and "genimage" are those lists.
func Named(names []string) ([]Degradation, error) {
	var all []string
	for _, n := range names {
		switch n {
		case "grid":
			all = append(all, Grid...)
		case "genimage":
			all = append(all, GenImage...)
		default:
			all = append(all, n)
		}
	}
	var out []Degradation
	for i, n := range all {
		if slices.Contains(all[:i], n) {
			continue
		}
		d, err := named(n)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, nil
}

func named(name string) (Degradation, error) {
	for _, c := range chains {
		if c.Name == name {
			return c, nil
		}
	}
	for _, k := range kinds {
		rest, ok := strings.CutPrefix(name, k.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(rest, 64)
		switch {
		case err != nil:
			continue
		case !(v >= k.from && v <= k.to):
			return Degradation{}, fmt.Errorf("degradation %s: want %s%g to %s%g", name, k.name,
				k.from, k.name, k.to)
		}
		return Degradation{name, k.make(v)}, nil
	}
	return Degradation{}, fmt.Errorf("no degradation %q; there are %s, and the lists grid and genimage", name,
		Names())
}
