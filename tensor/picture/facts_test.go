package picture_test

import (
	"bytes"
	"image/jpeg"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/tensor/picture"
)

// The quality that a JPEG was written with is the one that its table says.
func TestQualityOfAJPEG(t *testing.T) {
	for q := 10; q <= 100; q++ {
		var buf bytes.Buffer
		require.NoError(t, jpeg.Encode(&buf, corner(), &jpeg.Options{Quality: q}))
		f, err := picture.FactsOf(buf.Bytes())
		require.NoError(t, err)
		require.Equal(t, q, f.Quality)
		require.True(t, f.Standard)
		require.Equal(t, "4:2:0", f.Subsampling)
		require.Equal(t, 3, f.Channels)
	}
}

func TestFactsOfAPNG(t *testing.T) {
	src := []byte(encoded(t, "png", corner()))
	text := chunk("tEXt", []byte("parameters\x00a cat"))
	f, err := picture.FactsOf(append(append(append([]byte{}, src[:33]...), text...), src[33:]...))
	require.NoError(t, err)
	require.Equal(t, []string{"text parameters"}, f.Metadata)
	require.Equal(t, corner().Bounds().Dx(), f.W)
	_, err = picture.FactsOf([]byte("words"))
	require.ErrorIs(t, err, picture.ErrNotAPicture)
}

// Facts are those of the whole file whatever is cut off behind the headers, and never a panic.
func TestFactsOfTheCorpus(t *testing.T) {
	for _, file := range corpus(t) {
		src, err := picture.ReadFile(file)
		if err != nil {
			continue
		}
		facts, err := picture.FactsOf(src)
		if p, e := picture.Decode(src); e == nil {
			require.NoError(t, err, file)
			require.Equal(t, [2]int{p.W, p.H}, [2]int{facts.W, facts.H}, file)
		}
		_, _ = picture.FactsOf(src[:len(src)/2])
	}
}
