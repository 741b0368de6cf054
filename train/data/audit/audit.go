// Package audit looks for shortcuts in a labelled set: what of a picture's file, rather than of its pixels,
// tells the classes apart.
package audit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"truegrain/tensor/picture"
	"truegrain/train/data"
)

// Report is what the files of both classes have in common, and what not.
type Report struct {
	Pictures   [2]int     `json:"pictures"` // AI and photographs
	Unread     int        `json:"unread"`   // not counted in any property
	Properties []Property `json:"properties"`
	Verdict    string     `json:"verdict"`
}

// Property is one thing that files say. Accuracy is the balanced accuracy of a classifier that sees nothing
// else: pictures of both classes are dealt into two halves in turn, and each half is answered by what most
// pictures of the same value are in the other half, half of them right where that is a tie. Low and High are
// its 95 % interval (normal approximation).
type Property struct {
	Name     string  `json:"name"`
	Accuracy float64 `json:"accuracy"`
	Low      float64 `json:"low"`
	High     float64 `json:"high"`
	Shortcut bool    `json:"shortcut"`
	Values   []Value `json:"values"` // most frequent first
}

// Value is how many pictures of each class have it.
type Value struct {
	Value string `json:"value"`
	Count [2]int `json:"count"` // AI and photographs
}

// tolerated is the balanced accuracy up to which a property is no shortcut.
const tolerated = 0.55

// few is the number of pictures of a class below which nothing can be said.
const few = 30

// properties are what is looked at.
var properties = []struct {
	name string
	of   func(f *picture.Facts, bytes int64) string
}{
	{"format", func(f *picture.Facts, _ int64) string { return f.Format }},
	{"size", func(f *picture.Facts, _ int64) string { return fmt.Sprintf("%d × %d", f.W, f.H) }},
	{"JPEG quality", quality},
	{"chroma subsampling", func(f *picture.Facts, _ int64) string { return cmp.Or(f.Subsampling, "none") }},
	{"progressive", func(f *picture.Facts, _ int64) string { return fmt.Sprint(f.Progressive) }},
	{"channels", func(f *picture.Facts, _ int64) string { return fmt.Sprint(f.Channels) }},
	{"metadata", func(f *picture.Facts, _ int64) string {
		return cmp.Or(strings.Join(f.Metadata, ", "), "none")
	}},
	{"bits per pixel", bitsPerPixel},
}

// quality is the estimated quality; one of tables that are nobody's standard is marked.
func quality(f *picture.Facts, _ int64) string {
	switch {
	case f.Quality == 0:
		return "none"
	case !f.Standard:
		return fmt.Sprintf("about %d", f.Quality)
	}
	return fmt.Sprint(f.Quality)
}

// bitsPerPixel is rounded to steps of √2.
func bitsPerPixel(f *picture.Facts, bytes int64) string {
	bits := 8 * float64(bytes) / float64(max(f.W*f.H, 1))
	return fmt.Sprintf("%.2g", math.Exp2(math.Round(2*math.Log2(max(bits, 1e-3)))/2))
}

// row is one picture's values.
type row struct {
	label  int32
	values []string // nil: unread
}

// Run looks at the files of a set, at their headers alone.
func Run(ctx context.Context, s *data.Set, progress func(done, total int)) (*Report, error) {
	var rows []row
	r := &Report{}
	err := data.Each(ctx, s, func(it *data.Item) row {
		f, n, err := it.Facts()
		if err != nil {
			return row{}
		}
		values := make([]string, len(properties))
		for i, p := range properties {
			values[i] = p.of(f, n)
		}
		return row{it.Label, values}
	}, func(i int, x row) {
		if x.values == nil {
			r.Unread++
		} else {
			rows = append(rows, x)
			r.Pictures[x.label]++
		}
		if progress != nil {
			progress(i+1, len(s.Items))
		}
	})
	if err != nil {
		return nil, err
	}
	for i, p := range properties {
		r.Properties = append(r.Properties, property(p.name, rows, func(x row) string { return x.values[i] }))
	}
	r.Verdict = r.verdict()
	return r, nil
}

// property counts one property's values and finds out what they tell.
func property(name string, rows []row, of func(row) string) Property {
	var count [2]map[string][2]int
	count[0], count[1] = map[string][2]int{}, map[string][2]int{}
	var n [2]int
	for _, x := range rows {
		c := count[n[x.label]%2][of(x)]
		c[x.label]++
		count[n[x.label]%2][of(x)] = c
		n[x.label]++
	}
	var right [2]float64
	for half, here := range count {
		for v, c := range here {
			switch other := count[1-half][v]; {
			case other[0] > other[1]:
				right[0] += float64(c[0])
			case other[0] < other[1]:
				right[1] += float64(c[1])
			default:
				right[0], right[1] = right[0]+float64(c[0])/2, right[1]+float64(c[1])/2
			}
		}
	}
	p := Property{Name: name, Accuracy: 0.5, Low: 0, High: 1, Values: values(count)}
	if n[0] > 0 && n[1] > 0 {
		var variance float64
		p.Accuracy = 0
		for label := range n {
			share := right[label] / float64(n[label])
			p.Accuracy += share / 2
			variance += share * (1 - share) / float64(n[label]) / 4
		}
		reach := 1.96 * math.Sqrt(variance)
		p.Low, p.High = max(0, p.Accuracy-reach), min(1, p.Accuracy+reach)
		p.Shortcut = p.Low > tolerated
	}
	return p
}

// mostValues is how many values of a property a report lists.
const mostValues = 12

func values(count [2]map[string][2]int) []Value {
	sum := map[string][2]int{}
	for _, half := range count {
		for v, c := range half {
			s := sum[v]
			sum[v] = [2]int{s[0] + c[0], s[1] + c[1]}
		}
	}
	names := slices.SortedFunc(maps.Keys(sum), func(a, b string) int {
		return cmp.Or(cmp.Compare(sum[b][0]+sum[b][1], sum[a][0]+sum[a][1]), strings.Compare(a, b))
	})
	var out []Value
	for _, v := range names[:min(len(names), mostValues)] {
		out = append(out, Value{v, sum[v]})
	}
	return out
}

// verdict is what the properties come to, in a sentence or two.
func (r *Report) verdict() string {
	if min(r.Pictures[0], r.Pictures[1]) < few {
		return fmt.Sprintf("%d AI pictures and %d photographs are too few to say: %d of each are the least.",
			r.Pictures[0], r.Pictures[1], few)
	}
	var found []string
	for _, p := range r.Properties {
		if p.Shortcut {
			found = append(found, fmt.Sprintf("%s (%.1f %%)", p.Name, 100*p.Accuracy))
		}
	}
	if len(found) == 0 {
		return fmt.Sprintf("No shortcut found: none of these tells the classes apart at more than %.0f %%.",
			100*tolerated)
	}
	return "Shortcuts: " + strings.Join(found, ", ") +
		". A detector can do so well without looking at a pixel. Crop all pictures alike, print these " +
		"figures beside every accuracy, or take the unbiased protocol, which shows both classes in the " +
		"same sizes and the same encoder."
}
