package table_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/bench/kernel"
	"truegrain/bench/table"
)

func rows(t *testing.T) []table.Row {
	t.Helper()
	all, err := table.All()
	require.NoError(t, err)
	return all
}

func find(t *testing.T, all []table.Row, op, pass, shape string) table.Row {
	t.Helper()
	i := slices.IndexFunc(all, func(r table.Row) bool {
		return r.Op == op && r.Pass == pass &&
			r.Shape == shape
	})
	require.GreaterOrEqual(t, i, 0, "%s/%s %s", op, pass, shape)
	return all[i]
}

// TestTheModelsLayersAreThere by what is known of ResNet50 and ViT-L/16: stage 1 has three 3x3 convolutions
// of 64 channels, and each of 24 encoder layers widens 1024 to 4096.
func TestTheModelsLayersAreThere(t *testing.T) {
	all := rows(t)
	require.Contains(t, find(t, all, "conv2d", "forward", "8x56x56x64-64k3p1+bias+relu").Uses,
		table.Use{Model: "resnet50 b8", Times: 3})
	require.Contains(t, find(t, all, "conv2d", "forward", "1x14x14x256-1024k1+bias+res+relu").Uses,
		table.Use{Model: "resnet50 b1", Times: 6})
	require.Contains(t, find(t, all, "conv2d", "dw", "8x56x56x64-64k3p1").Uses,
		table.Use{Model: "resnet50 b8 train", Path: "layer1.0.conv2", Times: 3})
	require.Contains(t, find(t, all, "linear", "forward", "788x1024-4096+bias+gelu").Uses,
		table.Use{Model: "vit_l_16 b4", Times: 24})
	find(t, all, "conv2d", "forward", "4x28x28x512-512k3p4d4+bias+relu")
	find(t, all, "attention", "forward", "1x16x197x64")
	find(t, all, "maxpool2d", "backward", "8x112x112x64k3s2p1+index")
	find(t, all, "batchnorm", "backward", "25088x256+train+relu+res")
	find(t, all, "adam", "forward", "2359296+decoupled")
	find(t, all, "convtranspose2d", "dw", "1x34x34x21-21k16s8p4")
}

// TestPicturesNeedNoGradient: the first convolution of a training step has no dx.
func TestPicturesNeedNoGradient(t *testing.T) {
	all := rows(t)
	find(t, all, "conv2d", "dw", "8x224x224x3-64k7s2p3")
	for _, r := range all {
		require.False(t, r.Pass == "dx" && r.Op == "conv2d" && r.Shape == "8x224x224x3-64k7s2p3")
	}
}

func TestEveryRowIsAProblem(t *testing.T) {
	for _, r := range rows(t) {
		_, err := kernel.New(r.Op, r.Pass, r.Shape)
		require.NoError(t, err)
	}
}

func TestFilter(t *testing.T) {
	all := rows(t)
	for _, r := range table.Filter(all, []string{"conv2d/dx"}, "k3", "resnet50 b8") {
		require.Equal(t, "conv2d/dx", r.Op+"/"+r.Pass)
		require.Contains(t, r.Shape, "k3")
	}
	require.Len(t, table.Filter(all, []string{"gemm"}, "", ""), 1)
	require.Empty(t, table.Filter(all, nil, "no such", ""))
	require.Equal(t, all, table.Filter(all, nil, "", ""))
}
