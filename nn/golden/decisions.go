package golden

import (
	"fmt"
	"math"

	"truegrain/autograd"
	"truegrain/kernels"
)

// TakeDecisions puts the decisions of a forward pass, of its ReLUs and max poolings, into a pass of the same
// model in float64 that has not been sent back yet, and says how many differed. limit is the relative error
// that rounding may leave in the result of a layer. It is an error if rounding does not explain a decision.
//
// A network of ReLUs and max pooling is linear between its corners, and at a corner it has no derivative. A
// float32 pass holds every activation rounded. Where the exact one is closer to a corner than that, its side
// is the rounding's choice, and all gradients behind it follow: one ReLU of two million on the other side
// moves the gradient of a picture by 1e−3. What a float32 gradient must then be is the exact gradient of the
// piece it chose, by the strict rule, and its choice must be one that float32 cannot tell from the exact one:
//
//   - Rounding may move a layer's result y, as a whole, by limit·RMS(y).
//   - So a ReLU may differ only where its exact operand is within that of zero, or within five times what the
//     layer is off by, since single elements are off by more than all together; and a pooling only where the
//     exact value of its winner is as close to the largest. Of normal errors one in 1.7 million is larger.
//   - Near zero, an operand that is about normal has density 0.4/RMS. With errors of size e·RMS, 0.4·0.8·e of
//     all decisions differ. More than mostDiffering have a probability below 1e−4 even if e were the whole limit.
func TakeDecisions(exact, pass *autograd.Tape, limit float64) (differing int, err error) {
	theirs, decisions := pass.Nodes(), 0
	for i, n := range exact.Nodes() {
		found, of, err := takeOf(pass.Backend(), exact.Backend(), n, theirs[i], limit)
		if err != nil {
			return 0, fmt.Errorf("%s, %s: %w", n.Path, n.Name, err)
		}
		differing, decisions = differing+found, decisions+of
	}
	if most := mostDiffering(decisions, limit); differing > most {
		return 0, fmt.Errorf("%d of %d decisions differ: rounding makes at most %d", differing,
			decisions, most)
	}
	return differing, nil
}

// LayerError is the largest relative error that a forward pass has in the result of a ReLU or a max pooling,
// beside a pass of the same model in float64.
func LayerError(exact, pass *autograd.Tape) (worst float64) {
	theirs := pass.Nodes()
	for i, n := range exact.Nodes() {
		_, bare := BeforeReLU(n.Op)
		if _, pools := n.Op.(kernels.MaxPool2D); bare || pools {
			worst = max(worst, Relative(theirs[i].Out.Float32s(pass.Backend()),
				kernels.Floats[float64](n.Out.Buf)))
		}
	}
	return worst
}

// mostDiffering is the least count that a Poisson variable of mean 0.32·limit·decisions exceeds with a
// probability below 1e−4: 7 of the 2 million decisions of a ResNet50 at 96×96, if limit is 2e−6.
func mostDiffering(decisions int, limit float64) int {
	mean := 0.4 * 0.8 * limit * float64(decisions)
	term := math.Exp(-mean) // the probability of n
	for n, below := 0, term; ; n++ {
		if 1-below < 1e-4 {
			return n
		}
		term *= mean / float64(n+1)
		below += term
	}
}

// takeOf is TakeDecisions for one op, which makes some decisions.
func takeOf(be, be64 kernels.Backend, exact, other *autograd.Node, limit float64) (differing, decisions int,
	err error) {
	operand, bare := BeforeReLU(exact.Op)
	pool, pools := exact.Op.(kernels.MaxPool2D)
	if !bare && !pools {
		return 0, 0, nil
	}
	y, got := kernels.Floats[float64](exact.Out.Buf), other.Out.Float32s(be)
	off := Relative(got, y)
	if off > limit {
		return 0, 0, fmt.Errorf("the result is off by %.2g, more than rounding's %.2g", off, limit)
	}
	bound := max(limit, 5*off) * rms(y)
	if pools {
		theirs := download(be, other.Op.(kernels.MaxPool2D).Index)
		differing, err = takeWinners(pool, theirs, y, bound)
	} else {
		differing, err = takeSigns(y, got, func() []float64 { return kernels.Floats[float64](operand(be64)) },
			bound)
	}
	return differing, len(y), err
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
func takeWinners(pool kernels.MaxPool2D, theirs []int32, y []float64, bound float64) (
	differing int, err error) {
	x, ours := kernels.Floats[float64](pool.X), kernels.Floats[int32](pool.Index)
	for i, at := range theirs {
		if at == ours[i] {
			continue
		}
		picture := i / (pool.OH * pool.OW * pool.C) * pool.H * pool.W
		if v := x[(picture+int(at))*pool.C+i%pool.C]; y[i]-v > bound {
			return 0, fmt.Errorf("element %d: %.3g wins over %.3g, and float32 resolves %.2g",
				i, v, y[i], bound)
		}
		differing++
		ours[i] = at
	}
	return differing, nil
}

// BeforeReLU gives what computes the operand of the ReLU inside of an op, if there is one.
func BeforeReLU(op kernels.Op) (operand func(kernels.Backend) kernels.Buf, ok bool) {
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
		if o.Train {
			o.RunningMean, o.RunningVar = kernels.Buf{}, kernels.Buf{} // they have moved already
		}
		return run(o.Y.Len(), func(y kernels.Buf) kernels.Op { o.ReLU, o.Y = false, y; return o }), o.ReLU
	case kernels.Conv2D:
		return run(o.Y.Len(), func(y kernels.Buf) kernels.Op {
				o.Act, o.Y = kernels.NoActivation, y
				return o
			}),
			o.Act == kernels.WithReLU
	case kernels.Linear:
		return run(o.Y.Len(), func(y kernels.Buf) kernels.Op {
				o.Act, o.Y = kernels.NoActivation, y
				return o
			}),
			o.Act == kernels.WithReLU
	}
	return nil, false
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
