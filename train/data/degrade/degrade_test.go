package degrade_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/tensor/picture"
	"truegrain/train/data/degrade"
)

// chequered is grey with fine squares: what compression and blur take first.
func chequered(w, h int) *picture.Picture {
	p := &picture.Picture{W: w, H: h, Pix: make([]uint8, 3*w*h)}
	for i := range p.Pix {
		x, y := i/3%w, i/3/w
		p.Pix[i] = uint8(96 + 64*((x/2+y/2)%2))
	}
	return p
}

func apply(t *testing.T, name string, p *picture.Picture) *picture.Picture {
	d, err := degrade.Named([]string{name})
	require.NoError(t, err)
	before := append([]uint8(nil), p.Pix...)
	out, err := d[0].Apply(p, 7)
	require.NoError(t, err, name)
	require.Equal(t, before, p.Pix, "%s leaves its picture as it is", name)
	again, err := d[0].Apply(p, 7)
	require.NoError(t, err)
	require.Equal(t, out.Pix, again.Pix, name)
	return out
}

func deviation(a, b *picture.Picture) float64 {
	var s float64
	for i, v := range a.Pix {
		d := float64(v) - float64(b.Pix[i])
		s += d * d
	}
	return math.Sqrt(s / float64(len(a.Pix)))
}

func TestEveryNameOfTheLists(t *testing.T) {
	p := chequered(70, 50)
	for _, name := range append(degrade.Grid, degrade.GenImage...) {
		out := apply(t, name, p)
		require.Len(t, out.Pix, 3*out.W*out.H, name)
		if name == "lr64" || name == "lr112" {
			require.Equal(t, p.Pix, out.Pix, "it has fewer pixels already")
			continue
		}
		require.False(t, out.W == p.W && out.H == p.H && deviation(out, p) == 0, "%s changes nothing", name)
	}
}

func TestStrengths(t *testing.T) {
	p := chequered(64, 64)
	require.Less(t, deviation(apply(t, "jpeg95", p), p), deviation(apply(t, "jpeg30", p), p))
	require.Less(t, deviation(apply(t, "blur0.5", p), p), deviation(apply(t, "blur3", p), p))
	require.InDelta(t, 10, deviation(apply(t, "noise10", p), p), 0.3)
	half := apply(t, "resize50", p)
	require.Equal(t, []int{32, 32}, []int{half.W, half.H})
	low := apply(t, "lr16", p)
	require.Equal(t, []int{64, 64}, []int{low.W, low.H})
	require.Greater(t, deviation(low, p), 20.0, "the squares are gone")
}

// A blur keeps the mean, and by its second moment has the deviation that it is called by.
func TestBlurIsGaussian(t *testing.T) {
	p := &picture.Picture{W: 41, H: 41, Pix: make([]uint8, 3*41*41)}
	for c := range 3 {
		p.Pix[3*(20*41+20)+c] = 255
	}
	out := apply(t, "blur1", p)
	require.InDelta(t, 255/(2*math.Pi), float64(out.Pix[3*(20*41+20)]), 1)
	require.InDelta(t, 255/(2*math.Pi)*math.Exp(-0.5), float64(out.Pix[3*(20*41+21)]), 1)
	require.Zero(t, out.Pix[3*(20*41+25)])
}

// A mask follows its picture where pixels move, and keeps its edges otherwise.
func TestMasksFollow(t *testing.T) {
	d, err := degrade.Named([]string{"messenger", "jpeg30"})
	require.NoError(t, err)
	mask := chequered(50, 40)
	moved, err := d[0].Move(mask)
	require.NoError(t, err)
	require.Equal(t, []int{30, 24}, []int{moved.W, moved.H})
	same, err := d[1].Move(mask)
	require.NoError(t, err)
	require.Equal(t, mask, same)
}

func TestNamesThatAreNone(t *testing.T) {
	for _, bad := range []string{"sepia", "jpeg", "jpeg0", "jpegNaN", "blur-1", "resize1e9"} {
		_, err := degrade.Named([]string{bad})
		require.Error(t, err, bad)
	}
	d, err := degrade.Named([]string{"genimage", "q65"})
	require.NoError(t, err)
	require.Len(t, d, len(degrade.GenImage), "each once")
}
