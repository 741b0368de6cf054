package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// convert writes the conversions between element types, of whole blocks of 16 elements.
func convert(w *writer, v *vector) {
	c := &conversion{stream: &stream{writer: w, vector: v}}
	c.write("float64From32", "func(dst []float64, src []float32)", 8, 4, func() {
		for i := range 16 / (v.lanes / 2) {
			r := c.reg()
			c.VCVTPS2PD(c.part("src", 4, i*v.lanes/2), r)
			c.VMOVUPD(r, c.part("dst", 8, i*v.lanes/2))
		}
	})
	c.write("float32From64", "func(dst []float32, src []float64)", 4, 8, func() {
		for i := range 16 / (v.lanes / 2) {
			m := c.part("src", 8, i*v.lanes/2)
			if c.wide() {
				r := c.YMM()
				c.VCVTPD2PS(m, r)
				c.VMOVUPS(r, c.part("dst", 4, i*v.lanes/2))
				continue
			}
			r := c.XMM()
			c.VCVTPD2PSY(m, r)
			c.VMOVUPS(r, c.part("dst", 4, i*v.lanes/2))
		}
	})
	c.write("float32From16", "func(dst []float32, src []uint16)", 4, 2, func() {
		for i := range 16 / v.lanes {
			r := c.reg()
			c.VPMOVZXWD(c.part("src", 2, i*v.lanes), r)
			c.VPSLLD(U8(16), r, r)
			c.VMOVUPS(r, c.part("dst", 4, i*v.lanes))
		}
	})
	c.write("float16From32", "func(dst []uint16, src []float32)", 2, 4, c.round)
}

// conversion is the kernel being written.
type conversion struct {
	*stream
	dst, src, at GPVirtual // at counts elements
}

func (c *conversion) write(name, signature string, wide, narrow int, block func()) {
	c.function(name+c.suffix, signature, "converts the whole blocks of 16 elements of dst, as "+name+"Go.")
	c.dst = c.Load(c.Param("dst").Base(), c.GP64()).(GPVirtual)
	c.src = c.Load(c.Param("src").Base(), c.GP64()).(GPVirtual)
	n := c.Load(c.Param("dst").Len(), c.GP64())
	c.splat = map[string]Register{}
	if name == "float16From32" {
		c.constants()
	}
	c.at = c.GP64()
	c.XORQ(c.at, c.at)
	c.SUBQ(U8(16), n)
	c.JLT(LabelRef("done"))
	c.Label("block")
	block()
	c.ADDQ(U8(16), c.at)
	c.SUBQ(U8(16), n)
	c.JGE(LabelRef("block"))
	c.Label("done")
	c.VZEROUPPER()
	c.RET()
}

// part is elements from the i-th of the block on, of so many bytes each.
func (c *conversion) part(operand string, size, i int) Mem {
	base := map[string]GPVirtual{"dst": c.dst, "src": c.src}[operand]
	return Mem{Base: base, Index: c.at, Scale: uint8(size), Disp: size * i}
}

// constants are those of rounding to bfloat16.
func (c *conversion) constants() {
	for _, k := range []struct {
		name string
		bits uint32
	}{{"half", 0x7fff}, {"one", 1}, {"quiet", 0x40}} {
		t, x, r := c.GP32(), c.XMM(), c.reg()
		c.MOVL(U32(k.bits), t)
		c.VMOVD(t, x)
		c.VPBROADCASTD(x, r)
		c.splat[k.name] = r
	}
}

// round writes a block of bfloat16: to nearest, ties to even; NaN stays one.
func (c *conversion) round() {
	if c.wide() {
		r := c.rounded(0)
		y := c.YMM()
		c.VPMOVDW(r, y)
		c.VMOVDQU(y, c.part("dst", 2, 0))
		return
	}
	low, high := c.rounded(0), c.rounded(8)
	c.VPACKUSDW(high, low, low)
	c.VPERMQ(U8(0xd8), low, low)
	c.VMOVDQU(low, c.part("dst", 2, 0))
}

// rounded is the bits of a vector of bfloat16 in the lower halves of 32.
func (c *conversion) rounded(i int) VecVirtual {
	x, top, r := c.reg(), c.reg(), c.reg()
	c.VMOVUPS(c.part("src", 4, i), x)
	c.VPSRLD(U8(16), x, top)
	if c.wide() {
		k := c.K()
		c.VPANDD(c.splat["one"], top, r)
		c.VPADDD(c.splat["half"], r, r)
		c.VPADDD(x, r, r)
		c.VPSRLD(U8(16), r, r)
		c.VCMPPS(U8(unordered), x, x, k)
		c.VPORD(c.splat["quiet"], top, k, r)
		return r
	}
	nan := c.reg()
	c.VPAND(c.splat["one"], top, r)
	c.VPADDD(c.splat["half"], r, r)
	c.VPADDD(x, r, r)
	c.VPSRLD(U8(16), r, r)
	c.VPOR(c.splat["quiet"], top, top)
	c.VCMPPS(U8(unordered), x, x, nan)
	c.VBLENDVPS(nan, top, r, r)
	return r
}

// unordered is true where one of both is NaN.
const unordered = 0x03
