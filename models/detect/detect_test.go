package detect

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/models"
	"truegrain/models/explain"
	"truegrain/nn/card"
	"truegrain/tensor/picture"
)

// detector is a small model with random weights and a card.
func detector(t testing.TB, arch string) *Detector {
	be, err := kernels.Open("cpu")
	require.NoError(t, err)
	t.Cleanup(func() { be.Close() })
	m, err := models.New(be, arch, models.Config{Seed: 3})
	require.NoError(t, err)
	return New(be, arch, m, &card.Card{Arch: arch, Classes: 1, Size: m.InputSize(), View: "crop",
		Std: [3]float32{1, 1, 1}, Band: [2]float64{0.4, 0.6}, Scales: map[string]float64{}})
}

// stripes is a picture of w×h with structure.
func stripes(w, h int) *picture.Picture {
	p := &picture.Picture{W: w, H: h, Pix: make([]uint8, 3*w*h)}
	for i := range p.Pix {
		p.Pix[i] = uint8(i * i % 251)
	}
	return p
}

func TestCombine(t *testing.T) {
	for _, c := range []struct {
		leans []Lean
		want  Together
	}{
		{[]Lean{LeansAI, LeansAI, LeansAI}, AllAI},
		{[]Lean{LeansAI, LeansAI, Undecided}, AllAI},
		{[]Lean{LeansPhotograph, Undecided, LeansPhotograph}, AllPhotograph},
		{[]Lean{LeansAI, LeansPhotograph, LeansAI}, Disagree},
		{[]Lean{LeansAI, Undecided, Undecided}, NoAnswer},
		{[]Lean{Undecided, Undecided, Undecided}, NoAnswer},
		{[]Lean{LeansPhotograph}, AllPhotograph},
		{nil, NoAnswer},
	} {
		var verdicts []*Verdict
		for _, l := range c.leans {
			verdicts = append(verdicts, &Verdict{Lean: l})
		}
		require.Equal(t, c.want, Combine(verdicts), "%v", c.leans)
	}
}

func TestLean(t *testing.T) {
	band := [2]float64{0.4, 0.6}
	require.Equal(t, LeansPhotograph, lean(0.39, band))
	require.Equal(t, Undecided, lean(0.4, band))
	require.Equal(t, Undecided, lean(0.6, band))
	require.Equal(t, LeansAI, lean(0.61, band))
}

// Maps cover the picture whatever the view, and a score with maps is the score without.
func TestViews(t *testing.T) {
	for _, arch := range []string{"resnet_mini", "fcn8s_mini", "vit_mini_8"} {
		d := detector(t, arch)
		p := stripes(100, 70)
		for view, n := range map[View]int{Crop: 4, Resize: 1, Full: 1} {
			v, err := d.Analyze(t.Context(), p, Options{View: view, Maps: true})
			if view == Full && d.Model.Kind() == models.Transformer {
				require.ErrorContains(t, err, "one size only")
				continue
			}
			require.NoError(t, err, "%s, view %s", arch, view)
			require.Equal(t, n, v.Views)
			require.Len(t, v.Maps, len(MapNames(d.Model)))
			for _, m := range v.Maps {
				require.Len(t, m.Values, 100*70, m.Name)
				require.Nil(t, m.Seen)
				require.NotEmpty(t, m.Title)
			}
			raw, err := d.Score(t.Context(), p, view)
			require.NoError(t, err)
			require.InDelta(t, raw, v.Raw, 1e-5)
			require.InDelta(t, 1-raw, v.AI, 1e-5, "without a calibration")
		}
		require.Zero(t, d.pool.Live(), "nothing stays in use")
	}
}

// A full view of the same crop repeated has the maps of the crop, on the same scale.
func TestFullViewsShareTheScaleOfCrops(t *testing.T) {
	const times = 4
	compared := 0
	for _, arch := range []string{"resnet_mini", "fcn8s_mini"} {
		d := detector(t, arch)
		side := d.Card.Size
		one := stripes(side, side)
		four := &picture.Picture{W: times * side, H: times * side, Pix: make([]uint8, 3*times*side*times*side)}
		for y := range four.H {
			for x := range times {
				copy(four.Pix[3*(y*four.W+x*side):], one.Pix[3*(y%side*side):][:3*side])
			}
		}
		crop, err := d.Analyze(t.Context(), one, Options{View: Crop, Maps: true})
		require.NoError(t, err)
		full, err := d.Analyze(t.Context(), four, Options{View: Full, Maps: true})
		require.NoError(t, err)
		for i, m := range crop.Maps {
			got, want := explain.Strongest(full.Maps[i].Values, 0.9), explain.Strongest(m.Values, 0.9)
			if want == 0 { // without training the segmenter has no gradient
				require.Zero(t, got, "%s: %s", arch, m.Name)
				continue
			}
			require.InEpsilon(t, want, got, 0.7, "%s: %s", arch, m.Name)
			compared++
		}
		same, err := d.Analyze(t.Context(), one, Options{View: Full, Maps: true})
		require.NoError(t, err)
		for i, m := range crop.Maps {
			require.InDeltaSlice(t, m.Values, same.Maps[i].Values, 1e-5, "%s: %s", arch, m.Name)
		}
	}
	require.Greater(t, compared, 6)
}

func TestOnlyTheWantedMaps(t *testing.T) {
	d := detector(t, "resnet_mini")
	v, err := d.Analyze(t.Context(), stripes(64, 64), Options{Maps: true,
		Only: []string{"grad_cam_ai", "cam"}})
	require.NoError(t, err)
	require.Len(t, v.Maps, 2)
	require.Equal(t, "cam", v.Maps[0].Name)
}

// Where crops overlap, maps average; a constant stays a constant.
func TestCoverage(t *testing.T) {
	views, err := patches(stripes(100, 70), Crop, 64)
	require.NoError(t, err)
	c := newCoverage(100, 70, views, 0)
	sheet := make([]float32, 100*70)
	for _, p := range views {
		c.add(sheet, p, []float32{2, 2, 2, 2}, 2, 2)
	}
	for i, v := range sheet {
		require.InDelta(t, 2, v, 1e-6, "pixel %d", i)
	}
	require.Nil(t, c.seen())
}

// A sheet of a large picture has cells of several pixels; a map that is constant stays so, one that is not is
// averaged.
func TestSheetsOfLargePicturesAreBounded(t *testing.T) {
	const w, h = 5001, 4003
	c := newCoverage(w, h, []patch{{x: 0, y: 0, spanW: w, spanH: h}}, 0)
	require.Equal(t, 3, c.side)
	require.LessOrEqual(t, c.w*c.h, maxCells)
	require.Equal(t, []int{1667, 1335}, []int{c.w, c.h})
	require.Nil(t, c.seen())
	values := make([]float32, c.w*c.h)
	c.add(values, patch{spanW: w, spanH: h}, []float32{0, 1}, 1, 2)
	for y := range c.h {
		row := values[y*c.w:][:c.w]
		require.InDelta(t, 0, row[0], 1e-6)
		require.InDelta(t, 0.5, row[c.w/2], 1e-3)
		require.InDelta(t, 1, row[c.w-1], 1e-6)
	}
}

func TestLargePicturesAreSampledAndSaySo(t *testing.T) {
	p := &picture.Picture{W: 3000, H: 2000, Pix: make([]uint8, 3*3000*2000)}
	views, err := patches(p, Crop, 64)
	require.NoError(t, err)
	require.LessOrEqual(t, len(views), maxCrops)
	require.Greater(t, len(views), maxCrops*3/4)
	seen := newCoverage(3000, 2000, views, 0).seen()
	require.Contains(t, seen, false)
	require.Contains(t, seen, true)
}

func TestScalesAreFittedOnceForAll(t *testing.T) {
	d := detector(t, "resnet_mini")
	require.NoError(t, d.FitScales(t.Context(), []*picture.Picture{stripes(64, 64), stripes(80, 64)}))
	for _, name := range MapNames(d.Model) {
		require.Positive(t, d.Card.Scales[name], name)
	}
	require.Equal(t, d.Card.Scales["grad_cam_ai"], d.Card.Scales["grad_cam_photograph"],
		"the two answers share a scale")
	v, err := d.Analyze(t.Context(), stripes(64, 64), Options{Maps: true})
	require.NoError(t, err)
	for _, m := range v.Maps {
		require.Equal(t, d.Card.Scales[m.Name], m.Max)
	}
}

func TestAnalyzeStopsWhenCancelled(t *testing.T) {
	d := detector(t, "vit_mini_8")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := d.Analyze(ctx, stripes(64, 64), Options{Maps: true})
	require.ErrorIs(t, err, context.Canceled)
	require.Zero(t, d.pool.Live())
}

func TestSaveAndLoad(t *testing.T) {
	d := detector(t, "resnet_mini")
	path := t.TempDir() + "/mine.safetensors"
	require.NoError(t, d.Save(path))
	back, err := Load(d.be, path)
	require.NoError(t, err)
	require.Equal(t, "mine", back.Name)
	require.Equal(t, d.Card.Band, back.Card.Band)
	want, err := d.Score(t.Context(), stripes(64, 64), Crop)
	require.NoError(t, err)
	got, err := back.Score(t.Context(), stripes(64, 64), Crop)
	require.NoError(t, err)
	require.Equal(t, want, got)

	_, err = Load(d.be, "no-such-detector")
	require.ErrorContains(t, err, "resnet_mini", "the error lists what is bundled")
}
