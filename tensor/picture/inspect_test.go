package picture

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/png"
	"testing"

	"github.com/stretchr/testify/require"
)

func encoded(t *testing.T, w, h int) []byte {
	var buf bytes.Buffer
	require.NoError(t, png.Encode(&buf, image.NewGray(image.Rect(0, 0, w, h))))
	return buf.Bytes()
}

func TestInspectReadsHeadersOnly(t *testing.T) {
	data := encoded(t, 30, 20)
	info, err := Inspect(data, DefaultLimits)
	require.NoError(t, err)
	require.Equal(t, Info{"png", 30, 20}, info)
	small := DefaultLimits
	small.Side = 29
	_, err = Inspect(data, small)
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = Inspect([]byte("<html>"), DefaultLimits)
	require.ErrorIs(t, err, ErrNotAPicture)
	_, err = Inspect(nil, DefaultLimits)
	require.ErrorIs(t, err, ErrEmpty)
}

func TestDecodingStops(t *testing.T) {
	why := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(why)
	_, err := DecodeContext(ctx, encoded(t, 30, 20), DefaultLimits)
	require.ErrorIs(t, err, why)
	p, err := DecodeContext(t.Context(), encoded(t, 30, 20), DefaultLimits)
	require.NoError(t, err)
	require.Equal(t, 30, p.W)
}
