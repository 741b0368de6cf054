package card_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/nn/card"
)

func valid() *card.Card {
	return &card.Card{Arch: "resnet18", Classes: 1, Size: 224, View: "crop", Std: [3]float32{1, 1, 1},
		Band:  [2]float64{0.4, 0.6},
		Platt: &card.Platt{A: -4, B: 2}, Bins: []card.Bin{{N: 20, AI: 2}, {N: 0}}}
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

func TestHostileCardsAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(c *card.Card){
		"classes": func(c *card.Card) { c.Classes = 1000 },
		"size":    func(c *card.Card) { c.Size = 1 << 30 },
		"view":    func(c *card.Card) { c.View = "../../etc" },
		"band":    func(c *card.Card) { c.Band = [2]float64{0.9, 0.1} },
		"std":     func(c *card.Card) { c.Std[1] = 0 },
		"bins":    func(c *card.Card) { c.Bins[0].AI = 21 },
	} {
		c := valid()
		spoil(c)
		meta, err := c.Metadata()
		require.NoError(t, err)
		_, err = card.Read(meta)
		require.Error(t, err, name)
	}
	_, err := card.Read(map[string]string{card.Key: "{"})
	require.Error(t, err)
}

func TestProbabilities(t *testing.T) {
	c := valid()
	require.InDelta(t, 0.5, c.AI(0.5), 1e-12, "A·½ + B = 0")
	require.Greater(t, c.AI(0), 0.85)
	c.Platt = nil
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
}
