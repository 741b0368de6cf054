package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math"
	"path/filepath"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/detect"
	"truegrain/tensor/picture"
	"truegrain/train/data"
	"truegrain/train/evaluate"
)

// shown is a picture that was read, with its mask, or why it could not be.
type shown struct {
	picture, mask *picture.Picture
	err           error
}

// show reads a picture, and its mask if that is wanted.
func show(item *data.Item, mask bool) (s shown) {
	if s.picture, s.err = item.Picture(); s.err != nil || !mask || item.Mask == "" {
		return s
	}
	if s.mask, s.err = item.MaskPicture(); s.err != nil {
		return s
	}
	if s.mask.W != s.picture.W || s.mask.H != s.picture.H {
		s.err = fmt.Errorf("%s: %d × %d pixels, its mask has %d × %d", item.Path, s.picture.W, s.picture.H,
			s.mask.W, s.mask.H)
	}
	return s
}

// score runs a detector over a set, as its card says that it sees pictures. A picture that can't be read is
// named and left out.
func score(ctx context.Context, t *terminal, d *detect.Detector, set *data.Set) ([]evaluate.Prediction,
	error) {
	bar := t.progress("score", len(set.Items))
	defer bar.end()
	var out []evaluate.Prediction
	err := ahead(ctx, len(set.Items), func(i int) shown { return show(&set.Items[i], false) },
		func(i int, s shown) error {
			bar.at(i+1, "")
			if s.err != nil {
				t.say("%v", s.err)
				return nil
			}
			raw, err := d.Score(ctx, s.picture, detect.View(d.Card.View))
			if err == nil {
				out = append(out, predicted(&set.Items[i], s.picture, raw))
			}
			return err
		})
	return out, err
}

func predicted(item *data.Item, p *picture.Picture, raw float64) evaluate.Prediction {
	return evaluate.Prediction{File: item.Path, Shown: item.Show.String(), Generator: item.Generator,
		Label: item.Label, Raw: raw,
		W: p.W, H: p.H}
}

// random is the view of one random crop, as the thesis tests; detect has those that show all of a picture.
const random = "random"

// randomCrop cuts one square of the detector's size, padded if the picture is smaller. Where depends on the
// seed and the picture's name alone.
func randomCrop(p *picture.Picture, name string, size int, seed uint64) *picture.Picture {
	h := fnv.New64a()
	h.Write([]byte(filepath.Base(name)))
	at := kernels.NewPhilox(seed ^ h.Sum64()).Block([4]uint32{})
	w, high := min(size, p.W), min(size, p.H)
	x := int(uint64(at[0]) * uint64(p.W-w+1) >> 32)
	y := int(uint64(at[1]) * uint64(p.H-high+1) >> 32)
	return p.Crop(x, y, w, high).PadTo(size, size)
}

// seen is how one detector sees pictures in an evaluation.
type seen struct {
	d      *detect.Detector
	view   string
	seed   uint64
	pixels bool // look at the pixel map, too, where there is one
}

// predict scores a picture, and counts a pixel map's pixels against the mask or else the label.
func (s *seen) predict(ctx context.Context, item *data.Item, x shown) (evaluate.Prediction, error) {
	p, mask, view := x.picture, x.mask, detect.View(s.view)
	if s.view == random {
		view = detect.Crop
		p = randomCrop(p, item.Path, s.d.Card.Size, s.seed)
		if mask != nil {
			mask = randomCrop(mask, item.Path, s.d.Card.Size, s.seed)
		}
	}
	out := predicted(item, x.picture, math.NaN())
	if !s.pixels || s.d.Model.Kind() != models.Segmenter && s.d.Card.MapFrom == nil {
		var err error
		out.Raw, err = s.d.Score(ctx, p, view)
		return out, err
	}
	v, err := s.d.Analyze(ctx, p, detect.Options{View: view, Maps: true, Only: []string{"pixel_map"}})
	if err != nil {
		return out, err
	}
	out.Raw, out.Pixels = v.Raw, countPixels(&v.Maps[0], p, mask, item.Label)
	return out, nil
}

// countPixels compares a map, whose cells may be coarser than pixels, with what is true at their middles.
func countPixels(m *detect.Map, p, mask *picture.Picture, label int32) *evaluate.Pixels {
	truth := func(int) bool { return label == data.AI }
	if mask != nil {
		truth = func(i int) bool {
			x, y := (2*(i%m.W)+1)*p.W/(2*m.W), (2*(i/m.W)+1)*p.H/(2*m.H)
			return mask.Pix[3*(y*mask.W+x)] > 127
		}
	}
	return evaluate.CountPixels(m.Values, truth, m.Seen, mask != nil)
}

// weightsSum tells detectors apart by what their raw scores depend on: the weights and what they are shown.
func weightsSum(d *detect.Detector) string {
	h := sha256.New()
	c := d.Card
	fmt.Fprintf(h, "%s %d %d %v %v\n", c.Arch, c.Classes, c.Size, c.Mean, c.Std)
	if c.MapFrom != nil {
		fmt.Fprintln(h, c.MapFrom.SHA256)
	}
	var b [4]byte
	for _, p := range d.Model.Params() {
		for _, v := range p.Value.Float32s(p.Backend()) {
			binary.LittleEndian.PutUint32(b[:], math.Float32bits(v))
			h.Write(b[:])
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}
