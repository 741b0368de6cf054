package explain_test

import (
	"context"
	"errors"
	"fmt"
	"math"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/models/explain"
	"truegrain/nn/golden"
)

// A network of ReLUs and max pooling is linear between its corners, and at a corner it has no derivative. A
// float32 pass holds every activation rounded. Where the exact one is closer to a corner than that, its side is
// the rounding's choice, and all gradients behind it follow: one ReLU of two million on the other side moves
// the gradient of a picture by 1e−3. What a float32 gradient must then be is the exact gradient of the piece it
// chose, by the strict rule, and its choice must be one that float32 cannot tell from the exact one:
//
//   - Rounding may move a layer's result y by limit·RMS(y), the error that golden files allow an output
//     (4·float32_error + 1e−6), and no layer may be further off than that, as a whole.
//   - So a ReLU may differ only where its exact operand is within limit·RMS(y) of zero, and a pooling only
//     where the exact value of its winner is within that of the largest.
//   - Near zero, an operand that is about normal has density 0.4/RMS. With errors of size e·RMS, 0.4·0.8·e of all
//     decisions differ: 1.4 of ResNet50's 2 million at 96×96 even if e were the whole limit, about 2e−6.
//     More than mostDifferent have a probability below 1e−4.
const mostDifferent = 8

// reading is a map read from a pass.
type reading func(*explain.Pass) ([]float32, error)

// asDecided is what float64 makes of maps with the decisions of a pass, and how many of those it takes
// otherwise. exact is the subject of the pass in float64. Where no decision differs there is nothing to excuse,
// and that is an error too.
func asDecided(exact explain.Subject, pass *explain.Pass, limit float64, maps map[string]reading) (
	want map[string][]float64, differing int, err error) {
	want = map[string][]float64{}
	err = exact.Pass(context.Background(), everything, func(p *explain.Pass) (err error) {
		if differing, err = takeDecisions(p, pass, limit); err != nil {
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

// takeDecisions puts the decisions of a pass into a pass of the same model in float64 that has not been sent
// back yet, and says how many differed. It is an error if rounding does not explain one of them.
func takeDecisions(exact, pass *explain.Pass, limit float64) (differing int, err error) {
	theirs := pass.Tape().Nodes()
	for i, n := range exact.Tape().Nodes() {
		found, err := takeOf(pass.Tape().Backend(), exact.Tape().Backend(), n, theirs[i], limit)
		if err != nil {
			return 0, fmt.Errorf("%s, %s: %w", n.Path, n.Name, err)
		}
		differing += found
	}
	if differing > mostDifferent {
		return 0, fmt.Errorf("%d decisions differ: rounding makes at most %d", differing, mostDifferent)
	}
	return differing, nil
}

// takeOf is takeDecisions for one op.
func takeOf(be, be64 kernels.Backend, exact, other *autograd.Node, limit float64) (int, error) {
	operand, bare := withoutReLU(exact.Op)
	pool, pools := exact.Op.(kernels.MaxPool2D)
	if !bare && !pools {
		return 0, nil
	}
	y, got := kernels.Floats[float64](exact.Out.Buf), other.Out.Float32s(be)
	if err := golden.Relative(got, y); err > limit {
		return 0, fmt.Errorf("the result is off by %.2g, more than rounding's %.2g", err, limit)
	}
	bound := limit * rms(y)
	if pools {
		theirs := download(be, other.Op.(kernels.MaxPool2D).Index)
		return takeWinners(pool, theirs, y, bound)
	}
	return takeSigns(y, got, func() []float64 { return kernels.Floats[float64](operand(be64)) }, bound)
}

// takeSigns makes y positive where got is, and zero where it is not: backward looks at no more of it. z are
// the ReLU's exact operands, computed when they are needed.
func takeSigns(y []float64, got []float32, z func() []float64, bound float64) (differing int, err error) {
	var operands []float64
	for i := range y {
		if (y[i] > 0) == (got[i] > 0) {
			continue
		}
		if operands == nil {
			operands = z()
		}
		if math.Abs(operands[i]) > bound || math.Abs(float64(got[i])) > bound {
			return 0, fmt.Errorf("element %d: a ReLU of %.3g is %.3g, and float32 resolves %.2g",
				i, operands[i], got[i], bound)
		}
		differing++
		y[i] = 0
		if got[i] > 0 {
			y[i] = math.SmallestNonzeroFloat64
		}
	}
	return differing, nil
}

// takeWinners puts the winners of another max pooling in the place of those of an exact one with results y.
func takeWinners(pool kernels.MaxPool2D, theirs []int32, y []float64, bound float64) (differing int, err error) {
	x, ours := kernels.Floats[float64](pool.X), kernels.Floats[int32](pool.Index)
	for i, at := range theirs {
		if at == ours[i] {
			continue
		}
		picture := i / (pool.OH * pool.OW * pool.C) * pool.H * pool.W
		if v := x[(picture+int(at))*pool.C+i%pool.C]; y[i]-v > bound {
			return 0, fmt.Errorf("element %d: %.3g wins over %.3g, and float32 resolves %.2g", i, v, y[i], bound)
		}
		differing++
		ours[i] = at
	}
	return differing, nil
}

// withoutReLU gives what computes the operand of the ReLU inside of an op of inference, if there is one.
func withoutReLU(op kernels.Op) (operand func(kernels.Backend) kernels.Buf, ok bool) {
	run := func(n int, set func(y kernels.Buf) kernels.Op) func(kernels.Backend) kernels.Buf {
		return func(be kernels.Backend) kernels.Buf {
			y := kernels.Of(make([]float64, n))
			set(y).Run(be)
			return y
		}
	}
	switch o := op.(type) {
	case kernels.ReLU:
		return func(kernels.Backend) kernels.Buf { return o.X }, true
	case kernels.BatchNorm:
		return run(o.Y.Len(), func(y kernels.Buf) kernels.Op { o.ReLU, o.Y = false, y; return o }), o.ReLU
	case kernels.Conv2D:
		return run(o.Y.Len(), func(y kernels.Buf) kernels.Op { o.Act, o.Y = kernels.NoActivation, y; return o }),
			o.Act == kernels.WithReLU
	case kernels.Linear:
		return run(o.Y.Len(), func(y kernels.Buf) kernels.Op { o.Act, o.Y = kernels.NoActivation, y; return o }),
			o.Act == kernels.WithReLU
	}
	return nil, false
}

func widened(v []float32) []float64 {
	out := make([]float64, len(v))
	for i, x := range v {
		out[i] = float64(x)
	}
	return out
}

func rms(v []float64) float64 {
	var sum float64
	for _, x := range v {
		sum += x * x
	}
	return math.Sqrt(sum / float64(max(1, len(v))))
}

// download is indices in host memory.
func download(be kernels.Memory, b kernels.Buf) []int32 {
	out := make([]int32, b.Len())
	be.Download(kernels.Of(out), b)
	return out
}
