package autograd

import (
	"context"

	"truegrain/kernels"
)

// Option sets how a tape works.
type Option func(*options)

type options struct {
	ctx      context.Context
	pool     *Pool
	grad     bool
	train    bool
	tapGrads bool
	rule     kernels.ReLURule
	repeat   bool
	taps     []string
	seed     uint64
	step     uint32
	stepIn   bool // read from the device's memory
	watch    func(*Node)
	sums     func([]float64) error
	gradDone func(*Param)

	recompute bool // Recompute keeps nothing inside
	again     bool // this is the second time: running statistics have moved
}

// WithGrad makes parameters want gradients.
func WithGrad() Option { return func(o *options) { o.grad = true } }

// WithTrain makes layers behave as in training: batch norm by the batch's statistics, dropout on.
func WithTrain() Option { return func(o *options) { o.train = true } }

// WithReLURule sets what every ReLU of the tape, fused or not, lets through on the way back.
func WithReLURule(r kernels.ReLURule) Option { return func(o *options) { o.rule = r } }

// WithRepeat keeps what the backward needs until Reset, so that Backward can run again, for another value or
// by another rule (SetReLURule). It costs the memory of the whole forward pass for as long.
func WithRepeat() Option { return func(o *options) { o.repeat = true } }

// WithTaps keeps the values marked under these names ("layer4", "encoder.layers.*.attention"; * stands for
// one part of the path) until Reset.
func WithTaps(names ...string) Option {
	return func(o *options) { o.taps = append(o.taps, names...) }
}

// WithTapGrads makes tapped values want gradients, and keeps those until Reset.
func WithTapGrads() Option { return func(o *options) { o.tapGrads = true } }

// WithContext makes the tape stop when ctx ends: kernels look at it between chunks.
func WithContext(ctx context.Context) Option { return func(o *options) { o.ctx = ctx } }

// WithPool takes memory from p, which outlives the tape, instead of a pool of the tape's own.
func WithPool(p *Pool) Option { return func(o *options) { o.pool = p } }

// WithSeedInMemory is WithSeed with the step as the tape's first upload, so that a recording of what the tape
// does can be given another one.
func WithSeedInMemory(seed uint64, step uint32) Option {
	return func(o *options) { o.seed, o.step, o.stepIn = seed, step, true }
}

// WithSeed keys the random numbers of dropout.
func WithSeed(seed uint64, step uint32) Option {
	return func(o *options) { o.seed, o.step = seed, step }
}

// WithWatch calls f after every op that ran, while its operands and its result are still there: to look for
// the op that made the first number that is none.
func WithWatch(f func(*Node)) Option { return func(o *options) { o.watch = f } }

// WithSums makes batch norm in training one over the batches of several workers: f adds numbers over all of
// them, in place.
func WithSums(f func([]float64) error) Option { return func(o *options) { o.sums = f } }

// WithGradDone calls f during Backward as soon as a parameter's gradient is finished, so that it can be on
// its way to other workers while the backward goes on.
func WithGradDone(f func(*Param)) Option { return func(o *options) { o.gradDone = f } }

// WithRecompute makes Recompute save memory at the price of a second forward pass.
func WithRecompute() Option { return func(o *options) { o.recompute = true } }
