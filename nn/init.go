package nn

import (
	"math"

	"truegrain/tensor"
)

// Init writes the initial values of a parameter of the given shape (ours: output channels first, channels
// last).
type Init func(s *Stream, dst []float32, shape tensor.Shape)

// Zeros is 0 everywhere.
func Zeros(*Stream, []float32, tensor.Shape) {}

// Ones is 1 everywhere.
func Ones(_ *Stream, dst []float32, _ tensor.Shape) {
	for i := range dst {
		dst[i] = 1
	}
}

// Uniform is uniform in (−bound, bound).
func Uniform(bound float64) Init {
	return func(s *Stream, dst []float32, _ tensor.Shape) {
		for i := range dst {
			dst[i] = float32(bound * (2*s.Uniform() - 1))
		}
	}
}

// Normal is normal with mean 0 and the given standard deviation.
func Normal(std float64) Init {
	return func(s *Stream, dst []float32, _ tensor.Shape) {
		for i := range dst {
			dst[i] = float32(std * s.Normal())
		}
	}
}

// TruncNormal is Normal(std) conditioned on lying within [−2, 2] (PyTorch's trunc_normal_ with its defaults).
func TruncNormal(std float64) Init {
	p := math.Erf(2 / (std * math.Sqrt2)) // of the mass that lies inside
	return func(s *Stream, dst []float32, _ tensor.Shape) {
		for i := range dst {
			dst[i] = float32(std * math.Sqrt2 * math.Erfinv(p*(2*s.Uniform()-1)))
		}
	}
}

// KaimingUniform is PyTorch's default for the weights of convolutions and linear layers, kaiming_uniform_
// with a = √5 (He et al. 2015): uniform with bound 1/√fanIn.
func KaimingUniform(s *Stream, dst []float32, shape tensor.Shape) {
	Uniform(1/math.Sqrt(float64(fanIn(shape))))(s, dst, shape)
}

// KaimingNormalFanOut is kaiming_normal_ with mode fan_out for ReLU, what torchvision gives the convolutions
// of a ResNet: normal with standard deviation √(2/(OC·KH·KW)).
func KaimingNormalFanOut(s *Stream, dst []float32, shape tensor.Shape) {
	Normal(math.Sqrt(2/float64(fanOut(shape))))(s, dst, shape)
}

// XavierUniform is xavier_uniform_ (Glorot & Bengio 2010): uniform with bound √(6/(fanIn + fanOut)).
func XavierUniform(s *Stream, dst []float32, shape tensor.Shape) {
	Uniform(math.Sqrt(6/float64(fanIn(shape)+fanOut(shape))))(s, dst, shape)
}

// LecunTruncNormal is TruncNormal with standard deviation √(1/fanIn), what torchvision gives ViT's patch
// projection.
func LecunTruncNormal(s *Stream, dst []float32, shape tensor.Shape) {
	TruncNormal(math.Sqrt(1/float64(fanIn(shape))))(s, dst, shape)
}

// Bilinear makes a transposed convolution (C,KH,KW,OC) with stride ⌈K/2⌉ interpolate bilinearly, channel by
// channel, as FCN starts (Long et al. 2015): w[c,p,q,c] = (1 − |p−m|/f)·(1 − |q−m|/f), f = ⌈K/2⌉, m the
// middle.
func Bilinear(_ *Stream, dst []float32, shape tensor.Shape) {
	kh, kw, oc := shape[1], shape[2], shape[3]
	for c := range min(shape[0], oc) {
		for p := range kh {
			for q := range kw {
				dst[((c*kh+p)*kw+q)*oc+c] = float32(tent(p, kh) * tent(q, kw))
			}
		}
	}
}

// tent is the bilinear kernel of k taps at tap i.
func tent(i, k int) float64 {
	f := float64((k + 1) / 2)
	return 1 - math.Abs(float64(i)-float64(k-1)/2)/f
}

// fanIn and fanOut count a unit's inputs and outputs as PyTorch does, from the weight's shape alone.
func fanIn(shape tensor.Shape) int { return shape[1:].Len() }

func fanOut(shape tensor.Shape) int {
	if len(shape) == 2 {
		return shape[0]
	}
	return shape[0] * shape[1] * shape[2]
}
