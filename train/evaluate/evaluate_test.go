package evaluate_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/train/evaluate"
)

func TestSizeFloor(t *testing.T) {
	var apart, paired []evaluate.Prediction
	for i := range 40 {
		label := int32(i % 2)
		apart = append(apart, evaluate.Prediction{Label: label, W: 100 + int(label), H: 50})
		paired = append(paired, evaluate.Prediction{Label: label, W: 100 + i/2%5, H: 50})
	}
	require.Equal(t, 1.0, evaluate.SizeFloor(apart))
	require.Equal(t, 0.5, evaluate.SizeFloor(paired))
	require.Equal(t, 0.5, evaluate.SizeFloor(apart[:1]))
}

func TestPixels(t *testing.T) {
	mask := []bool{false, true, true, false}
	x := evaluate.CountPixels([]float32{0.9, 0.8, 0.1, 0.2}, func(i int) bool { return mask[i] }, nil, true)
	require.InDelta(t, 1.0/3, x.IoU(), 1e-12)
	require.InDelta(t, 0.5, x.F1(), 1e-12)
	require.InDelta(t, 0.5, x.Accuracy(), 1e-12)
	require.InDelta(t, 1.0/4, x.AUC, 1e-12, "of .8 and .1 against .9 and .2 only .8 > .2")
	x = evaluate.CountPixels([]float32{0.9, 0.8, 0.1, 0.2}, func(i int) bool { return mask[i] },
		[]bool{false, true, false, true}, true)
	require.Equal(t, 1.0, x.IoU(), "what was not looked at does not count")
	none := evaluate.CountPixels([]float32{0, 0}, func(int) bool { return false }, nil, true)
	require.Equal(t, 1.0, none.IoU())
	require.True(t, math.IsNaN(none.AUC))

	js, err := json.Marshal(none)
	require.NoError(t, err)
	var back evaluate.Pixels
	require.NoError(t, json.Unmarshal(js, &back))
	require.True(t, math.IsNaN(back.AUC))
	require.Equal(t, int64(2), back.TN)
}

// example is two detectors on two sets, one of a generator that only the second has seen.
func example(t *testing.T) *evaluate.Report {
	b := evaluate.Bootstrap{Samples: 100, Seed: 1}
	r := &evaluate.Report{Title: "Test", Bootstrap: b, Detectors: []evaluate.Detector{{Name: "cnn"},
		{Name: "fcn<i>"}},
		Sets: []evaluate.SetInfo{{Name: "all", Split: "test", Generators: []string{"a", "b"},
			Exclude: []string{"c"}, AI: 20,
			Photographs: 20}}}
	for _, detector := range []string{"cnn", "fcn<i>"} {
		for _, set := range []string{"all", "b"} {
			for _, deg := range []string{"", "jpeg50"} {
				var s []evaluate.Prediction
				for i := range 40 {
					p := evaluate.Prediction{File: fmt.Sprint(i), Generator: []string{"a", "b"}[i/20],
						Label: int32(i % 2), Raw: math.Mod(float64(i)*0.61803, 0.6) + 0.4*float64(i%2),
						W: 64, H: 64}
					if detector == "fcn<i>" {
						p.Pixels = evaluate.CountPixels([]float32{0.9, 0.1},
							func(k int) bool { return k == i%2 }, nil, true)
					}
					s = append(s, p)
				}
				c := evaluate.Case{Detector: detector, Set: set, View: "crop", Degradation: deg}
				x, err := evaluate.Judge(c, s, func(raw float64) float64 { return 1 - raw }, b)
				require.NoError(t, err)
				x.Part = set == "b"
				x.Known = map[string]string{"cnnb": "unseen", "cnnall": "seen",
					"fcn<i>b": "seen"}[detector+set]
				r.Results = append(r.Results, x)
			}
		}
	}
	return r
}

func TestJudge(t *testing.T) {
	x := example(t).Results[0]
	c := x.Confusion
	require.Equal(t, 40, c.N())
	require.InDelta(t, float64(c.TP+c.TN)/40, x.Of(evaluate.Accuracy).Value, 1e-12)
	require.InDelta(t, c.Accuracy(), (x.By["a"].Accuracy+x.By["b"].Accuracy)/2, 1e-12)
	require.Equal(t, evaluate.Point{FPR: 1, TPR: 1}, x.ROC[len(x.ROC)-1])
	require.Equal(t, 0.5, x.SizeFloor)
	require.Equal(t, x.Of(evaluate.ECE).Value, x.Test().ECE)

	_, err := evaluate.Judge(evaluate.Case{}, nil, nil, evaluate.Bootstrap{})
	require.Error(t, err)
	_, err = evaluate.Judge(evaluate.Case{}, []evaluate.Prediction{{File: "x.jpg", Raw: math.NaN()}},
		func(raw float64) float64 { return raw }, evaluate.Bootstrap{})
	require.ErrorContains(t, err, "x.jpg")
}

func TestReportInEveryForm(t *testing.T) {
	r := example(t)
	var text, md, table, js, page bytes.Buffer
	require.NoError(t, r.WriteText(&text))
	require.Contains(t, text.String(), "picture size alone 50.0 %")
	require.Contains(t, text.String(), "against 40 masks: IoU")
	require.Contains(t, text.String(), ", if every pixel were called AI 0.")
	require.Contains(t, text.String(), "cnn: ")
	require.NotContains(t, text.String(), "NaN")

	require.NoError(t, r.WriteMarkdown(&md))
	require.Contains(t, md.String(), "**Table 1.** Confusion matrix of cnn on all")
	require.Contains(t, md.String(), "| all | test | a, b | c | 20 | 20 |")
	require.NotContains(t, md.String(), "NaN")

	require.NoError(t, r.WriteCSV(&table))
	rows, err := csv.NewReader(&table).ReadAll()
	require.NoError(t, err, "every line has as many cells")
	require.Len(t, rows, 1+len(r.Results))

	require.NoError(t, r.WriteJSON(&js))
	var back map[string]any
	require.NoError(t, json.Unmarshal(js.Bytes(), &back))

	require.NoError(t, r.WriteHTML(&page))
	require.Contains(t, page.String(), "fcn&lt;i&gt;")
	require.NotContains(t, page.String(), "fcn<i>")
	require.NotRegexp(t, `(src|href)="(?:[^d]|d[^a])`, page.String(), "it needs no other file")
	require.Equal(t, 3, strings.Count(page.String(), "</svg>"), "ROC, reliability, robustness")

	dir := t.TempDir()
	require.NoError(t, r.WritePlots(dir))
	for _, name := range []string{"roc-all-crop.png", "reliability-all-crop.svg", "robustness-all-crop.png"} {
		info, err := os.Stat(filepath.Join(dir, name))
		require.NoError(t, err)
		require.Greater(t, info.Size(), int64(1000))
	}
}

func TestMatrixShowsTheDrop(t *testing.T) {
	m := example(t).Matrix("crop", evaluate.Accuracy)
	require.Equal(t, []string{"all", "b"}, m.Sets)
	d := m.Drops()
	require.Equal(t, m.Cells[0][0].Confusion.Accuracy(), d[0].Seen)
	require.Equal(t, m.Cells[0][1].Confusion.Accuracy(), d[0].Unseen)
	require.True(t, math.IsNaN(d[1].Unseen), "it has seen all")
}

func TestKeptPredictions(t *testing.T) {
	dir := t.TempDir()
	path, picture := filepath.Join(dir, "p", "cnn.jsonl"), filepath.Join(dir, "a.png")
	require.NoError(t, os.WriteFile(picture, []byte("one"), 0o644))
	of := map[string]string{"weights": "1"}
	k, err := evaluate.Keep(path, of)
	require.NoError(t, err)
	p := evaluate.Prediction{File: picture, Generator: "a", Label: 1, Raw: 0.25, W: 3, H: 4,
		Pixels: &evaluate.Pixels{TP: 1, AUC: 0.5}}
	require.NoError(t, k.Put(p))
	require.NoError(t, k.Close())

	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(`{"bytes":3,"ti`) // what an interruption leaves
	require.NoError(t, err)
	require.NoError(t, f.Close())
	k, err = evaluate.Keep(path, of)
	require.NoError(t, err)
	_, ok := k.Get(picture, "64x64")
	require.False(t, ok, "shown as it is")
	got, ok := k.Get(picture, "")
	require.True(t, ok)
	require.Equal(t, p, got)
	require.NoError(t, k.Put(evaluate.Prediction{File: "b"}))
	require.NoError(t, k.Close())
	k, err = evaluate.Keep(path, of)
	require.NoError(t, err)
	_, ok = k.Get("b", "")
	require.True(t, ok, "the line behind the cut one is whole")
	require.NoError(t, k.Close())

	require.NoError(t, os.WriteFile(picture, []byte("other"), 0o644))
	_, ok = k.Get(picture, "")
	require.False(t, ok, "the picture has changed")
	k, err = evaluate.Keep(path, map[string]string{"weights": "2"})
	require.NoError(t, err)
	_, ok = k.Get("b", "")
	require.False(t, ok, "other weights")
	require.NoError(t, k.Close())
}

func TestSpecs(t *testing.T) {
	dir := t.TempDir()
	for _, g := range []string{"Midjourney", "ADM"} {
		for _, class := range []string{"ai", "nature"} {
			at := filepath.Join(dir, g, "val", class)
			require.NoError(t, os.MkdirAll(at, 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(at, "1.png"), []byte("x"), 0o644))
		}
	}
	file := filepath.Join(dir, "sets.yaml")
	require.NoError(t, os.WriteFile(file,
		[]byte("sets:\n  - {name: all, data: .}\n  - {name: no adm, data: ., exclude: [adm]}\n"), 0o644))
	specs, err := evaluate.ReadSpecs(file)
	require.NoError(t, err)
	all, err := specs[0].Open("val", 1)
	require.NoError(t, err)
	require.Len(t, all.Items, 4)
	parts := all.ByGenerator()
	require.Len(t, parts, 2)
	require.Equal(t, "ADM", parts[0].Name)
	require.Nil(t, parts[0].ByGenerator())
	some, err := specs[1].Open("val", 1)
	require.NoError(t, err)
	require.Equal(t, []string{"Midjourney"}, some.Info().Generators)
	require.Equal(t, "unseen", some.Known([]string{"ADM"}))
	require.Equal(t, "mixed", all.Known([]string{"ADM"}))
	require.Equal(t, "seen", parts[0].Known([]string{"ADM"}))
	require.Empty(t, all.Known(nil))

	specs[0].Limit = 2
	few, err := specs[0].Open("val", 1)
	require.NoError(t, err)
	require.Equal(t, []int{1, 1}, []int{few.Info().AI, few.Info().Photographs}, "a limit keeps both classes")

	specs[1].Exclude = []string{"dall-e"}
	_, err = specs[1].Open("val", 1)
	require.ErrorContains(t, err, "dall-e")
	require.NoError(t, os.WriteFile(file, []byte("sets:\n  - {name: all, dir: .}\n"), 0o644))
	_, err = evaluate.ReadSpecs(file)
	require.ErrorContains(t, err, "dir")
	require.NoError(t, os.WriteFile(file, []byte("sets: []\n"), 0o644))
	_, err = evaluate.ReadSpecs(file)
	require.ErrorContains(t, err, "no test set")
}
