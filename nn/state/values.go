package state

import (
	"encoding/binary"
	"fmt"
	"math"

	"truegrain/kernels"
)

// widths is the bits of each element type, in safetensors' names.
var widths = map[string]int{"BOOL": 8, "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "U8": 8, "I8": 8, "F8_E5M2": 8,
	"F8_E4M3": 8,
	"F8_E8M0": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32, "U32": 32, "F32": 32, "C64": 64,
	"F64": 64, "I64": 64, "U64": 64}

// reader gives element i of little-endian data as a float64, or nil for a type that has no plain number.
func reader(dtype string, data []byte) func(i int) float64 {
	le := binary.LittleEndian
	switch dtype {
	case "F32":
		return func(i int) float64 { return float64(math.Float32frombits(le.Uint32(data[4*i:]))) }
	case "F64":
		return func(i int) float64 { return math.Float64frombits(le.Uint64(data[8*i:])) }
	case "F16":
		return func(i int) float64 { return float64(halfFloat(le.Uint16(data[2*i:]))) }
	case "BF16":
		return func(i int) float64 { return float64(kernels.BF16Float(le.Uint16(data[2*i:]))) }
	case "I64":
		return func(i int) float64 { return float64(int64(le.Uint64(data[8*i:]))) }
	case "I32":
		return func(i int) float64 { return float64(int32(le.Uint32(data[4*i:]))) }
	case "I16":
		return func(i int) float64 { return float64(int16(le.Uint16(data[2*i:]))) }
	case "U8", "BOOL":
		return func(i int) float64 { return float64(data[i]) }
	case "I8":
		return func(i int) float64 { return float64(int8(data[i])) }
	}
	return nil
}

// halfFloat is the value of the 16 bits of an IEEE 754 binary16.
func halfFloat(b uint16) float32 {
	sign, exp, frac := uint32(b>>15)<<31, uint32(b>>10&31), uint32(b&1023)
	switch exp {
	case 0: // zero and subnormal: frac·2^−24
		v := float32(frac) * (1.0 / (1 << 24))
		return math.Float32frombits(math.Float32bits(v) | sign)
	case 31:
		return math.Float32frombits(sign | 0x7F800000 | frac<<13)
	}
	return math.Float32frombits(sign | (exp+112)<<23 | frac<<13)
}

// halfBits rounds to binary16, to nearest, ties to even.
func halfBits(v float32) uint16 {
	b := math.Float32bits(v)
	sign, abs := uint16(b>>16)&0x8000, b&0x7FFFFFFF
	switch {
	case abs > 0x7F800000:
		return sign | 0x7E00
	case abs >= 0x47800000-0x1000: // from 65520 on
		return sign | 0x7C00
	case abs < 0x38800000: // subnormal: a multiple of 2^−24
		return sign | uint16(math.RoundToEven(float64(math.Float32frombits(abs))*(1<<24)))
	}
	return sign | uint16((abs-0x38000000+0xFFF+abs>>13&1)>>13)
}

// Float32s copies a tensor as float32, in PyTorch's order.
func (f *File) Float32s(name string) ([]float32, error) { return values[float32](f, name) }

// Float64s copies a tensor as float64, in PyTorch's order.
func (f *File) Float64s(name string) ([]float64, error) { return values[float64](f, name) }

func values[T float32 | float64](f *File, name string) ([]T, error) {
	e, ok := f.tensors[name]
	if !ok {
		return nil, fmt.Errorf("no tensor %s", quoted(name))
	}
	at := reader(e.DType, e.data)
	if at == nil {
		return nil, fmt.Errorf("tensor %s: values of type %s can't be read as numbers", quoted(name), e.DType)
	}
	n, _ := elements(e.Shape)
	out := make([]T, n)
	if e.strides == nil {
		for i := range out {
			out[i] = T(at(i))
		}
		return out, nil
	}
	index := make([]int, len(e.Shape)) // counts through the shape, last axis fastest
	for i := range out {
		where := 0
		for k, v := range index {
			where += v * e.strides[k]
		}
		out[i] = T(at(where))
		for k := len(index) - 1; k >= 0; k-- {
			if index[k]++; index[k] < e.Shape[k] {
				break
			}
			index[k] = 0
		}
	}
	return out, nil
}
