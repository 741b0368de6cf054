package main

import (
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// columnStep is the columns of scores that a kernel takes: one register or two.
const columnStep = 16

// attention writes the kernels that attentionKernels describes.
func attention(w *writer, v *vector) {
	w.softmaxColumns(v)
	w.gradientColumns(v)
	w.rows(v)
	w.dots(v)
}

// columns goes down 16 columns of matrices whose rows are stride bytes apart.
type columns struct {
	*flow
	rows, stride, stride3 GPVirtual
}

func (w *writer) columns(v *vector, name, signature, doc string) *columns {
	c := &columns{flow: w.rowKernel(v, name, signature, doc)}
	c.rows, c.stride, c.stride3 = c.param("rows"), c.param("stride"), c.GP64()
	c.SHLQ(U8(2), c.stride)
	c.LEAQ(Mem{Base: c.stride, Index: c.stride, Scale: 2}, c.stride3)
	return c
}

// vectors is the registers of a row.
func (c *columns) vectors() int { return columnStep / c.lanes }

// place is a register of a row: the i-th of a few rows that are worked on at once.
type place struct{ row, i int }

// at is where a place is, in the matrix that a pointer has come down to.
func (c *columns) at(p GPVirtual, l place) Mem {
	m := Mem{Base: p, Disp: 4 * c.lanes * l.i}
	switch l.row {
	case 1, 2:
		m = m.Idx(c.stride, uint8(l.row))
	case 3:
		m = m.Idx(c.stride3, 1)
	}
	return m
}

// down writes the loops over the rows: body for four rows, part by part if they have more registers than can
// be worked on at once, and for one row; then the pointers advance.
func (c *columns) down(pointers []GPVirtual, many int, body func(l []place)) {
	left := c.GP64()
	c.MOVQ(c.rows, left)
	for _, rows := range []int{4, 1} {
		again, next := c.label("again"), c.label("next")
		c.Label(again)
		c.SUBQ(I8(int8(rows)), left)
		c.JLT(LabelRef(next))
		var l []place
		for r := range rows {
			for i := range c.vectors() {
				if l = append(l, place{r, i}); len(l) == many {
					body(l)
					l = nil
				}
			}
		}
		if len(l) > 0 {
			body(l)
		}
		for _, p := range pointers {
			c.LEAQ(Mem{Base: p, Index: c.stride, Scale: uint8(rows)}, p)
		}
		c.JMP(LabelRef(again))
		c.Label(next)
		c.ADDQ(I8(int8(rows)), left)
	}
}

// accumulators are four registers, set to a constant: of places whose index has the same remainder.
func (c *columns) accumulators(start float32) (acc []VecVirtual) {
	for range 4 {
		r := c.reg()
		c.VMOVUPS(c.c(start), r)
		acc = append(acc, r)
	}
	return acc
}

func (c *columns) of(acc []VecVirtual, l place) VecVirtual { return acc[(l.row*c.vectors()+l.i)%4] }

// foldRows leaves op over all rows in the registers of the first.
func (c *columns) foldRows(acc []VecVirtual, op func(a, b VecVirtual)) []VecVirtual {
	for n := 2; n >= c.vectors(); n /= 2 {
		for i := range n {
			op(acc[n+i], acc[i])
		}
	}
	return acc[:c.vectors()]
}

// row is the registers of a row at p.
func (c *columns) row(p GPVirtual) (r []VecVirtual) {
	for i := range c.vectors() {
		r = append(r, c.reg())
		c.VMOVUPS(c.at(p, place{i: i}), r[i])
	}
	return r
}

func (c *columns) putRow(r []VecVirtual, p GPVirtual) {
	for i := range r {
		c.VMOVUPS(r[i], c.at(p, place{i: i}))
	}
}

// scaled is x·scale − shift for places of x.
func (c *columns) scaled(x GPVirtual, l []place, scale VecVirtual, shift []VecVirtual) []VecVirtual {
	t := c.regs(len(l))
	c.steps(len(l),
		func(i int) { c.VMOVUPS(c.at(x, l[i]), t[i]) },
		func(i int) { c.VFMSUB213PS(shift[l[i].i], scale, t[i]) })
	return t
}

func (w *writer) softmaxColumns(v *vector) {
	c := w.columns(v, "softmaxColumns", "func(x, shift, sum *float32, rows, stride int, scale float32)",
		"is what softmaxColumnsGo is.")
	c.hold(minusInf, 0)
	x := c.param("x")
	peaks := c.accumulators(minusInf)
	c.down([]GPVirtual{x}, 4, func(l []place) {
		for _, l := range l {
			p := c.of(peaks, l)
			c.VMAXPS(c.at(x, l), p, p)
		}
	})
	shift := c.foldRows(peaks, func(a, b VecVirtual) { c.VMAXPS(a, b, b) })
	scale := c.splat(c.argument("scale"))
	for _, s := range shift {
		c.VMULPS(scale, s, s)
	}
	c.putRow(shift, c.param("shift"))
	c.holdExp()
	x = c.param("x")
	sums := c.accumulators(0)
	c.down([]GPVirtual{x}, c.many(), func(l []place) {
		e := c.expNegative(c.scaled(x, l, scale, shift))
		for i, l := range l {
			s := c.of(sums, l)
			c.VMOVUPS(e[i], c.at(x, l))
			c.VADDPS(e[i], s, s)
		}
	})
	c.putRow(c.foldRows(sums, func(a, b VecVirtual) { c.VADDPS(a, b, b) }), c.param("sum"))
	c.VZEROUPPER()
	c.RET()
}

func (w *writer) gradientColumns(v *vector) {
	c := w.columns(v, "gradientColumns", "func(s, dp, lse, delta *float32, rows, stride int, scale float32)",
		"is what gradientColumnsGo is.")
	c.holdExp()
	s, dp := c.param("s"), c.param("dp")
	lse, delta := c.row(c.param("lse")), c.row(c.param("delta"))
	scale := c.splat(c.argument("scale"))
	c.down([]GPVirtual{s, dp}, c.many(), func(l []place) {
		p := c.exp(c.scaled(s, l, scale, lse))
		for i, l := range l {
			c.VMOVUPS(p[i], c.at(s, l))
		}
		d := c.scaled(dp, l, scale, delta)
		for i, l := range l {
			c.VMULPS(p[i], d[i], d[i])
			c.VMOVUPS(d[i], c.at(dp, l))
		}
	})
	c.VZEROUPPER()
	c.RET()
}

// eachRow writes a loop over rows; body works on one, whose columns are in n, and may change that.
func (f *flow) eachRow(pointers, steps []string, body func(p []GPVirtual, n GPVirtual)) {
	rows, cols, n := f.param("rows"), f.param("cols"), f.GP64()
	var p, step []GPVirtual
	for i := range pointers {
		p, step = append(p, f.param(pointers[i])), append(step, f.param(steps[i]))
	}
	row, done := f.label("row"), f.label("done")
	f.TESTQ(rows, rows)
	f.JZ(LabelRef(done))
	f.Label(row)
	f.MOVQ(cols, n)
	body(p, n)
	for i := range p {
		f.LEAQ(Mem{Base: p[i], Index: step[i], Scale: 4}, p[i])
	}
	f.DECQ(rows)
	f.JNZ(LabelRef(row))
	f.Label(done)
	f.VZEROUPPER()
	f.RET()
}

// rows writes two kernels, one that writes and one that adds.
func (w *writer) rows(v *vector) {
	const signature = "func(dst, src, factor *float32, rows, cols, dstStride, srcStride, factorStep int)"
	for _, acc := range []bool{false, true} {
		name := map[bool]string{false: "scaleRows", true: "addRows"}[acc]
		f := w.rowKernel(v, name, signature, "is what "+name+"Go is.")
		f.eachRow([]string{"dst", "src", "factor"}, []string{"dstStride", "srcStride", "factorStep"},
			func(p []GPVirtual, n GPVirtual) {
				factor := f.splat(Mem{Base: p[2]})
				f.each(n, 4, func(l []lane) {
					r := f.fetchAll(p[1], l)
					if acc {
						sum := f.fetchAll(p[0], l)
						f.steps(len(l), func(i int) { f.VFMADD213PS(sum[i], factor, r[i]) })
					} else {
						f.steps(len(l), func(i int) { f.VMULPS(factor, r[i], r[i]) })
					}
					f.putAll(r, p[0], l)
				})
			})
	}
}

func (w *writer) dots(v *vector) {
	f := w.rowKernel(v, "dotRows",
		"func(dst, a, b *float32, rows, cols, aStride, bStride int, scale float32)",
		"is what dotRowsGo is, with sums in float32.")
	scale := f.XMM()
	f.VMOVSS(f.argument("scale"), scale)
	dst := f.param("dst")
	f.eachRow([]string{"a", "b"}, []string{"aStride", "bStride"}, func(p []GPVirtual, n GPVirtual) {
		sums := f.regs(4)
		for _, s := range sums {
			f.VXORPS(s, s, s)
		}
		f.each(n, 4, func(l []lane) {
			a, b := f.fetchAll(p[0], l), f.fetchAll(p[1], l)
			f.steps(len(l), func(i int) { f.VFMADD231PS(a[i], b[i], sums[i]) })
		})
		add := func(a, b Register) { f.VADDPS(a, b, b) }
		add(sums[1], sums[0])
		add(sums[3], sums[2])
		add(sums[2], sums[0])
		f.fold(sums[0], add)
		t, sum := f.XMM(), sums[0].AsX()
		f.VMOVSHDUP(sum, t)
		f.VADDSS(t, sum, sum)
		f.VMULSS(scale, sum, sum)
		f.VMOVSS(sum, Mem{Base: dst})
		f.ADDQ(I8(4), dst)
	})
}
