package golden

import (
	"math"
	"strings"
)

// step is the increment of splitmix64, the golden ratio in 64 bits.
const step = 0x9E3779B97F4A7C15

// Uniform is n numbers in [0,1) with 24 bits: splitmix64 started at fnv1a64(name) XOR seed·step (Steele, Lea
// & Flood, "Fast splittable pseudorandom number generators", 2014).
func Uniform(name string, seed uint64, n int) []float64 {
	base := fnv1a64(name) ^ seed*step
	out := make([]float64, n)
	for i := range out {
		z := base + uint64(i+1)*step
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		z ^= z >> 31
		out[i] = float64(z>>40) / (1 << 24)
	}
	return out
}

func fnv1a64(s string) uint64 {
	h := uint64(0xCBF29CE484222325)
	for _, b := range []byte(s) {
		h = (h ^ uint64(b)) * 0x100000001B3
	}
	return h
}

// Array is an input tensor of n elements, uniform in [lo,hi), row-major in PyTorch's order.
func Array(name string, seed uint64, n int, lo, hi float64) []float32 {
	out := make([]float32, n)
	for i, u := range Uniform(name, seed, n) {
		out[i] = float32(lo + (hi-lo)*u)
	}
	return out
}

// Picture is an input of a whole model, (B,C,H,W) in PyTorch's order: blocks of 16×16 pixels of one value,
// with weight ¾, plus ¼ of noise.
func Picture(name string, seed uint64, b, c, h, w int) []float32 {
	rows, cols := (h+15)/16, (w+15)/16
	coarse := Array(name+".coarse", seed, b*c*rows*cols, -1, 1)
	out := Array(name, seed, b*c*h*w, -1, 1)
	for i := range out {
		plane, y, x := i/(h*w), i/w%h, i%w
		block := coarse[(plane*rows+y/16)*cols+x/16]
		out[i] = float32(0.75*float64(block) + 0.25*float64(out[i]))
	}
	return out
}

// Target is the label of each of n pictures in a training step, 1 for a photograph and 0 for AI.
func Target(name string, seed uint64, n int) []int32 {
	out := make([]int32, n)
	for i, u := range Uniform(name, seed, n) {
		if u < 0.5 {
			out[i] = 1
		}
	}
	return out
}

// Fill is the value of the parameter or buffer called name (a key of torchvision's state dict), in PyTorch's
// shape and order. What it is depends on the kind of parameter, which the name and the rank tell.
func Fill(name string, seed uint64, shape ...int) []float32 {
	n, fanIn := 1, 1
	for i, d := range shape {
		n *= d
		if i > 0 {
			fanIn *= d
		}
	}
	value := fillRule(name, len(shape), fanIn)
	out := make([]float32, n)
	for i, u := range Uniform(name, seed, n) {
		out[i] = float32(value(2*u - 1))
	}
	return out
}

// fillRule maps u in [−1,1) to the value of a parameter.
func fillRule(name string, rank, fanIn int) func(u float64) float64 {
	switch last := name[strings.LastIndexByte(name, '.')+1:]; {
	case last == "running_var":
		return func(u float64) float64 { return 1 + 0.25*(u+1) }
	case last == "running_mean", last == "pos_embedding", last == "class_token":
		return func(u float64) float64 { return 0.1 * u }
	case rank >= 2:
		bound := math.Sqrt(3 / float64(fanIn))
		return func(u float64) float64 { return u * bound }
	case strings.HasSuffix(name, "bn3.weight"):
		return func(u float64) float64 { return 0.2 * (1 + 0.1*u) }
	case last == "weight", strings.HasSuffix(name, "_weight"):
		return func(u float64) float64 { return 1 + 0.1*u }
	}
	return func(u float64) float64 { return 0.1 * u }
}
