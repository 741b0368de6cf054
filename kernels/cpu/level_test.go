package cpu

import (
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

func TestOpenChoosesLevel(t *testing.T) {
	t.Setenv(capVar, "")
	best, err := open("")
	require.NoError(t, err)
	require.NoError(t, best.Close())
	for _, l := range levels {
		b, err := open(l.name)
		if !l.supported() {
			require.ErrorIs(t, err, kernels.ErrNoBackend)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, "cpu:"+l.name, b.Name())
		require.NoError(t, b.Close())
	}
	_, err = open("sse9")
	require.ErrorIs(t, err, kernels.ErrNoBackend)
	require.ErrorContains(t, err, "cpu:generic")
}

func TestEnvironmentCapsLevel(t *testing.T) {
	t.Setenv(capVar, "generic")
	b, err := open("")
	require.NoError(t, err)
	require.Equal(t, "cpu:generic", b.Name())
	require.NoError(t, b.Close())

	t.Setenv(capVar, "fast")
	_, err = open("")
	require.ErrorContains(t, err, capVar)
}
