package gradcheck_test

import (
	"slices"

	"truegrain/autograd"
	"truegrain/autograd/gradcheck"
	"truegrain/kernels"
	"truegrain/tensor"
)

// Short names, for there are many cases.
type (
	tape  = *autograd.Tape
	value = *autograd.Var
	vars  = []*autograd.Var
)

// check is one case under the name of the backward kernel that it goes through.
type check struct {
	kernel, name string
	gradcheck.Case
}

func on(kernel, name string, in []gradcheck.Input, op func(t tape, in vars) value,
	o ...autograd.Option) check {
	return check{kernel, name, gradcheck.Case{Inputs: in, Op: op, Options: o}}
}

var (
	normal = gradcheck.Normal
	apart  = gradcheck.Apart
)

// constant brings values onto a tape that no gradient flows to.
func constant(t tape, in []gradcheck.Input) value {
	return t.Const(tensor.FromSlice(in[0].Values, in[0].Shape...))
}

// checks covers every differentiable op with its options. Where an op has a kink, values keep apart from it:
// sums of products of Apart values with a ReLU behind have seeds that leave every pre-activation further from
// zero than a step.
func checks() []check {
	return slices.Concat(convolutions(), transposed(), pools(), linears(), norms(), activations(),
		attentions(), arithmetic(), shapes(), losses())
}

// pair is a size of rows and one of columns.
func pair(a, b int) [2]int { return [2]int{a, b} }

func convolutions() []check {
	conv := func(c autograd.Conv, bias, residual bool) func(t tape, in vars) value {
		return func(t tape, in vars) value {
			var b, r value
			rest := in[2:]
			if bias {
				b, rest = rest[0], rest[1:]
			}
			if residual {
				r = rest[0]
			}
			return t.Conv2D(in[0], in[1], b, r, c)
		}
	}
	return []check{
		on("Conv2DBackward", "1x1", normal(1, []int{2, 3, 2, 4}, []int{5, 1, 1, 4}),
			conv(autograd.Conv{}, false, false)),
		on("Conv2DBackward", "stride, padding, bias", normal(2, []int{1, 7, 6, 2}, []int{3, 3, 3, 2},
			[]int{3}),
			conv(autograd.Conv{Stride: pair(2, 2), Padding: pair(1, 1)}, true, false)),
		on("Conv2DBackward", "dilation, groups", normal(3, []int{1, 6, 7, 4}, []int{6, 2, 3, 2}),
			conv(autograd.Conv{Dilation: pair(2, 1), Padding: pair(1, 2), Groups: 2}, false, false)),
		on("Conv2DBackward", "depthwise", normal(4, []int{2, 5, 4, 3}, []int{3, 3, 2, 1}, []int{3}),
			conv(autograd.Conv{Groups: 3}, true, false)),
		on("Conv2DBackward", "bias, residual, ReLU", normal(5, []int{1, 4, 4, 2}, []int{3, 3, 3, 2}, []int{3},
			[]int{1, 4, 4, 3}),
			conv(autograd.Conv{Padding: pair(1, 1), Act: kernels.WithReLU}, true, true)),
	}
}

func transposed() []check {
	deconv := func(c autograd.Conv) func(t tape, in vars) value {
		return func(t tape, in vars) value { return t.ConvTranspose2D(in[0], in[1], in[2], nil, c) }
	}
	return []check{
		on("ConvTranspose2DBackward", "stride 2, padding", normal(6, []int{2, 3, 2, 3}, []int{3, 4, 4, 2},
			[]int{2}),
			deconv(autograd.Conv{Stride: pair(2, 2), Padding: pair(1, 1)})),
		on("ConvTranspose2DBackward", "output padding, dilation, groups",
			normal(7, []int{1, 3, 3, 4}, []int{4, 3, 2, 1}, []int{2}),
			deconv(autograd.Conv{Stride: pair(2, 3), Dilation: pair(1, 2), OutPadding: pair(1, 0),
				Groups: 2})),
		on("ConvTranspose2DBackward", "residual, ReLU", normal(8, []int{1, 2, 2, 2}, []int{2, 2, 2, 3},
			[]int{3}, []int{1, 4, 4, 3}),
			func(t tape, in vars) value {
				c := autograd.Conv{Stride: pair(2, 2), Act: kernels.WithReLU}
				return t.ConvTranspose2D(in[0], in[1], in[2], in[3], c)
			}),
	}
}

func pools() []check {
	return []check{
		on("MaxPool2DBackward", "3, stride 2, padding", apart(9, 0.01, []int{2, 7, 6, 2}),
			func(t tape, in vars) value {
				return t.MaxPool2D(in[0], autograd.Pooling{Kernel: pair(3, 3), Stride: pair(2, 2),
					Padding: pair(1, 1)})
			}),
		on("MaxPool2DBackward", "ceil", apart(10, 0.01, []int{1, 6, 5, 3}), func(t tape, in vars) value {
			return t.MaxPool2D(in[0], autograd.Pooling{Kernel: pair(3, 2), Stride: pair(2, 2), Ceil: true})
		}),
		on("MaxPool2DBackward", "dilation", apart(49, 0.01, []int{1, 7, 6, 2}), func(t tape, in vars) value {
			return t.MaxPool2D(in[0], autograd.Pooling{Kernel: pair(2, 3), Stride: pair(1, 2),
				Dilation: pair(2, 2), Padding: pair(1, 0)})
		}),
		on("AvgPool2DBackward", "padding, ceil", normal(11, []int{2, 6, 5, 2}), func(t tape, in vars) value {
			return t.AvgPool2D(in[0], autograd.Pooling{Kernel: pair(3, 2), Stride: pair(2, 2),
				Padding: pair(1, 1), Ceil: true})
		}),
		on("AdaptiveAvgPool2DBackward", "overlapping", normal(12, []int{2, 5, 7, 2}),
			func(t tape, in vars) value {
				return t.AdaptiveAvgPool2D(in[0], 3, 4)
			}),
	}
}

func linears() []check {
	return []check{
		on("LinearBackward", "bias, residual", normal(13, []int{2, 3, 4}, []int{5, 4}, []int{5},
			[]int{2, 3, 5}), func(t tape, in vars) value {
			return t.Linear(in[0], in[1], in[2], in[3], kernels.NoActivation)
		}),
		on("LinearBackward", "residual, ReLU", normal(15, []int{3, 4}, []int{5, 4}, []int{5}, []int{3, 5}),
			func(t tape, in vars) value {
				return t.Linear(in[0], in[1], in[2], in[3], kernels.WithReLU)
			}),
		on("LinearBackward", "a residual that goes on", normal(16, []int{3, 4}, []int{5, 4},
			[]int{5}, []int{3, 5}),
			func(t tape, in vars) value {
				return t.Add(t.Linear(in[0], in[1], in[2], in[3], kernels.NoActivation), in[3])
			}),
		on("LinearBackward", "a residual that is the input, in another shape",
			normal(17, []int{2, 3, 4}, []int{4, 4}),
			func(t tape, in vars) value {
				x := t.Reshape(in[0], 6, 4)
				return t.Linear(x, in[1], nil, t.Reshape(x, 6, 4), kernels.NoActivation)
			}),
		on("LinearBackward", "ReLU", normal(14, []int{3, 4}, []int{5, 4}, []int{5}),
			func(t tape, in vars) value {
				return t.Linear(in[0], in[1], in[2], nil, kernels.WithReLU)
			}),
	}
}

func norms() []check {
	norm := func(relu, residual bool) func(t tape, in vars) value {
		return func(t tape, in vars) value {
			var r value
			if residual {
				r = in[3]
			}
			n := autograd.BatchNorm{Eps: 1e-5, Momentum: 0.1, ReLU: relu}
			if !t.Training() {
				n.RunningMean, n.RunningVar = runningStatistics(t.Backend(), 3)
			}
			return t.BatchNorm(in[0], in[1], in[2], r, n)
		}
	}
	return []check{
		on("BatchNormBackward", "train", normal(15, []int{2, 2, 3, 3}, []int{3}, []int{3}),
			norm(false, false), autograd.WithTrain()),
		on("BatchNormBackward", "train, residual, ReLU", normal(16, []int{5, 3}, []int{3}, []int{3},
			[]int{5, 3}), norm(true, true), autograd.WithTrain()),
		on("BatchNormBackward", "eval", normal(17, []int{4, 3}, []int{3}, []int{3}), norm(false, false)),
		on("BatchNormBackward", "eval, residual, ReLU", normal(48, []int{4, 3}, []int{3}, []int{3},
			[]int{4, 3}), norm(true, true)),
		on("LayerNormBackward", "", normal(18, []int{2, 3, 7}, []int{7}, []int{7}),
			func(t tape, in vars) value {
				return t.LayerNorm(in[0], in[1], in[2], 1e-6)
			}),
	}
}

func activations() []check {
	return []check{
		on("ReLUBackward", "", apart(19, 0.01, []int{3, 7}),
			func(t tape, in vars) value { return t.ReLU(in[0]) }),
		on("GELUBackward", "", normal(20, []int{3, 7}), func(t tape, in vars) value { return t.GELU(in[0]) }),
		on("SigmoidBackward", "", normal(21, []int{3, 7}),
			func(t tape, in vars) value { return t.Sigmoid(in[0]) }),
		on("SoftmaxBackward", "", normal(22, []int{3, 5}),
			func(t tape, in vars) value { return t.Softmax(in[0]) }),
		on("DropoutBackward", "", normal(23, []int{5, 7}),
			func(t tape, in vars) value { return t.Dropout(in[0], 0.4) },
			autograd.WithTrain(), autograd.WithSeed(3, 4)),
	}
}

func attentions() []check {
	return []check{
		on("AttentionBackward", "packed", normal(24, []int{2, 3, 3, 2, 4}),
			func(t tape, in vars) value { return t.Attention(in[0]) }),
		on("AttentionBackward", "cross", normal(25, []int{2, 3, 2, 4}, []int{2, 5, 2, 4}, []int{2, 5, 2, 4}),
			func(t tape, in vars) value {
				return t.CrossAttention(in[0], in[1], in[2])
			}),
		on("AttentionBackward", "one value thrice", normal(26, []int{1, 3, 2, 2}),
			func(t tape, in vars) value {
				return t.CrossAttention(in[0], in[0], in[0])
			}),
	}
}

func arithmetic() []check {
	return []check{
		on("AddBackward", "", normal(27, []int{3, 4}, []int{3, 4}),
			func(t tape, in vars) value { return t.Add(in[0], in[1]) }),
		on("AddBackward", "one value twice", normal(28, []int{3, 4}),
			func(t tape, in vars) value { return t.Add(in[0], in[0]) }),
		on("MulBackward", "", normal(29, []int{3, 4}, []int{3, 4}),
			func(t tape, in vars) value { return t.Mul(in[0], in[1]) }),
		on("MulBackward", "one value twice", normal(30, []int{3, 4}),
			func(t tape, in vars) value { return t.Mul(in[0], in[0]) }),
		on("ScaleBackward", "", normal(31, []int{3, 4}),
			func(t tape, in vars) value { return t.Scale(in[0], -1.5) }),
		on("BiasBackward", "", normal(32, []int{2, 3, 4}, []int{3, 4}),
			func(t tape, in vars) value { return t.Bias(in[0], in[1]) }),
		on("SumBackward", "all", normal(38, []int{3, 4}),
			func(t tape, in vars) value { return t.Sum(in[0]) }),
		on("SumBackward", "mean of an axis", normal(39, []int{2, 3, 4}),
			func(t tape, in vars) value { return t.MeanAxis(in[0], 1) }),
		on("SumBackward", "a view twice", normal(40, []int{2, 6}), func(t tape, in vars) value {
			return t.Add(t.SumAxis(t.Reshape(in[0], 3, 4), 0), t.MeanAxis(t.Reshape(in[0], 3, 4), 0))
		}),
	}
}

func shapes() []check {
	return []check{
		on("ConcatBackward", "", normal(33, []int{2, 1, 3}, []int{2, 4, 3}), func(t tape, in vars) value {
			return t.Concat(1, in[0], in[1], in[0])
		}),
		on("SliceBackward", "", normal(34, []int{2, 5, 3}),
			func(t tape, in vars) value { return t.Slice(in[0], 1, 1, 4) }),
		on("PadBackward", "", normal(35, []int{2, 2, 3, 2}),
			func(t tape, in vars) value { return t.Pad(in[0], 1, 0, 2, 1) }),
		on("ResizeBackward", "up", normal(36, []int{2, 3, 4, 2}),
			func(t tape, in vars) value { return t.Resize(in[0], 7, 5) }),
		on("ResizeBackward", "down", normal(37, []int{1, 7, 5, 2}),
			func(t tape, in vars) value { return t.Resize(in[0], 3, 2) }),
	}
}

func losses() []check {
	return []check{
		on("BCEBackward", "", gradcheck.Uniform(41, 0.1, 0.9, []int{7}), func(t tape, in vars) value {
			return t.BCE(in[0], constant(t, gradcheck.Uniform(42, 0, 1, []int{7})))
		}),
		on("BCELogitsBackward", "", apart(43, 0.3, []int{7}), func(t tape, in vars) value {
			return t.BCELogits(in[0], constant(t, gradcheck.Uniform(44, 0, 1, []int{7})))
		}),
		on("MSEBackward", "", normal(45, []int{2, 4}), func(t tape, in vars) value {
			return t.MSE(in[0], constant(t, normal(46, []int{2, 4})))
		}),
		on("CrossEntropyBackward", "", normal(47, []int{4, 5}), func(t tape, in vars) value {
			return t.CrossEntropy(in[0], t.UploadInts([]int32{0, 4, 2, 2}))
		}),
	}
}

// runningStatistics are a mean and a variance that are not 0 and 1.
func runningStatistics(be kernels.Backend, c int) (mean, variance *autograd.Param) {
	make := func(name string, v float64) *autograd.Param {
		p, err := autograd.NewParam(be, name, autograd.Plain, c)
		if err != nil {
			panic(err)
		}
		be.Fill(p.Value.Buf, v)
		return p
	}
	return make("running_mean", 0.3), make("running_var", 1.7)
}
