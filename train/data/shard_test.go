package data_test

import (
	"archive/tar"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels/kerneltest"
	"truegrain/train/data"
	"truegrain/train/data/audit"
)

// files are all files of a folder by name.
func files(t *testing.T, dir string) map[string]string {
	out := map[string]string{}
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, e := range entries {
		src, err := os.ReadFile(filepath.Join(dir, e.Name()))
		require.NoError(t, err)
		out[e.Name()] = string(src)
	}
	return out
}

// Shards hold the pictures of the folder, whether their index or their headers are read; a picture comes out
// of them as it went in, by item and by path.
func TestShardsAreTheFolder(t *testing.T) {
	root, dir := mixed(t), filepath.Join(t.TempDir(), "shards")
	shards, pictures, _, err := data.WriteShards(t.Context(), dir, []string{root}, 30, 1, data.Work{})
	require.NoError(t, err)
	require.Equal(t, []int{4, 96}, []int{shards, pictures})
	want := map[string]int{}
	folder, err := data.OpenGenImage(root, data.All, data.Options{})
	require.NoError(t, err)
	for i := range folder.Items {
		src, err := folder.Items[i].Bytes()
		require.NoError(t, err)
		want[string(src)+folder.Items[i].Generator]++
	}
	for i := range 2 {
		got := map[string]int{}
		s, err := data.OpenGenImage(dir, data.All, data.Options{})
		require.NoError(t, err)
		require.Len(t, s.Items, 92)
		for i := range s.Items {
			src, err := s.Items[i].Bytes()
			require.NoError(t, err)
			got[string(src)+s.Items[i].Generator]++
			again, err := data.ReadFile(s.Items[i].Path)
			require.NoError(t, err)
			require.Equal(t, src, again)
		}
		require.Equal(t, want, got)
		masks, err := data.OpenMasks(dir, data.All, data.Options{})
		require.NoError(t, err)
		require.Len(t, masks.Items, 4)
		m, err := masks.Items[2].MaskPicture()
		require.NoError(t, err)
		require.Equal(t, 6, m.W)
		if i == 0 { // the second time by their headers
			require.NoError(t, os.Remove(filepath.Join(dir, "index.csv")))
		}
	}
	_, err = data.ReadFile(filepath.Join(dir, "000000.tar", "none.png"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestShardsResume(t *testing.T) {
	root, whole, torn := mixed(t), t.TempDir(), t.TempDir()
	_, _, _, err := data.WriteShards(t.Context(), whole, []string{root}, 10, 1, data.Work{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	_, _, _, err = data.WriteShards(ctx, torn, []string{root}, 10, 1, data.Work{Progress: func(done, _ int) {
		if done >= 30 {
			cancel()
		}
	}})
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, os.WriteFile(filepath.Join(torn, ".000009.tar.123"), []byte("torn"), 0o644))
	_, _, _, err = data.WriteShards(t.Context(), torn, []string{root}, 10, 2, data.Work{})
	require.ErrorContains(t, err, "another set")
	_, _, _, err = data.WriteShards(t.Context(), torn, []string{root}, 10, 1, data.Work{})
	require.NoError(t, err)
	require.Equal(t, files(t, whole), files(t, torn))
	_, _, _, err = data.WriteShards(t.Context(), torn, []string{root}, 10, 1, data.Work{})
	require.ErrorContains(t, err, "holds shards")
}

// Shards that others made: classes by .cls, samples in no folder.
func TestForeignShards(t *testing.T) {
	png := func() []byte {
		dir := t.TempDir()
		write(t, dir, 1, 4, 4)
		src, err := os.ReadFile(filepath.Join(dir, "000.png"))
		require.NoError(t, err)
		return src
	}()
	make := func(members ...string) string {
		var buf bytes.Buffer
		w := tar.NewWriter(&buf)
		for i := 0; i < len(members); i += 2 {
			src := []byte(members[i+1])
			if members[i+1] == "png" {
				src = png
			}
			require.NoError(t, w.WriteHeader(&tar.Header{Name: members[i], Size: int64(len(src)),
				Mode: 0o644}))
			_, err := w.Write(src)
			require.NoError(t, err)
		}
		require.NoError(t, w.Close())
		file := filepath.Join(t.TempDir(), "a.tar")
		require.NoError(t, os.WriteFile(file, buf.Bytes(), 0o644))
		return file
	}
	s, err := data.OpenGenImage(make("1.png", "png", "1.cls", "0\n", "2.cls", "1", "2.png", "png",
		"2.json", "{}"), data.All, data.Options{})
	require.NoError(t, err)
	require.Equal(t, []int32{data.AI, data.Photograph}, []int32{s.Items[0].Label, s.Items[1].Label})
	for want, file := range map[string]string{"nothing says the class of 1.png": make("1.png", "png"),
		`1.cls says class "cat"`: make("1.png", "png", "1.cls", "cat"),
		"lies outside":           make("../1.png", "png")} {
		_, err := data.Open(file)
		require.ErrorContains(t, err, want)
	}
	torn, err := os.ReadFile(make("1.png", "png", "1.cls", "0"))
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "a.tar")
	require.NoError(t, os.WriteFile(file, torn[:700], 0o644))
	_, err = data.Open(file)
	require.ErrorContains(t, err, file)
}

// A check lists what can't be read, goes on after an interruption, and an index leaves out what it lists.
func TestCheck(t *testing.T) {
	root, dir := mixed(t), t.TempDir()
	bad := filepath.Join(root, "Midjourney", "train", "ai", "bad, really.png")
	require.NoError(t, os.WriteFile(bad, []byte("words"), 0o644))
	write(t, filepath.Join(root, "inpaint", "train", "masks"), 1, 9, 9)
	whole, torn := filepath.Join(dir, "whole.csv"), filepath.Join(dir, "torn.csv")
	r, err := data.Check(t.Context(), whole, []string{root}, data.Work{})
	require.NoError(t, err)
	require.Equal(t, &data.Checked{Pictures: 97, Unreadable: 2}, r)
	text, err := os.ReadFile(whole)
	require.NoError(t, err)
	require.Equal(t, `path,reason
"Midjourney/train/ai/bad, really.png","not a JPEG, PNG, WebP, GIF or BMP picture"
inpaint/train/pictures/000.png,"the mask has 9 × 9 pixels, its picture 6 × 6"
#2 of 97 pictures can't be read
`, string(text))
	for _, at := range []int{1, 50, 96} {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := data.Check(ctx, torn, []string{root}, data.Work{Progress: func(done, _ int) {
			if done == at {
				cancel()
			}
		}})
		require.ErrorIs(t, err, context.Canceled)
		_, err = data.Check(t.Context(), torn, []string{root}, data.Work{})
		require.NoError(t, err)
		again, err := os.ReadFile(torn)
		require.NoError(t, err)
		require.Equal(t, string(text), string(again))
	}
	n, skipped, err := data.WriteIndex(t.Context(), filepath.Join(dir, "index.csv"), []string{root},
		data.Work{Exclude: []string{whole}})
	require.NoError(t, err)
	require.Equal(t, []int{95, 2}, []int{n, skipped})
}

// In the unbiased protocol nothing but pixels tells the classes apart, where it is plain in the raw files.
func TestUnbiased(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a", "train", "ai"), 40, 16, 12)
	write(t, filepath.Join(root, "a", "train", "nature"), 50, 20, 9)
	s, err := data.OpenGenImage(root, data.All, data.Options{})
	require.NoError(t, err)
	raw, err := audit.Run(t.Context(), s, nil)
	require.NoError(t, err)
	require.Equal(t, "size", raw.Properties[1].Name)
	require.Equal(t, 1.0, raw.Properties[1].Accuracy)
	require.Contains(t, raw.Verdict, "size (100.0 %)")
	fair, err := data.Unbiased(t.Context(), s, 1)
	require.NoError(t, err)
	require.Len(t, fair.Items, 80)
	p, err := fair.Items[0].Picture()
	require.NoError(t, err)
	require.Equal(t, []int{16, 9}, []int{p.W, p.H})
	report, err := audit.Run(t.Context(), fair, nil)
	require.NoError(t, err)
	for _, prop := range report.Properties {
		if prop.Name != "bits per pixel" { // the pixels' own
			require.False(t, prop.Shortcut, prop.Name)
		}
	}
	again, err := data.Unbiased(t.Context(), s, 1)
	require.NoError(t, err)
	require.Equal(t, fair, again)
	s.Items = s.Items[:30]
	_, err = data.Unbiased(t.Context(), s, 1)
	require.ErrorIs(t, err, data.ErrNoPictures)
}

// What is known of the shared photographs: size alone gives coco-diffusion away, and not eenx16-mini.
func TestAuditOfRealPictures(t *testing.T) {
	for set, shortcut := range map[string]bool{"coco-diffusion": true, "eenx16-mini": false} {
		s, err := data.OpenGenImage(kerneltest.Shared(t, "data", "photos", set), data.All, data.Options{})
		require.NoError(t, err)
		r, err := audit.Run(t.Context(), s, nil)
		require.NoError(t, err)
		require.Equal(t, shortcut, r.Properties[1].Shortcut, set)
	}
}
