package train_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/train"
)

func TestConfusionByHand(t *testing.T) {
	c := train.Confusion{TP: 8, FN: 2, FP: 1, TN: 9}
	require.Equal(t, 20, c.N())
	require.InDelta(t, 0.85, c.Accuracy(), 1e-12)
	require.InDelta(t, 8.0/9, c.Precision(), 1e-12)
	require.InDelta(t, 0.8, c.Recall(), 1e-12)
	require.InDelta(t, 16.0/19, c.F1(), 1e-12)
	lo, hi := c.Interval() // Wilson by hand: z = 1.96, p = .85, n = 20
	require.InDelta(t, 0.6396, lo, 1e-3)
	require.InDelta(t, 0.9476, hi, 1e-3)
	require.Zero(t, train.Confusion{}.Accuracy())
}

func TestAUCWithTies(t *testing.T) {
	// Pairs (AI, photograph): .9>.4, .9>.6, .6>.4, .6=.6 counts half: 3.5 of 4.
	auc, err := train.AUC([]float64{0.9, 0.6, 0.4, 0.6}, []bool{true, true, false, false})
	require.NoError(t, err)
	require.InDelta(t, 3.5/4, auc, 1e-12)
	_, err = train.AUC([]float64{0.1}, []bool{true})
	require.ErrorIs(t, err, train.ErrOneClass)
}

func TestIoU(t *testing.T) {
	require.InDelta(t, 1.0/3, train.IoU([]float32{1, 1, 0, 0}, []float32{0, 1, 1, 0}), 1e-12)
	require.Equal(t, 1.0, train.IoU([]float32{0, 0}, []float32{0, 0}))
	require.Zero(t, train.IoU([]float32{1, 0}, []float32{0, 1}))
}

func TestSizeFloor(t *testing.T) {
	var apart, paired []train.Scored
	for i := range 40 {
		label := int32(i % 2)
		apart = append(apart, train.Scored{Label: label, W: 100 + int(label), H: 50})
		paired = append(paired, train.Scored{Label: label, W: 100 + i/2%5, H: 50})
	}
	require.Equal(t, 1.0, train.SizeFloor(apart))
	require.Equal(t, 0.5, train.SizeFloor(paired))
	require.Equal(t, 0.5, train.SizeFloor(apart[:1]))
}

func TestJudge(t *testing.T) {
	s := []train.Scored{{Generator: "a", Label: 0, Raw: 0.1, W: 1, H: 1},
		{Generator: "a", Label: 1, Raw: 0.8, W: 1, H: 1}, {Generator: "b", Label: 0, Raw: 0.7, W: 1, H: 1}}
	r, err := train.Judge(s, func(raw float64) float64 { return 1 - raw })
	require.NoError(t, err)
	require.Equal(t, train.Confusion{TP: 1, FN: 1, TN: 1}, r.Confusion)
	require.Equal(t, 1.0, r.By["a"].Accuracy)
	require.Zero(t, r.By["b"].Accuracy)
	var out bytes.Buffer
	require.NoError(t, r.Write(&out))
	require.Contains(t, out.String(), "accuracy     66.7 %")

	_, err = train.Judge(nil, nil)
	require.Error(t, err)
	_, err = train.Judge([]train.Scored{{File: "x.jpg", Raw: math.NaN()}}, nil)
	require.ErrorContains(t, err, "x.jpg")
}
