package main

import (
	"encoding/csv"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/train/folder"
)

func TestResourcesOfRuns(t *testing.T) {
	dir, runs := tiny(t), t.TempDir()
	one, two := filepath.Join(runs, "one"), filepath.Join(runs, "two")
	for _, out := range []string{one, two} {
		code, _, errs := call(t, mini(dir, out, "--epochs", "1")...)
		require.Zero(t, code, errs)
	}
	took, err := folder.ReadResources(one)
	require.NoError(t, err)
	require.Positive(t, took.WeightsBytes)
	require.Positive(t, took.KWhPerEpoch)
	require.Positive(t, took.Inference.JoulesPerPicture)

	code, out, errs := call(t, "resources", one, two)
	require.Zero(t, code, errs)
	lines := strings.Split(out, "\n")
	require.Regexp(t, `^run +model +weights MB +training h +kWh +kWh/epoch +pictures/s +peak memory MB +J/picture$`, lines[0])
	require.Regexp(t, `^one +resnet_mini +\d`, lines[1])
	require.Regexp(t, `^two +resnet_mini +\d`, lines[2])
	require.Equal(t, 1, strings.Count(out, "Energy is "), "one method for both")
	require.Contains(t, out, took.EnergyMethod)

	code, out, errs = call(t, "resources", "--format", "markdown", one, two)
	require.Zero(t, code, errs)
	require.Contains(t, out, "|\n| --- | --- | --- | --- | --- | --- | --- | --- | --- |\n| one | resnet_mini |")
	code, out, errs = call(t, "resources", "--format", "csv", one)
	require.Zero(t, code, errs)
	rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 2)
	require.Equal(t, took.EnergyMethod, rows[1][len(rows[1])-1])

	unfinished := filepath.Join(runs, "unfinished")
	f, err := folder.Open(unfinished)
	require.NoError(t, err)
	run, err := folder.Read(one)
	require.NoError(t, err)
	require.NoError(t, f.Write(run))
	require.NoError(t, f.Close())
	code, _, errs = call(t, "resources", unfinished)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "--resume")
	code, _, errs = call(t, "resources", runs)
	require.Equal(t, exitFailed, code)
	require.Contains(t, errs, "run.yaml")
}
