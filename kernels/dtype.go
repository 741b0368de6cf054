package kernels

import (
	"fmt"
	"math"
)

// DType is the type of the elements of a Buf.
type DType uint8

// The element types. Index values (class targets, arg-max positions) are I32. Values are F32 on devices, F64
// on the float64 oracle; BF16 is for activations and weights where a device gains from it. U8 are the bytes
// of pictures, which Normalize makes values of.
const (
	Invalid DType = iota
	F32
	F64
	BF16
	I32
	U8
)

// Size is the number of bytes of one element.
func (d DType) Size() int {
	switch d {
	case U8:
		return 1
	case F32, I32:
		return 4
	case F64:
		return 8
	case BF16:
		return 2
	}
	return 0
}

func (d DType) String() string {
	switch d {
	case F32:
		return "float32"
	case F64:
		return "float64"
	case BF16:
		return "bfloat16"
	case I32:
		return "int32"
	case U8:
		return "uint8"
	}
	return fmt.Sprintf("DType(%d)", uint8(d))
}

// BF16Bits rounds v to bfloat16 (round to nearest, ties to even; NaN stays NaN) and returns its 16 bits.
func BF16Bits(v float32) uint16 {
	b := math.Float32bits(v)
	if v != v {
		return uint16(b>>16) | 0x40
	}
	return uint16((b + 0x7fff + b>>16&1) >> 16)
}

// BF16Float is the value of the 16 bits of a bfloat16.
func BF16Float(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }
