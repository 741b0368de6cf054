package energy

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

// fixed is a host that has taken ten joules.
type fixed struct{}

func (fixed) Joules() float64 { return 10 }
func (fixed) Method() string  { return "a guess" }

func TestDevicesCounterIsAdded(t *testing.T) {
	was := openCounter
	defer func() { openCounter = was }()
	var now uint64 = 5_000_000
	var broken error
	openCounter = func(device, description string) (*deviceCounter, error) {
		require.Equal(t, "cuda:1", device)
		return &deviceCounter{"H100", func() (uint64, error) { return now, broken }}, nil
	}
	m := withDevice(fixed{}, "cuda:1", "H100, 80 GiB")
	require.Equal(t, 10.0, m.Joules())
	now += 2500
	require.Equal(t, 12.5, m.Joules())
	require.Equal(t, "the NVML counter of cuda:1 (H100), and for the rest a guess", m.Method())
	now, broken = 0, errors.New("fell off the bus")
	require.Equal(t, 12.5, m.Joules())
	broken = nil
	require.Equal(t, 12.5, m.Joules(), "what was lost stays lost")
	require.Contains(t, m.Method(), "could not be read to the end: fell off the bus")

	m = withDevice(fixed{}, "cuda:1", "H100")
	now = 7
	require.Equal(t, 10.007, m.Joules())
	now = 3
	require.Equal(t, 10.007, m.Joules())
	require.Contains(t, m.Method(), "began anew")

	openCounter = func(string, string) (*deviceCounter, error) { return nil, errors.New("no driver") }
	m = withDevice(fixed{}, "cuda:0", "")
	require.Equal(t, 10.0, m.Joules())
	require.Equal(t, "a guess; cuda:0 is not counted: no driver", m.Method())
}

func TestWhichDeviceIsMeant(t *testing.T) {
	for _, c := range []struct{ device, list, want string }{{"cuda", "", "0"}, {"cuda:2", "", "2"},
		{"cuda:1", "3, GPU-5f", "GPU-5f"}, {"cuda:0", "3", "3"}, {"cuda:1", "3", ""},
		{"cuda:2,portable", "", "2"}} {
		got, err := visible(c.device, c.list)
		require.Equal(t, c.want, got)
		require.Equal(t, c.want == "", err != nil)
	}
}
