package card_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/nn/card"
)

func valid() *card.Card {
	return &card.Card{Arch: "resnet18", Classes: 1, Size: 224, View: "crop", Std: [3]float32{1, 1, 1},
		Band: [2]float64{0.4, 0.6}, Data: "pictures", Generators: []string{"adm"},
		Calibration: &card.Calibration{Method: card.Platt, A: -4, B: 2, N: 40, Data: "40 pictures",
			Before: &card.Quality{ECE: 0.2, Brier: 0.2, LogLoss: 0.7},
			After:  &card.Quality{ECE: 0.1, Brier: 0.1, LogLoss: 0.4}, Tested: "20 test pictures"},
		Reliability: []card.Bin{{Lo: 0, Hi: 0.5, N: 20, AI: 2, Mean: 0.1}, {Lo: 0.5, Hi: 1, Mean: 0.75}},
		Thresholds: []card.Threshold{{FPR: 0.01, P: 0.9, FP: 1, Photographs: 100, TP: 7, AI: 10}, {FPR: 0.05,
			P: 0.8}},
		Scales:  map[string]float64{"cam": 3},
		MapFrom: &card.Companion{File: "fcn-finetuned.safetensors", SHA256: strings.Repeat("0f", 32)},
		Test: &card.Test{N: 20, Accuracy: 0.9, Interval: [2]float64{0.7, 0.97}, AUC: 0.9, SizeFloor: 0.5,
			HeldOut:         0.8,
			HeldOutInterval: &[2]float64{0.6, 0.9},
			Sets: []card.Set{{Name: "adm", Seen: true, N: 20, Accuracy: 0.9, Interval: [2]float64{0.7,
				0.97}}}}}
}

func TestRoundTrip(t *testing.T) {
	meta, err := valid().Metadata()
	require.NoError(t, err)
	back, err := card.Read(meta)
	require.NoError(t, err)
	require.Equal(t, valid(), back)
	_, err = card.Read(nil)
	require.ErrorIs(t, err, card.ErrNone)
}

// Each is refused on reading, and is not written either.
func TestHostileCardsAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(c *card.Card){
		"arch":              func(c *card.Card) { c.Arch = "" },
		"classes":           func(c *card.Card) { c.Classes = 1000 },
		"size":              func(c *card.Card) { c.Size = 1 << 30 },
		"view":              func(c *card.Card) { c.View = "../../etc" },
		"band":              func(c *card.Card) { c.Band = [2]float64{0.9, 0.1} },
		"std":               func(c *card.Card) { c.Std[1] = 0 },
		"mean":              func(c *card.Card) { c.Mean[1] = 1e9 },
		"epochs":            func(c *card.Card) { c.Epochs = -1 },
		"terminal":          func(c *card.Card) { c.Data = "\x1b[2Jclean" },
		"long text":         func(c *card.Card) { c.Note = strings.Repeat("a", 5000) },
		"generator":         func(c *card.Card) { c.Generators[0] = strings.Repeat("a", 300) },
		"bins":              func(c *card.Card) { c.Reliability[0].AI = 21 },
		"negative bin":      func(c *card.Card) { c.Reliability[0].AI = -1 },
		"gap":               func(c *card.Card) { c.Reliability[1].Lo = 0.6 },
		"bins end early":    func(c *card.Card) { c.Reliability = c.Reliability[:1] },
		"mean of a bin":     func(c *card.Card) { c.Reliability[0].Mean = 0.7 },
		"many bins":         func(c *card.Card) { c.Reliability = make([]card.Bin, 1001) },
		"threshold":         func(c *card.Card) { c.Thresholds[0].P = 1.5 },
		"threshold counts":  func(c *card.Card) { c.Thresholds[0].FP = 101 },
		"threshold order":   func(c *card.Card) { c.Thresholds[0].FPR = 0.05 },
		"scale":             func(c *card.Card) { c.Scales["cam"] = -1 },
		"map path":          func(c *card.Card) { c.MapFrom.File = "../other.safetensors" },
		"map folder":        func(c *card.Card) { c.MapFrom.File = "a/other.safetensors" },
		"map name":          func(c *card.Card) { c.MapFrom.File = "" },
		"map sum":           func(c *card.Card) { c.MapFrom.SHA256 = "abc" },
		"method":            func(c *card.Card) { c.Calibration.Method = "magic" },
		"platt":             func(c *card.Card) { c.Calibration.A = 1e300 },
		"temperature":       func(c *card.Card) { c.Calibration = &card.Calibration{Method: card.Temperature} },
		"both":              func(c *card.Card) { c.Calibration.T = 1 },
		"quality":           func(c *card.Card) { c.Calibration.After.ECE = 2 },
		"accuracy":          func(c *card.Card) { c.Test.Accuracy = 1.1 },
		"interval":          func(c *card.Card) { c.Test.Interval = [2]float64{0.5, 0.4} },
		"held-out interval": func(c *card.Card) { c.Test.HeldOutInterval[1] = 7 },
		"set":               func(c *card.Card) { c.Test.Sets[0].N = -1 },
	} {
		c := valid()
		spoil(c)
		_, err := c.Metadata()
		require.Error(t, err, name)
		js, err := json.Marshal(c)
		require.NoError(t, err, name)
		_, err = card.Read(map[string]string{card.Key: string(js)})
		require.ErrorContains(t, err, "model card: ", name)
	}
}

func TestWhatIsNoCardIsRefused(t *testing.T) {
	meta, err := valid().Metadata()
	require.NoError(t, err)
	js := meta[card.Key]
	for name, js := range map[string]string{
		"cut":     js[:len(js)-1],
		"behind":  js + "{}",
		"unknown": strings.Replace(js, `{"arch"`, `{"scramble":1,"arch"`, 1),
		"type":    strings.Replace(js, `"size":224`, `"size":"224"`, 1),
		"long":    strings.Repeat(" ", 1<<18) + js,
		"empty":   "",
	} {
		_, err := card.Read(map[string]string{card.Key: js})
		require.ErrorContains(t, err, "model card: ", name)
	}
}

func TestProbabilities(t *testing.T) {
	c := valid()
	require.InDelta(t, 0.5, c.AI(0.5), 1e-12, "A·½ + B = 0")
	require.Greater(t, c.AI(0), 0.85)
	c.Calibration = &card.Calibration{Method: card.Temperature, T: 2}
	require.InDelta(t, 0.25, c.AI(0.9), 1e-12, "odds of 9 become odds of 3")
	require.InDelta(t, 0, c.AI(1), 1e-3)
	require.False(t, math.IsNaN(c.AI(0)))
	c.Calibration = nil
	require.InDelta(t, 0.8, c.AI(0.2), 1e-12)
}

func TestInterval(t *testing.T) {
	c := valid()
	lo, hi, ok := c.Interval(0.1)
	require.True(t, ok)
	require.InDelta(t, 0.0279, lo, 1e-3) // Wilson, 2 of 20
	require.InDelta(t, 0.3010, hi, 1e-3)
	_, _, ok = c.Interval(0.9)
	require.False(t, ok, "no test picture scored like that")
	_, _, ok = c.Interval(0.45)
	require.False(t, ok, "the bin's pictures were different")
	_, _, ok = c.Interval(math.NaN())
	require.False(t, ok)
	require.Equal(t, 0.75, c.BinOf(1).Mean, "the last bin has its end")
	require.Equal(t, 0.1, c.BinOf(0).Share())
}

func TestWilsonHoldsTheShare(t *testing.T) {
	for n := 1; n < 400; n++ {
		for _, k := range []int{0, n / 2, n} {
			lo, hi := card.Wilson(k, n)
			share := float64(k) / float64(n)
			require.True(t, 0 <= lo && lo <= share && share <= hi && hi <= 1, "%d of %d: %v to %v", k,
				n, lo, hi)
		}
	}
}
