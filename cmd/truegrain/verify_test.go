package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/tensor/picture"
)

// What a picture of the unbiased protocol was shown as is kept with its score: another picture in one place,
// which would pair all of them anew, is named, and the scores of the others still agree.
func TestVerifyOfUnbiasedPictures(t *testing.T) {
	dir, out := tiny(t), filepath.Join(t.TempDir(), "run")
	code, _, errs := call(t, mini(dir, out, "--set", "data.protocol=unbiased")...)
	require.Zero(t, code, errs)
	code, said, errs := call(t, "verify", out)
	require.Zero(t, code, errs)
	require.Contains(t, said, "agrees")

	pictures, err := filepath.Glob(filepath.Join(dir, "peaks", "test", "nature", "*"))
	require.NoError(t, err)
	p, err := picture.Open(pictures[0])
	require.NoError(t, err)
	var half bytes.Buffer
	require.NoError(t, png.Encode(&half, p.Crop(0, 0, p.W/2, p.H/2).Image()))
	require.NoError(t, os.WriteFile(pictures[0], half.Bytes(), 0o644))
	code, said, errs = call(t, "verify", out)
	require.Equal(t, exitFailed, code, errs)
	name, err := filepath.Rel(dir, pictures[0])
	require.NoError(t, err)
	require.Contains(t, said, "picture "+name+": is another file\n")
	require.NotContains(t, said, "scores differ")
}
