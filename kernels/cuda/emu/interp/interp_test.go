package interp

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// kernelOf is a kernel of two parameters, where to read and where to write, 8 bytes a thread each; %in and
// %out are the thread's addresses, and body does the rest.
func kernelOf(t *testing.T, body string) *Kernel {
	m, err := Parse(`.version 8.3
.target sm_90a
.address_size 64
.extern .shared .align 1024 .b8 memory[];
.visible .entry k(.param .u64 k_param_0, .param .u64 k_param_1)
{
	.reg .b32 %r<9>;
	.shared .align 8 .b8 table[1024];
	mov.u32 %tid, %tid.x;
	mul.wide.u32 %off, %tid, 8;
	ld.param.u64 %in, [k_param_0];
	ld.param.u64 %out, [k_param_1];
	add.s64 %in, %in, %off;
	add.s64 %out, %out, %off;
` + body + "\n}\n")
	require.NoError(t, err)
	k, err := m.Kernel("k")
	require.NoError(t, err)
	return k
}

// onThreads runs it on one block of so many threads, with values to read.
func onThreads(k *Kernel, threads int, in ...uint64) (out []uint64, err error) {
	const from, to = 1 << 20, 1 << 21
	read, written := make([]byte, 8*(threads+2)), make([]byte, 8*threads)
	for i, v := range in {
		binary.LittleEndian.PutUint64(read[8*i:], v)
	}
	args := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, from), to)
	l := Launch{Kernel: k, Grid: [3]uint32{1, 1, 1}, Block: [3]uint32{uint32(threads), 1, 1}, Shared: 4096, Args: args,
		Memory: []Memory{{from, read}, {to, written}}, Seed: 7}
	err = l.Run()
	for i := range threads {
		out = append(out, binary.LittleEndian.Uint64(written[8*i:]))
	}
	return out, err
}

// Each instruction on values at which it could go wrong. %a, %b and %c are what the thread gets, %d is what
// it gives.
func TestInstructions(t *testing.T) {
	f := func(v float64) uint64 { return bits32(float32(v)) }
	d := math.Float64bits
	nan := f(math.NaN())
	minus := func(v int64, bits int) uint64 { return uint64(-v) & (1<<bits - 1) }
	for _, c := range []struct {
		op      string
		a, b, c uint64
		want    uint64
	}{
		{"add.s32 %d, %a, %b", 1<<32 - 1, 2, 0, 1},
		{"sub.s32 %d, %a, -1", 5, 0, 0, 6},
		{"mul.lo.s32 %d, %a, -3", 7, 0, 0, minus(21, 32)},
		{"mul.hi.s32 %d, %a, %b", minus(2, 32), 3, 0, minus(1, 32)},
		{"mul.hi.u32 %d, %a, -1431655765", 9, 0, 0, 6},
		{"mul.hi.s64 %d, %a, %b", minus(4, 64), 1 << 63, 0, 2},
		{"mul.wide.s32 %d, %a, %b", minus(2, 32), 3, 0, minus(6, 64)},
		{"mul.wide.u32 %d, %a, %b", minus(1, 32), minus(1, 32), 0, (1<<32 - 1) * (1<<32 - 1)},
		{"mul.wide.u16 %d, %a, -1", 1<<16 - 1, 0, 0, (1<<16 - 1) * (1<<16 - 1)},
		{"mad.lo.s32 %d, %a, %b, %c", minus(2, 32), 3, 7, 1},
		{"div.s32 %d, %a, %b", minus(7, 32), 2, 0, minus(3, 32)},
		{"rem.s32 %d, %a, %b", minus(7, 32), 2, 0, minus(1, 32)},
		{"div.u32 %d, %a, %b", minus(7, 32), 2, 0, (1<<32 - 7) / 2},
		{"shr.s32 %d, %a, 40", minus(7, 32), 0, 0, minus(1, 32)},
		{"shr.u32 %d, %a, 32", minus(7, 32), 0, 0, 0},
		{"shl.b32 %d, %a, 31", 3, 0, 0, 1 << 31},
		{"bfe.u64 %d, %a, 4, 14", 0x7fffff, 0, 0, 0x3fff},
		{"min.s32 %d, %a, %b", minus(1, 32), 1, 0, minus(1, 32)},
		{"max.s64 %d, %a, %b", minus(1, 64), 1, 0, 1},
		{"neg.s32 %d, %a", 1, 0, 0, minus(1, 32)},
		{"not.b32 %d, %a", 1, 0, 0, 1<<32 - 2},
		{"xor.b32 %d, %a, -1", 0xf0, 0, 0, 0xffffff0f},
		{"cvt.s64.s32 %d, %a", minus(5, 32), 0, 0, minus(5, 64)},
		{"cvt.u64.u32 %d, %a", minus(5, 32), 0, 0, minus(5, 32)},
		{"cvt.u32.u64 %d, %a", 1<<40 | 9, 0, 0, 9},
		{"cvt.rn.f32.s32 %d, %a", minus(16777217, 32), 0, 0, f(-16777216)},
		{"cvt.rn.f32.u32 %d, %a", 1<<32 - 1, 0, 0, f(1 << 32)},
		{"cvt.rzi.s32.f32 %d, %a", f(-2.9), 0, 0, minus(2, 32)},
		{"cvt.rzi.s32.f32 %d, %a", f(3e9), 0, 0, math.MaxInt32},
		{"cvt.rzi.s32.f32 %d, %a", nan, 0, 0, 0},
		{"cvt.rn.bf16.f32 %d, %a", 0x3f808000, 0, 0, 0x3f80}, // ties to even, down
		{"cvt.rn.bf16.f32 %d, %a", 0x3f818000, 0, 0, 0x3f82}, // and up
		{"cvt.rn.bf16.f32 %d, %a", 0x7f7fffff, 0, 0, 0x7f80},
		{"cvt.rn.bf16.f32 %d, %a", 0x7f800001, 0, 0, 0x7fff},
		{"cvt.rn.bf16x2.f32 %d, %a, %b", f(1), f(2), 0, 0x3f804000},
		{"cvt.f64.f32 %d, %a", f(0.1), 0, 0, d(float64(float32(0.1)))},
		{"cvt.rn.f32.f64 %d, %a", d(0.1), 0, 0, f(0.1)},
		{"min.f32 %d, %a, %b", nan, f(2), 0, f(2)},
		{"max.f32 %d, %a, %b", f(math.Copysign(0, -1)), f(0), 0, f(0)},
		{"fma.rn.f32 %d, %a, %b, %c", 0x3f800001, 0x3f800001, 0xbf800002, 0x28800000}, // 2^-46, once rounded
		{"add.f32 %d, %a, 0f3F800000", f(1 << 24), 0, 0, f(1 << 24)},
		{"div.rn.f32 %d, %a, %b", f(1), f(3), 0, f(1.0 / 3)},
		{"neg.f32 %d, %a", nan, 0, 0, nan | 1<<31},
		{"abs.f32 %d, %a", f(-2), 0, 0, f(2)},
		{"sqrt.rn.f32 %d, %a", f(2), 0, 0, f(math.Sqrt2)},
		{"rcp.approx.ftz.f32 %d, %a", 1, 0, 0, f(math.Inf(1))}, // the smallest float32 counts as 0
		{"ex2.approx.ftz.f32 %d, %a", f(-127), 0, 0, 0},
		{"ex2.approx.ftz.f32 %d, %a", f(-126), 0, 0, 0x00800000},
		{"fma.rn.f64 %d, %a, %b, %c", d(1 + 0x1p-52), d(1 - 0x1p-52), d(-1), d(-0x1p-104)},
		{"setp.lt.s32 %d, %a, %b", minus(1, 32), 0, 0, 1},
		{"setp.lt.u32 %d, %a, %b", minus(1, 32), 0, 0, 0},
		{"setp.ge.f32 %d, %a, %b", nan, nan, 0, 0},
		{"setp.ne.f32 %d, %a, %b", nan, nan, 0, 0},
		{"setp.nan.f32 %d, %a, %b", f(1), nan, 0, 1},
		{"setp.num.f32 %d, %a, %b", f(1), f(2), 0, 1},
		{"selp.b32 %d, %a, %b, %c", 1, 2, 0, 2},
		{"mov.b64 {%x, %d}, %a", 5<<32 | 6, 0, 0, 5},
		{"mov.b64 %d, {%a, %b}", 6, 5, 0, 5<<32 | 6},
	} {
		k := kernelOf(t, `
	ld.global.u64 %a, [%in];
	ld.global.u64 %b, [%in+8];
	ld.global.u64 %c, [%in+16];
	`+c.op+`;
	st.global.u64 [%out], %d;
	ret;`)
		out, err := onThreads(k, 1, c.a, c.b, c.c)
		require.NoError(t, err, c.op)
		require.Equal(t, c.want, out[0], "%s of %#x, %#x, %#x", c.op, c.a, c.b, c.c)
	}
}

// What the lanes of a warp do together, and paths that part and meet.
func TestLanesTogether(t *testing.T) {
	for name, c := range map[string]struct {
		body    string
		threads int
		want    func(thread int) uint64
	}{
		"butterfly": {"shfl.sync.bfly.b32 %d, %tid, 5, 31, -1;", 64, func(i int) uint64 { return uint64(i ^ 5) }},
		"down, the end of a segment keeps its own": {"shfl.sync.down.b32 %d, %tid, 1, 6175, -1;", 32, // segments of 8
			func(i int) uint64 {
				if i%8 == 7 {
					return uint64(i)
				}
				return uint64(i + 1)
			}},
		"up": {"shfl.sync.up.b32 %d, %tid, 2, 0, -1;", 32, func(i int) uint64 {
			if i < 2 {
				return uint64(i)
			}
			return uint64(i - 2)
		}},
		"a loop of another length each, then together": {`
	mov.u32 %n, 0;
LOOP:
	add.s32 %n, %n, 1;
	setp.le.s32 %p, %n, %tid;
	@%p bra LOOP;
	shfl.sync.idx.b32 %d, %n, 31, 31, -1;`, 32, func(int) uint64 { return 32 }},
		"some end before": {`
	setp.gt.s32 %p, %tid, 7;
	@%p bra OUT;
	shfl.sync.bfly.b32 %d, %tid, 1, 31, -1;
	bar.sync 0;
	st.global.u64 [%out], %d;
OUT:
	ret;`, 64, func(i int) uint64 {
			if i > 7 {
				return 0
			}
			return uint64(i ^ 1)
		}},
		"a barrier of the block": {`
	mov.u64 %s, table;
	shl.b32 %t, %tid, 2;
	cvt.u64.u32 %t, %t;
	add.s64 %t, %s, %t;
	st.shared.u32 [%t], %tid;
	bar.sync 0;
	sub.s64 %t, 252, %t;
	ld.shared.u32 %d, [%t];`, 64, func(i int) uint64 { return uint64(63 - i) }},
		"a copy that is waited for": {`
	mov.u64 %s, table;
	shl.b32 %t, %tid, 4;
	cvt.u32.u64 %u, %s;
	add.s32 %u, %u, %t;
	sub.s64 %in, %in, %off;
	cp.async.cg.shared.global [%u], [%in], 16, 8;
	cp.async.commit_group;
	cp.async.wait_group 0;
	ld.shared.v2.u64 {%d, %x}, [%u];
	add.s64 %d, %d, %x;`, 32, func(int) uint64 { return 1000 }},
	} {
		k := kernelOf(t, c.body+"\n	st.global.u64 [%out], %d;\n	ret;")
		got, err := onThreads(k, c.threads, 1000, 2000)
		require.NoError(t, err, name)
		for i, v := range got {
			require.Equal(t, c.want(i), v, "%s, thread %d", name, i)
		}
	}
}

// What a kernel must not do is a *Fault that says where, and no wrong result.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"outside the operands": {"st.global.u64 [%out+8], %in;", "outside this launch's operands"},
		"misaligned":           {"ld.global.u32 %a, [%in+2];", "is no multiple"},
		"beyond shared memory": {"mov.u64 %s, memory; ld.shared.u32 %a, [%s+4096];",
			"4 bytes at 5120 of the block's shared memory's 5120"},
		"a path without a part": {"setp.gt.s32 %p, %tid, 7; @%p bra A; bar.warp.sync -1; bra B; " +
			"A: bar.warp.sync -1; B:", "only lanes"},
		"half a mask": {"bar.warp.sync 65535;", "a mask of 0000ffff"},
		"a barrier that one warp misses": {"setp.gt.s32 %p, %tid, 31; @%p bra A; bar.sync 1, 64; A: bar.sync 2, 64;",
			"no warp can go on"},
		"no arrival": {"mov.u64 %s, table; cvt.u32.u64 %s, %s; mbarrier.init.shared::cta.b64 [%s], 64; " +
			"A: mbarrier.try_wait.parity.shared::cta.b64 %p, [%s], 0; @%p bra B; bra A; B:", "no warp can go on"},
		"too many arrivals": {"mov.u64 %s, table; cvt.u32.u64 %s, %s; mbarrier.init.shared::cta.b64 [%s], 1; " +
			"mbarrier.arrive.expect_tx.shared::cta.b64 _, [%s], 8;", "more arrivals than the 1"},
		"a product without a fence": {multiplication + "wgmma.wait_group.sync.aligned 0;", "without wgmma.fence"},
		"a product left behind":     {"wgmma.fence.sync.aligned;" + multiplication, "before its products were waited for"},
		"no map": {"cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes " +
			"[%r1], [%in, {%r2, %r3}], [%r1];", "no parameter"},
	} {
		_, err := onThreads(kernelOf(t, strings.ReplaceAll(c.body, "; ", ";\n")+"\n	ret;"), 64)
		var f *Fault
		require.ErrorAs(t, err, &f, name)
		require.Contains(t, f.Reason, c.want, name)
		require.NotZero(t, f.Line, name)
	}
}

const multiplication = `
	mov.u64 %a, 4611686293305294848;
	mov.f32 %f1, 0f00000000;
	wgmma.mma_async.sync.aligned.m64n8k16.f32.bf16.bf16 {%f1,%f2,%f3,%f4}, %a, %a, 1, 1, 1, 0, 0;
	wgmma.commit_group.sync.aligned;
`

// A product is one of four warps: one of them can't have waited for it before all have begun it.
func TestProductsWaitForTheWarpgroup(t *testing.T) {
	_, err := onThreads(kernelOf(t, "setp.gt.s32 %p, %tid, 31;\n @%p bra OUT;\n wgmma.fence.sync.aligned;"+multiplication+
		"wgmma.wait_group.sync.aligned 0;\nOUT:\n	ret;"), 128)
	require.ErrorContains(t, err, "no warp can go on")
}

// Text that is not PTX, or not what is known of it, is an error with its line.
func TestParseRefuses(t *testing.T) {
	const head = ".version 8.3\n.target sm_90a\n.address_size 64\n"
	for text, want := range map[string]string{
		head + "#":                                                    "line 4: '#' is not PTX",
		head + ".visible .entry k()\n{\n	ret;\n":                      "does not end",
		head + ".visible .entry k()\n{\n	bra NOWHERE;\n}":             "no label NOWHERE",
		head + ".visible .entry k()\n{\n	add.s32 %r1, %r2, %r3":       "where",
		head + ".visible .entry k()\n{\n	add.s32 %r1, %r2;\n}":        "line 6: add.s32: operands of another number or kind",
		head + ".visible .entry k()\n{\n	madc.hi.s32 %r1, %r2;\n}":    "an instruction that is not known",
		head + ".visible .entry k()\n{\n	add.s32 %r1, %r2, there;\n}": "there is no register",
		head + ".func f()":                                            "a declaration that is not known",
	} {
		_, err := Parse(text)
		require.ErrorContains(t, err, want, text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(".version 8.3\n.visible .entry k(.param .u64 p)\n.maxntid 32, 1, 1\n{\n.reg .b32 %r<3>;\nL:\n@!%p1 bra L;\n" +
		"{\n.reg .b64 t;\nmov.b64 t, p;\n}\nld.global.nc.v2.f32 {%f1, %f2}, [%rd1+-8];\nret;\n}\n")
	f.Fuzz(func(_ *testing.T, text string) { _, _ = Parse(text) })
}

// Two words of one bank are two passes, the same word one; 16 bytes go by quarters of a warp.
func TestSharedPasses(t *testing.T) {
	stride := func(n uint64) (at []uint64) {
		for l := range uint64(lanes) {
			at = append(at, n*l)
		}
		return at
	}
	for _, c := range []struct {
		stride       uint64
		size         int
		passes, best int
	}{{4, 4, 1, 1}, {0, 4, 1, 1}, {8, 4, 2, 1}, {128, 4, 32, 1}, {132, 4, 1, 1}, {8, 8, 2, 2}, {16, 16, 4, 4},
		{128, 16, 32, 4}, {144, 16, 4, 4}, {2, 2, 1, 1}} {
		passes, best := sharedPasses(allLanes, stride(c.stride), c.size)
		require.Equal(t, []int{c.passes, c.best}, []int{passes, best}, "%d bytes, %d apart", c.size, c.stride)
	}
}
