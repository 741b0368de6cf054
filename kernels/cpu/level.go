package cpu

import (
	"fmt"
	"os"

	"github.com/klauspost/cpuid/v2"
)

// level is one set of kernels. All levels of a platform are compiled, so that all can be tested.
type level struct {
	name      string
	supported func() bool

	width     int       // columns of a panel of B
	tiles     []tileSet // by columns, the last of a whole panel
	lanes     int       // rows that transpose turns at once
	transpose func(dst, src *float32, dstStride, srcStride, n int)
	gather    func(dst, src *float32, rows, cols, dstStride, srcStride int)
	stream    *streamKernels
	vmath     vmath
	attention attentionKernels
	peak      func(n int)        // n·peakFLOPs operations as fast as the level can; nil if the level has none
	winograd  [2]winogradKernels // for m = 2 and 4
	peakFLOPs int

	// For products in bfloat16, nil where the processor has no such instructions: tiles on pairs, and the
	// rounding of 64·n float32.
	pairTiles []tileSet
	round     func(dst *uint16, src *float32, n int)
}

// tileSet is the kernels for panels of at most cols columns.
type tileSet struct {
	cols int
	rows [tileRows]tileKernel // by rows less one
}

// tile is the kernels of a set for a panel with that many columns.
func tile(set []tileSet, cols int) *[tileRows]tileKernel {
	i := 0
	for set[i].cols < cols {
		i++
	}
	return &set[i].rows
}

// capVar names the environment variable that caps the level: "generic", "avx2" or "avx512".
const capVar = "TRUEGRAIN_CPU"

// available lists the levels that this processor has and the environment allows, best first.
func available() (out []*level, err error) {
	limit := os.Getenv(capVar)
	known := limit == ""
	for _, l := range levels {
		known = known || l.name == limit
		if known && l.supported() {
			out = append(out, l)
		}
	}
	if !known {
		return nil, fmt.Errorf("%s=%q is no level: set it to generic, avx2 or avx512, or unset it",
			capVar, limit)
	}
	return out, nil
}

const genericWidth, genericLanes = 16, 8

var generic = &level{
	name:      "generic",
	supported: func() bool { return true },
	width:     genericWidth,
	tiles:     []tileSet{tilesGo(genericWidth)},
	lanes:     genericLanes,
	transpose: transposeGo(genericLanes),
	gather:    gatherGo(genericLanes),
	stream:    &streamGo,
	vmath:     vmathGo,
	attention: attentionGo,
	winograd:  winogradGo,
}

func tilesGo(width int) tileSet {
	s := tileSet{cols: width}
	for i := range s.rows {
		s.rows[i] = tileGo(i + 1)
	}
	return s
}

func brand() string {
	if cpuid.CPU.BrandName != "" {
		return cpuid.CPU.BrandName
	}
	return cpuid.CPU.VendorID.String()
}
