//go:build heif && nodynamic

package picture_test

import (
	"bytes"
	"encoding/binary"
	"image"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gen2brain/avif"
	"github.com/stretchr/testify/require"

	"truegrain/tensor/picture"
)

// An AVIF comes back with its size; where it ends early or its headers ask for too much it is refused.
func TestAVIF(t *testing.T) {
	want := picture.FromImage(corner())
	var buf bytes.Buffer
	require.NoError(t, avif.Encode(&buf, corner(), avif.Options{Quality: 95, QualityAlpha: 95, Speed: 8}))
	src := buf.Bytes()
	p, err := picture.Decode(src)
	require.NoError(t, err)
	require.Equal(t, "avif", p.Format)
	require.Equal(t, [2]int{want.W, want.H}, [2]int{p.W, p.H})
	facts, err := picture.FactsOf(src)
	require.NoError(t, err)
	require.Equal(t, want.W, facts.W)
	for n := 1; n < len(src)*3/4; n += 29 {
		_, err := picture.Decode(src[:n])
		require.Error(t, err)
	}
	bomb := bytes.Clone(src)
	at := bytes.Index(bomb, []byte("ispe"))
	binary.BigEndian.PutUint32(bomb[at+8:], 16000)
	binary.BigEndian.PutUint32(bomb[at+12:], 16000)
	_, err = picture.Decode(bomb)
	require.ErrorIs(t, err, picture.ErrTooLarge)
}

// A decoder that wants more memory than it may have fails, and so does its picture alone.
func TestAVIFMemoryIsLimited(t *testing.T) {
	var buf bytes.Buffer
	large := image.NewNRGBA(image.Rect(0, 0, 1500, 1500))
	require.NoError(t, avif.Encode(&buf, large, avif.Options{Quality: 50, QualityAlpha: 50, Speed: 10}))
	_, err := picture.Decode(buf.Bytes())
	require.NoError(t, err)
	require.NoError(t, picture.CapHEIF(8<<20))
	_, err = picture.Decode(buf.Bytes())
	require.Error(t, err)
	require.NoError(t, picture.CapHEIF(512<<20))
	_, err = picture.Decode(buf.Bytes())
	require.NoError(t, err)
}

// The decoder's own test files.
func TestHEIC(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/gen2brain/heic").Output()
	if err != nil {
		t.Skip("needs the folder of the decoder's module: go list: ", err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "testdata", "*.heic"))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("needs the test files of the decoder's module")
	}
	for _, file := range files {
		p, err := picture.Open(file)
		require.NoError(t, err, file)
		require.Equal(t, "heic", p.Format)
		src, err := os.ReadFile(file)
		require.NoError(t, err)
		_, err = picture.Decode(src[:len(src)/4])
		require.Error(t, err)
	}
}
