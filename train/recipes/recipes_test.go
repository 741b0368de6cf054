package recipes_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/models"
	"truegrain/train/recipes"
)

// Every embedded recipe is whole, names a model that exists, and reads back as it was printed.
func TestEmbeddedRecipes(t *testing.T) {
	names := recipes.Names()
	for _, want := range []string{"basic", "cnn-sd14", "cnn-all", "fcn-sd14", "fcn-all", "fcn8s-sd14",
		"fcn8s-all", "fcn-finetuned", "vit-sd14", "vit-all", "cnn-sd14-strong", "cnn-all-strong",
		"fcn-sd14-strong", "fcn-all-strong", "vit-sd14-strong", "vit-all-strong"} {
		require.Contains(t, names, want)
	}
	for _, name := range names {
		r, err := recipes.Open(name)
		require.NoError(t, err, name)
		require.Equal(t, name, r.Name)
		require.NotEmpty(t, r.About)
		require.True(t, slices.Contains(models.List(), r.Model.Name), name)
		src, err := r.Marshal()
		require.NoError(t, err)
		again, err := recipes.Parse("printed.yaml", src)
		require.NoError(t, err, "%s", src)
		require.Equal(t, r, again)
	}
}

// The thesis' numbers, as its table has them.
func TestThesisRecipes(t *testing.T) {
	for _, c := range []struct {
		name, model, weights, loss, optimizer string
		classes                               int
		generators                            []string
		schedule                              []recipes.Phase
	}{
		{"cnn-sd14", "resnet50", "resnet50-11ad3fa6.pth", "bce", "sgd", 1, []string{"sd14"},
			phases(10, 1e-2)},
		{"cnn-all", "resnet50", "resnet50-11ad3fa6.pth", "bce", "sgd", 1, []string{}, phases(5, 1e-2)},
		{"fcn-sd14", "fcn_resnet50", "fcn_resnet50_coco-1167a1af.pth", "pixel-mse", "adam", 1,
			[]string{"sd14"}, phases(10, 1e-3)},
		{"fcn-all", "fcn_resnet50", "fcn_resnet50_coco-1167a1af.pth", "pixel-mse", "adam", 1, []string{},
			phases(5, 1e-3)},
		{"fcn8s-all", "fcn8s_resnet50", "resnet50-11ad3fa6.pth", "pixel-mse", "adam", 1, []string{},
			phases(5, 1e-3)},
		{"fcn-finetuned", "fcn_resnet50", "runs/fcn-all/detector.safetensors", "pixel-mse", "adam", 1,
			[]string{}, phases(100, 1e-5)},
		{"vit-sd14", "vit_l_16", "vit_l_16-852ce7e3.pth", "cross-entropy", "adam", 2, []string{"sd14"},
			phases(5, 0.05, 5, 1e-5)},
		{"vit-all", "vit_l_16", "vit_l_16-852ce7e3.pth", "cross-entropy", "adam", 2, []string{},
			phases(5, 0.05, 5, 1e-5)},
	} {
		r, err := recipes.Open(c.name)
		require.NoError(t, err)
		require.Equal(t, c.model, r.Model.Name, c.name)
		require.Equal(t, c.weights, r.Model.Weights)
		require.Equal(t, c.classes, r.Model.Classes)
		require.Equal(t, c.loss, r.Loss.Name)
		require.Equal(t, c.optimizer, r.Optimizer.Name)
		require.Equal(t, c.generators, r.Data.Generators)
		require.Equal(t, c.schedule, r.Schedule)
		require.Equal(t, 0.1, r.Data.Validation)
		require.Equal(t, 32, r.Data.Batch)
		require.Equal(t, 224, r.Data.Size)
		require.Equal(t, [3]float32{0.5, 0.5, 0.5}, r.Data.Mean)
		require.Equal(t, recipes.Augment{Crop: true, FlipH: 0.5, FlipV: 0.5}, r.Augment)
		require.Zero(t, r.Optimizer.WeightDecay)
	}
}

func phases(v ...float64) (out []recipes.Phase) {
	for i := 0; i < len(v); i += 2 {
		out = append(out, recipes.Phase{Epochs: int(v[i]), LR: v[i+1], Shape: "constant"})
	}
	return out
}

func TestMistakesAreLocated(t *testing.T) {
	const good = "schedule: [{epochs: 1, lr: 0.1}]\n"
	for _, c := range []struct{ src, want string }{
		{"model:\n  name: resnet50\n  layers: 7\n" + good, `my.yaml:3: unknown key "layers" in model; allowed are aux, classes, freeze, name, weights`},
		{"modle: {}\n" + good, `my.yaml:1: unknown key "modle" in the recipe; allowed are about, accumulate, augment`},
		{"schedule:\n  - epochs: 1\n    lr: 0.1\n    warm: 3\n", `my.yaml:4: unknown key "warm" in schedule[0]; allowed are epochs, every, factor`},
		{good + "optimizer: {name: lion}\n", `my.yaml:2: optimizer.name is "lion": want sgd, adam, adamw`},
		{good + "optimizer:\n  name: sgd\n  momentum: 2\n",
			`my.yaml:4: optimizer.momentum is 2: want 0 to 0.99999`},
		{"schedule:\n  - {epochs: 1, lr: 0.1}\n  - {epochs: 0, lr: 1}\n",
			`my.yaml:3: schedule[1].epochs is 0: want 1 to 100000`},
		{good + "clip: .nan\n", "my.yaml:2: clip is NaN"},
		{good + "clip: much\n", `my.yaml:2: clip is "much": want a number`},
		{good + "model:\n  classes: many\n", `my.yaml:3: model.classes is "many": want a whole number`},
		{good + "recompute: maybe\n", `my.yaml:2: recompute is "maybe": want true or false`},
		{good + "name: " + strings.Repeat("[", 100_000), "my.yaml:2: nested deeper than 64"},
		{good + "seed: many\n", "my.yaml:2:"},
		{good + "data: {mean: [1, 2, 3, 4]}\n", "my.yaml:2: data.mean: 4 values, want 3"},
		{good + "loss: {name: cross-entropy}\n",
			"my.yaml:2: loss.name is cross-entropy: it needs model.classes 2, not 1"},
		{good + "extends: gan\n", `my.yaml:2: no recipe "gan"; there are basic, cnn-all`},
		{good + "data: {size: 0.5}\n", "my.yaml:2: data.size is 0.5: want a whole number"},
		{"about: nothing else\n", "my.yaml: schedule: want at least one phase"},
		{"a: b: c\n", "my.yaml:1:"},
		{"", "my.yaml: want one YAML document"},
		{good + good, "my.yaml:2:"},
		{good + "model: resnet50\n", "my.yaml:2:"},
		{good + "seed: {a: 1}\n", `my.yaml:2: unknown key "a" in seed; allowed are none`},
		{good + "optimizer: {groups: [{match: '[a'}]}\n", "my.yaml:2: optimizer.groups[0].match: pattern"},
	} {
		_, err := recipes.Parse("my.yaml", []byte(c.src))
		require.ErrorContains(t, err, c.want, c.src)
	}
	_, err := recipes.Parse("my.yaml", []byte(good+"optimizer: {name: lion}\nclip: -1\n"))
	require.ErrorContains(t, err, "lion")
	require.ErrorContains(t, err, "my.yaml:3: clip is -1", "all that is wrong is said at once")
}

func TestOpenTakesFilesAndNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), "mine.yaml")
	require.NoError(t, os.WriteFile(path, []byte("extends: vit-all\ndata: {batch: 8}\n"), 0o644))
	r, err := recipes.Open(path)
	require.NoError(t, err)
	require.Equal(t, "mine", r.Name)
	require.Equal(t, 8, r.Data.Batch)
	require.Equal(t, "vit_l_16", r.Model.Name)
	require.Len(t, r.Schedule, 2)
	_, err = recipes.Open("mine")
	require.ErrorContains(t, err, "vit-all")
	_, err = recipes.Open("none.yaml")
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSet(t *testing.T) {
	r, err := recipes.Open("vit-all")
	require.NoError(t, err)
	for _, s := range []string{"data.batch=8", "schedule.1.lr=0.5", "schedule[0].epochs=1",
		"model.name=vit_mini_8", "data.generators=[adm, glide]", "optimizer.groups.0.match=heads.*",
		"optimizer.groups.0.lr=3"} {
		require.NoError(t, r.Set(s), s)
	}
	require.Equal(t, 8, r.Data.Batch)
	require.Equal(t, 0.5, r.Schedule[1].LR)
	require.Equal(t, 1, r.Schedule[0].Epochs)
	require.Equal(t, []string{"adm", "glide"}, r.Data.Generators)
	require.Equal(t, []recipes.Group{{Match: "heads.*", LR: 3}}, r.Optimizer.Groups)
	was := *r
	for s, want := range map[string]string{"data.batch": "key=value", "data.batches=8": "unknown key",
		"colour.hue=1": "no key", "schedule.9.lr=1": "list of 2", "data.batch=0": "data.batch is 0",
		"seed.x=1": "plain value", "data.batch=[1": "YAML"} {
		err := r.Set(s)
		require.ErrorContains(t, err, want, s)
		require.NotRegexp(t, `:\d+:`, err.Error(), "there is no line to name")
	}
	require.Equal(t, was, *r)
}

func TestScheduleOfARecipe(t *testing.T) {
	r, err := recipes.Open("vit-all")
	require.NoError(t, err)
	rate := r.RateOf(100)
	require.Equal(t, []float64{0.05, 0.05, 1e-5}, []float64{rate(0), rate(499), rate(500)})
	r, err = recipes.Open("cnn-all-strong")
	require.NoError(t, err)
	rate = r.RateOf(100) // 500 updates, of which a tenth may warm up
	require.InDelta(t, 0.02/50, rate(0), 1e-12)
	require.InDelta(t, 0.02, rate(50), 1e-12)
	require.InDelta(t, 0, rate(500), 1e-12)
}

func TestFreezeAndLayerDecay(t *testing.T) {
	be := ref.Open32()
	m, err := models.New(be, "vit_mini_8", models.Config{Classes: 2})
	require.NoError(t, err)
	r, err := recipes.Open("vit-all")
	require.NoError(t, err)
	_, err = r.NewOptimizer(m.Params(), m.Stages(), []string{"heads.head.weight", "heads.head.bias"})
	require.NoError(t, err)
	for _, p := range m.Params() {
		require.Equal(t, p.Name != "heads.head.weight" && p.Name != "heads.head.bias", p.Frozen, p.Name)
	}
	// With layer decay the last layer moves by the whole rate, the first by that times 0.75 to the power of
	// 5.
	m, err = models.New(be, "vit_mini_8", models.Config{Classes: 2, Empty: true})
	require.NoError(t, err)
	strong, err := recipes.Open("vit-all-strong")
	require.NoError(t, err)
	opt, err := strong.NewOptimizer(m.Params(), m.Stages(), nil)
	require.NoError(t, err)
	moved := map[string]float32{}
	for _, p := range m.Params() {
		g, err := p.RestoreGrad()
		require.NoError(t, err)
		be.Fill(g.Buf, 1)
	}
	opt.Step(1)
	for _, p := range m.Params() {
		moved[p.Name] = kernels.Floats[float32](p.Value.Buf)[0]
	}
	require.InDelta(t, -1, moved["heads.head.bias"], 1e-5)
	require.InDelta(t, -0.75, moved["encoder.layers.encoder_layer_3.ln_1.bias"], 1e-5)
	require.InDelta(t, -0.2373, moved["class_token"], 1e-4)
}

// No text makes the reader panic, and what it takes is a recipe.
func FuzzParse(f *testing.F) {
	for _, name := range recipes.Names() {
		src, err := os.ReadFile(name + ".yaml")
		require.NoError(f, err)
		f.Add(string(src))
	}
	f.Add("schedule: [{epochs: 1, lr: 0.1}]\ndata: {mean: [1, 2], std: 3}\naugment: [1]\nmodel: &a {name: *a}\n")
	f.Fuzz(func(t *testing.T, src string) {
		if r, err := recipes.Parse("fuzz.yaml", []byte(src)); err == nil {
			require.NoError(t, r.Check())
		}
	})
}
