package data_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/train/data"
)

// counts is how many pictures of each class a part has, and the generators they are said to be of.
func counts(t *testing.T, root, split string, generators ...string) (ai, nature int, names map[string]int) {
	s, err := data.OpenGenImage(root, split, data.Options{Generators: generators})
	require.NoError(t, err)
	names = map[string]int{}
	for _, it := range s.Items {
		names[it.Generator]++
		if it.Label == data.AI {
			ai++
		} else {
			nature++
		}
	}
	return ai, nature, names
}

func TestRealAndFakeFolders(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"test/progan/car", "test/progan/cat", "test/stargan", "train/horse"} {
		write(t, filepath.Join(root, dir, "0_real"), 3, 4, 4)
		write(t, filepath.Join(root, dir, "1_fake"), 2, 4, 4)
	}
	ai, nature, names := counts(t, root, data.Test)
	require.Equal(t, []int{6, 9}, []int{ai, nature})
	require.Equal(t, map[string]int{"progan": 10, "stargan": 5}, names)
	ai, _, names = counts(t, root, data.All, "progan")
	require.Equal(t, 4, ai)
	require.Len(t, names, 1)

	// without a split: a seeded share is validated on
	flat := t.TempDir()
	write(t, filepath.Join(flat, "biggan", "0_real"), 10, 4, 4)
	write(t, filepath.Join(flat, "biggan", "1_fake"), 10, 4, 4)
	ai, nature, names = counts(t, flat, data.All)
	require.Equal(t, []int{10, 10, 20}, []int{ai, nature, names["biggan"]})
	ai, nature, _ = counts(t, flat, data.Val)
	require.Equal(t, []int{1, 1}, []int{ai, nature})
}

func TestFlatFolderOfOneClass(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "a"), 2, 4, 4)
	write(t, root, 3, 4, 4)
	ai, nature, _ := counts(t, root+"=nature", data.All)
	require.Equal(t, []int{0, 5}, []int{ai, nature})
	require.Equal(t, root, data.Root(root+"=nature"))
	_, err := data.Open(filepath.Join(root, "none") + "=ai")
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Both namings of GenImage's folders, and the names of its paper.
func TestGeneratorNames(t *testing.T) {
	for folder, want := range map[string]string{
		"imagenet_ai_0419_sdv4": "sd14", "stable_diffusion_v_1_4": "sd14",
		"Stable Diffusion V1.4": "sd14", "SDv14": "sd14", "imagenet_ai_0424_sdv5": "sd15",
		"stable_diffusion_v_1_5": "sd15", "imagenet_ai_0508_adm": "adm", "imagenet_glide": "glide",
		"imagenet_ai_0424_wukong": "wukong", "imagenet_ai_0419_vqdm": "vqdm", "BigGAN": "biggan",
		"imagenet_midjourney": "midjourney", "stargan": "stargan"} {
		require.Equal(t, want, data.GeneratorOf(folder), folder)
	}
}

func TestEmptyClass(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "train", "ai"), 2, 4, 4)
	require.NoError(t, os.MkdirAll(filepath.Join(root, "train", "nature"), 0o755))
	_, err := data.OpenGenImage(root, data.Train, data.Options{})
	require.ErrorIs(t, err, data.ErrEmptyClass)
	require.ErrorContains(t, err, filepath.Join("train", "nature"))
}

// touch makes files that only have names.
func touch(t *testing.T, paths ...string) {
	for _, p := range paths {
		require.NoError(t, os.MkdirAll(filepath.Dir(p), 0o755))
		require.NoError(t, os.WriteFile(p, nil, 0o644))
	}
}

// The thesis' damaged files are left out wherever GenImage's pictures lie; photographs only by a list, and
// for the generator that it is of.
func TestDamagedFilesAreSkipped(t *testing.T) {
	root := t.TempDir()
	in := func(elem ...string) string { return filepath.Join(append([]string{root}, elem...)...) }
	touch(t, in("imagenet_ai_0508_adm/train/ai/115_adm_135.PNG"),
		in("imagenet_ai_0508_adm/train/ai/115_adm_136.PNG"),
		in("imagenet_ai_0508_adm/train/nature/n1_2.JPEG"),
		in("stable_diffusion_v_1_5/train/ai/033_sdv5_00134.png"),
		in("stable_diffusion_v_1_5/train/nature/n1_2.JPEG"),
		in("stable_diffusion_v_1_5/train/nature/n1_3.JPEG"))
	s, err := data.OpenGenImage(root, data.All, data.Options{})
	require.NoError(t, err)
	require.Equal(t, []int{5, 1}, []int{len(s.Items), s.Skipped})

	list := in("corrupted_files/imagenet_ai_0424_sdv5.txt")
	require.NoError(t, os.MkdirAll(filepath.Dir(list), 0o755))
	require.NoError(t, os.WriteFile(list, []byte("./imagenet_ai_0424_sdv5/train/nature/n1_2.JPEG\n"), 0o644))
	s, err = data.OpenGenImage(root, data.All, data.Options{})
	require.NoError(t, err)
	require.Equal(t, []int{4, 2}, []int{len(s.Items), s.Skipped})
	for _, it := range s.Items {
		require.NotEqual(t, in("stable_diffusion_v_1_5/train/nature/n1_2.JPEG"), it.Path)
	}
	require.NoError(t, os.WriteFile(list, []byte("./a/train/ai/x.png\nn1_2.JPEG\n"), 0o644))
	_, err = data.OpenGenImage(root, data.All, data.Options{})
	require.ErrorContains(t, err, list+":2")
}
