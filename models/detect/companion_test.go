package detect

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/nn/card"
)

// A classifier's verdict beside a segmenter's pixels: the score stays its own, the map is the other's.
func TestMapOfAnotherCheckpoint(t *testing.T) {
	dir := t.TempDir()
	fine := filepath.Join(dir, "fine.safetensors")
	segmenter := detector(t, "fcn8s_mini")
	require.NoError(t, segmenter.Save(fine))
	d := detector(t, "resnet_mini")
	var err error
	d.Card.MapFrom, err = CompanionOf(fine)
	require.NoError(t, err)
	path := filepath.Join(dir, "all.safetensors")
	require.NoError(t, d.Save(path))

	back, err := Load(d.be, path)
	require.NoError(t, err)
	p := stripes(100, 80)
	got, err := back.Analyze(t.Context(), p, Options{Maps: true, Only: []string{"pixel_map", "cam"}})
	require.NoError(t, err)
	require.Equal(t, []string{"pixel_map", "cam"}, []string{got.Maps[0].Name, got.Maps[1].Name})
	want, err := segmenter.Analyze(t.Context(), p, Options{Maps: true, Only: []string{"pixel_map"}})
	require.NoError(t, err)
	require.Equal(t, want.Maps[0].Values, got.Maps[0].Values)
	raw, err := d.Score(t.Context(), p, Crop)
	require.NoError(t, err)
	require.Equal(t, raw, got.Raw)

	for name, spoil := range map[string]func(){
		"another file now": func() { require.NoError(t, segmenter.SaveAs(fine, "F16")) },
		"should lie":       func() { require.NoError(t, os.Remove(fine)) },
		"want a segmenter": func() {
			other := detector(t, "resnet_mini")
			require.NoError(t, other.Save(fine))
			d.Card.MapFrom, err = CompanionOf(fine)
			require.NoError(t, err)
			require.NoError(t, d.Save(path))
		},
	} {
		require.NoError(t, segmenter.Save(fine))
		d.Card.MapFrom, err = CompanionOf(fine)
		require.NoError(t, err)
		require.NoError(t, d.Save(path))
		spoil()
		_, err = Load(d.be, path)
		require.ErrorContains(t, err, name)
	}
	d.Card.MapFrom = &card.Companion{File: "../fine.safetensors", SHA256: d.Card.MapFrom.SHA256}
	require.Error(t, d.Save(path), "only beside it")
}
