package explain_test

import (
	"context"
	"errors"

	"truegrain/models/explain"
	"truegrain/nn/golden"
)

// reading is a map read from a pass.
type reading func(*explain.Pass) ([]float32, error)

// asDecided is what float64 makes of maps with the decisions of a pass, and how many of those it takes
// otherwise. exact is the subject of the pass in float64. Where no decision differs there is nothing to excuse,
// and that is an error too.
func asDecided(exact explain.Subject, pass *explain.Pass, limit float64, maps map[string]reading) (
	want map[string][]float64, differing int, err error) {
	want = map[string][]float64{}
	err = exact.Pass(context.Background(), everything, func(p *explain.Pass) (err error) {
		if differing, err = golden.TakeDecisions(p.Tape(), pass.Tape(), limit); err != nil {
			return err
		}
		if differing == 0 {
			return errors.New("float64 decides as the pass did: its gradients have no excuse")
		}
		for name, read := range maps {
			v, err := read(p)
			if err != nil {
				return err
			}
			want[name] = widened(v)
		}
		return nil
	})
	return want, differing, err
}

func widened(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}
