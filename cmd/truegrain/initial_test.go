package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/nn/state"
	"truegrain/train/recipes"
)

// hollowWeights writes a weight file of a full model whose values are a hole: it takes no room on disk.
func hollowWeights(t *testing.T, arch string, c models.Config) string {
	c.Empty = true
	m, err := models.New(kernels.NewPaper(), arch, c)
	require.NoError(t, err)
	head, at := map[string]any{}, 0
	for _, p := range m.Params() {
		n := 4 * p.Value.Len()
		head[p.Name] = map[string]any{"dtype": "F32", "shape": state.TorchShape(p),
			"data_offsets": []int{at, at + n}}
		at += n
	}
	js, err := json.Marshal(head)
	require.NoError(t, err)
	js = append(js, bytes.Repeat([]byte(" "), -len(js)&7)...)
	path := filepath.Join(t.TempDir(), arch+".safetensors")
	text := append(binary.LittleEndian.AppendUint64(nil, uint64(len(js))), js...)
	require.NoError(t, os.WriteFile(path, text, 0o644))
	require.NoError(t, os.Truncate(path, int64(len(text)+at)))
	return path
}

// begin loads a file into a recipe's model on paper and returns what is said.
func begin(t *testing.T, path string, arch string, sets ...string) string {
	r := recipes.Default()
	r.Model.Name = arch
	for _, s := range append([]string{"schedule=[{epochs: 1, lr: 1}]"}, sets...) {
		require.NoError(t, r.Set(s))
	}
	l := &learning{recipe: &r}
	m, err := models.New(kernels.NewPaper(), arch, l.config(true))
	require.NoError(t, err)
	var said bytes.Buffer
	require.NoError(t, l.initial(&terminal{err: &said}, m, weightsFile{path: path}))
	return said.String()
}

// torchvision's files fit full models: an auxiliary head is skipped or loaded, a trunk is taken out of a
// classifier or another segmenter, a head of a thousand classes starts fresh, and positions are interpolated.
func TestPublishedWeightsFitFullModels(t *testing.T) {
	coco := hollowWeights(t, "fcn_resnet50", models.Config{Classes: 21, Aux: true})
	imagenet := hollowWeights(t, "resnet50", models.Config{Classes: 1000})
	vit := hollowWeights(t, "vit_b_16", models.Config{Classes: 1000})
	const head = "fresh: classifier.4.bias, classifier.4.weight"
	require.Contains(t, begin(t, coco, "fcn_resnet50", "model.aux=skip"), "270 tensors loaded; "+head+"\n")
	for _, aux := range []string{"load", "train"} {
		require.Contains(t, begin(t, coco, "fcn_resnet50", "model.aux="+aux),
			"275 tensors loaded; fresh: aux_classifier.4.bias, aux_classifier.4.weight, "+head[7:]+"\n")
	}
	for _, trunk := range []string{coco, imagenet} {
		require.Contains(t, begin(t, trunk, "fcn8s_resnet50"), "tensors loaded; fresh: score8.weight")
	}
	require.Contains(t, begin(t, imagenet, "resnet50"), "fresh: fc.bias, fc.weight\n")
	require.NotContains(t, begin(t, vit, "vit_b_16"), "interpolated")
	require.Contains(t, begin(t, vit, "vit_b_16", "data.size=384"), "interpolated for pictures of 384 × 384")
}

// A transformer learns on pictures of another size than its weights', and its detector takes that size.
func TestTransformerOfAnotherSize(t *testing.T) {
	dir, out := tiny(t), filepath.Join(t.TempDir(), "run")
	code, _, errs := call(t, "train", dir, "-m", "vit_mini_8", "--weights", savedMini(t, "vit_mini_8"),
		"--size", "40", "--epochs", "1", "-o", out)
	require.Zero(t, code, errs)
	require.Contains(t, errs, "interpolated for pictures of 40 × 40")
	detector := filepath.Join(out, "detector.safetensors")
	code, _, errs = call(t, "eval", dir, "--model", detector)
	require.Zero(t, code, errs)
	pictures, err := filepath.Glob(filepath.Join(dir, "peaks", "test", "ai", "*"))
	require.NoError(t, err)
	code, _, errs = call(t, "explain", pictures[0], "--model", detector, "-o", t.TempDir())
	require.Zero(t, code, errs)
	code, said, errs := call(t, "weights", "inspect", detector)
	require.Zero(t, code, errs)
	require.Contains(t, said, "[1 26 96]")
}
