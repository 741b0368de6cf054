package web

import (
	"encoding/json"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// flood is what clients in a process of their own do to a server: uploads at a rate, whether they are
// answered or not, or for a rate of 0 as fast as so many clients get their answers. The process does little
// else than to send bytes: it runs on the server's cores, and what it computes there the server is short of.
type flood struct {
	Addr, Photos string
	Seconds      float64
	Rate         float64
	Clients      int
}

// tally is what became of a flood. Good counts the pictures that were scored between settle after its
// beginning and its end: how many wait at either doesn't matter then.
type tally struct {
	Offered, Good int
	Codes         map[int]int
	Errors        []string
	CPU           float64 // seconds that the clients computed
}

// settle is how long a flood runs before anything is counted.
const settle = 3 * time.Second

// goodput is the pictures scored a second.
func (f flood) goodput(t tally) float64 { return float64(t.Good) / (f.Seconds - settle.Seconds()) }

// floodVar asks the test program to be the clients.
const floodVar = "TRUEGRAIN_TEST_FLOOD"

// run starts the clients and waits for what they say.
func (f flood) run(t *testing.T) (out tally) {
	set, err := json.Marshal(f)
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	// its one thread is not to be interrupted for running long
	cmd.Env, cmd.Stderr = append(os.Environ(), floodVar+"="+string(set), "GODEBUG=asyncpreemptoff=1"),
		os.Stderr
	said, err := cmd.Output()
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(said, &out), "%s", said)
	out.CPU = (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	return out
}
