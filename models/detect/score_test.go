package detect

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/models"
	"truegrain/tensor/picture"
)

// A picture's score is the same to the bit alone and in company, whatever its place in the batches.
func TestScoresDoNotDependOnCompany(t *testing.T) {
	for _, arch := range []string{"resnet_mini", "fcn8s_mini", "vit_mini_8"} {
		d := detector(t, arch)
		var asks []Ask
		for i := range 4 {
			asks = append(asks, Ask{t.Context(), stripes(130+70*i, 90+40*i), Crop})
		}
		asks = append(asks, Ask{t.Context(), stripes(64, 64), Resize})
		for i, a := range d.ScoreAll(t.Context(), asks) {
			require.NoError(t, a.Err)
			alone, err := d.Score(t.Context(), asks[i].Picture, asks[i].View)
			require.NoError(t, err)
			require.Equal(t, alone, a.Raw, "%s, picture %d", arch, i)
		}
	}
}

func TestOneOfSeveralGivesUp(t *testing.T) {
	d := detector(t, "resnet_mini")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	out := d.ScoreAll(t.Context(), []Ask{{gone, stripes(200, 100), ""}, {t.Context(), stripes(200, 100), ""}})
	require.ErrorIs(t, out[0].Err, context.Canceled)
	require.NoError(t, out[1].Err)
	require.Equal(t, 8, out[1].Views)
}

// Exact scores are the tape's to the last bits; fast ones stay within a hundred-thousandth.
func TestMethods(t *testing.T) {
	p := stripes(128, 64)
	fast, exact := detector(t, "resnet_mini"), detector(t, "resnet_mini")
	exact.Exact()
	require.Empty(t, fast.Method())
	a, err := fast.Analyze(t.Context(), p, Options{})
	require.NoError(t, err)
	b, err := exact.Analyze(t.Context(), p, Options{})
	require.NoError(t, err)
	require.Contains(t, a.Method, "fast")
	require.Equal(t, "exact", b.Method)
	require.InDelta(t, b.Raw, a.Raw, 1e-5)
	_, onTape, err := exact.Explain(t.Context(), p, Options{})
	require.NoError(t, err)
	require.InDelta(t, onTape, b.Raw, 1e-6)
	fast.Close()
	_, err = fast.Score(t.Context(), p, Crop)
	require.NoError(t, err, "a closed detector freezes anew")
}

func TestFewerCells(t *testing.T) {
	d := detector(t, "resnet_mini")
	maps, _, err := d.Explain(t.Context(), stripes(128, 64), Options{Only: []string{"cam"}, Cells: 2048})
	require.NoError(t, err)
	require.Equal(t, []int{64, 32}, []int{maps[0].W, maps[0].H})
}

func TestStages(t *testing.T) {
	for _, arch := range []string{"resnet_mini", "fcn8s_mini", "vit_mini_8"} {
		d := detector(t, arch)
		got, err := d.Stages(t.Context(), stripes(100, 70), "", 0, 5)
		require.NoError(t, err)
		params, mapped := 0, 0
		for _, s := range got {
			params += s.Parameters
			require.Positive(t, s.Cost.FLOPs, s.Name)
			if s.Features != nil {
				mapped++
				require.Len(t, s.Features.Values, 5)
				require.Len(t, s.Features.Values[0], s.Features.H*s.Features.W)
				require.Positive(t, s.Features.Max)
			}
		}
		want := 0
		for _, p := range d.Model.Params() {
			if !p.Buffer {
				want += p.Value.Len()
			}
		}
		require.Equal(t, want, params, "every parameter belongs to one stage")
		require.Equal(t, len(d.Model.Stages()), mapped)
		require.Equal(t, Before, got[0].Name)
		require.Equal(t, Behind, got[len(got)-1].Name)
		_, err = d.Stages(t.Context(), stripes(100, 70), "", 4, 5)
		require.ErrorContains(t, err, "view 4 asked for; the picture has 4")
	}
}

func TestAttentionOfOneView(t *testing.T) {
	d := detector(t, "vit_mini_8")
	p := stripes(200, 130)
	rects, err := d.Rects(p.W, p.H, "")
	require.NoError(t, err)
	require.Len(t, rects, 12)
	_, err = d.Rects(p.W, p.H, Full)
	require.ErrorContains(t, err, "one size only")
	require.Equal(t, 6, Middle(rects, p.W, p.H))
	a, err := d.Attention(t.Context(), p, "", 6)
	require.NoError(t, err)
	require.Equal(t, 1, a.B)
	require.Equal(t, len(d.Model.Stages()), len(a.Layers))
	for _, layer := range a.Distances(0) {
		for _, v := range layer {
			require.Greater(t, v, 0.0)
			require.Less(t, v, 10.0)
		}
	}
	_, err = detector(t, "resnet_mini").Attention(t.Context(), p, "", 0)
	require.ErrorContains(t, err, "no transformer")
	require.Equal(t, models.Transformer, d.Model.Kind())
}

// The speed of scores alone: one JPEG's pixels through a detector that was made ready.
func BenchmarkScore(b *testing.B) {
	p := &picture.Picture{W: 1024, H: 768, Pix: make([]uint8, 3*1024*768)}
	for _, arch := range []string{"resnet_mini", "fcn8s_mini", "vit_mini_8"} {
		b.Run(arch, func(b *testing.B) {
			d := detector(b, arch)
			require.NoError(b, d.Warm(b.Context()))
			for b.Loop() {
				_, err := d.Score(b.Context(), p, Crop)
				require.NoError(b, err)
			}
		})
	}
}
