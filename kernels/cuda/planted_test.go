//go:build emu

package cuda

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
	"truegrain/kernels/ref"
)

// planted are bugs, each put into a copy of a source (file, old, new; stem is the kernel that is compiled
// anew) or into a launch (tamper), and what tells of it: a text of the checker, or "" for a wrong result.
var planted = []struct {
	name, file, old, new, stem string
	portable                   bool // on a device of sm_80
	tamper                     func(l *launch)
	run                        func(t *testing.T, d *Device) (wrong bool)
	want                       string
}{
	{name: "missing barrier", file: "columns.cuh", stem: "sum", run: sumColumns, want: "shared memory read",
		old: "        __syncthreads();\n        for (int i = thread_of_block()",
		new: "        for (int i = thread_of_block()"},
	{name: "wrong mask", file: "common.cuh", stem: "softmax", old: "fmaxf(v, __shfl_xor_sync(ALL",
		new: "fmaxf(v, __shfl_xor_sync(0xffffu", run: softmaxRows, want: "mask 0000ffff"},
	{name: "off-by-one bound", file: "elementwise.cuh", stem: "add",
		old: "i < n; i += step) put(y + i, f(to_f32(a", new: "i <= n; i += step) put(y + i, f(to_f32(a",
		run: addThree, want: "outside this launch's operands"},
	{name: "unwaited copy", file: "mma.cuh", stem: "gemmmma", portable: true, old: "cp_async_wait<STAGES - 2>",
		new: "cp_async_wait<STAGES - 1>", run: gemmNNInBF16, want: "shared memory read before any write"},
	{name: "wrong grid", tamper: func(l *launch) { l.grid[0]-- }, run: softmaxRows},
	{name: "wrong shared size", tamper: func(l *launch) { l.shared -= 1024 }, run: attendOnce,
		want: "beyond the dynamic shared memory"},
	{name: "swapped parameter", tamper: func(l *launch) {
		copy(l.args[:16], append(append([]byte{}, l.args[8:16]...), l.args[:8]...))
	}, run: softmaxRows},
	{name: "uninitialised accumulator", file: "gemm.cu", stem: "gemm", old: "float acc[4][4] = {};",
		new: "float acc[4][4];", run: gemmNNInF32},
	{name: "missing wait", file: "ring.cuh", stem: "gemm_sm90",
		old: "mbarrier_wait(&ring.full[s], (turn / SLOTS) & 1);", new: "", run: gemmNTInBF16,
		want: "shared memory read"},
	{name: "wrong phase", file: "ring.cuh", stem: "gemm_sm90", old: "(turn / SLOTS - 1) & 1",
		new: "(turn / SLOTS) & 1", run: gemmNTInBF16},
	{name: "unwaited copy of keys", file: "attentionmma.cu", stem: "attentionmma", portable: true,
		old: "        cp_async_wait<0>();\n        __syncthreads();\n    }", new: "        __syncthreads();\n    }",
		run: attendInBF16, want: "shared memory read before any write"},
	{name: "missing barrier between rows and columns", file: "attentionbackwardmma.cu",
		stem: "attentionbackwardmma", portable: true, run: attendBackInBF16, want: "shared memory",
		old: "        cp_async_wait<0>();\n        __syncthreads();\n    }", new: "        cp_async_wait<0>();\n    }"},
	{name: "missing wait for keys", file: "attention_sm90.cuh", stem: "attention_sm90",
		old: "mbarrier_wait(&full[slot], turn / SLOTS & 1);", new: "", run: attendInBF16, want: "shared memory read"},
	{name: "wrong phase of keys", file: "attention_sm90.cuh", stem: "attention_sm90", old: "(turn / SLOTS - 1) & 1",
		new: "(turn / SLOTS) & 1", run: attendLongInBF16},
	{name: "wrong phase of queries", file: "attention_sm90.cuh", stem: "attention_sm90",
		old: "(tile / 2 - 1) & 1", new: "(tile / 2) & 1", run: attendManyInBF16},
	{name: "swapped transposition", file: "gemm_sm90.cu", stem: "gemm_sm90", old: "B_ACROSS = !TB;",
		new: "B_ACROSS = TB;", run: gemmNTInBF16},
	{name: "wrong distance of boxes", file: "ring.cuh", stem: "gemm_sm90", old: "64 * RK * 2) :", new: "64 * RK) :",
		run: gemmWideInBF16},
	{name: "operand beside its atom", file: "attention_sm90.cuh", stem: "attention_sm90",
		old: "wgmma_operand_across(cols + i * 16 * 64,", new: "wgmma_operand_across(cols + i * 16 * 64 + 16,",
		run: attendInBF16, want: "begins 32 bytes into its atom"},
	{name: "product of what threads wrote", file: "ring.cuh", stem: "gemm_sm90", old: "            wgmma_fence();\n",
		new: "            *(volatile short*)(a + threadIdx.x % 128) = 0;\n            wgmma_fence();\n",
		run: gemmNTInBF16, want: "multiplied without fence.proxy.async"},
	{name: "unmasked tail", file: "attention_sm90.cu", stem: "attention_sm90",
		old: "if (col_of(i) >= x.left) s[i] = -INF;", new: "s[i] += 0.0f;", run: attendInBF16},
	{name: "registers taken back too early", file: "attentionbackward_sm90.cu", stem: "attentionbackward_sm90",
		old: "unsigned f[N / 16][4], g[N / 16][4];", new: "unsigned f[N / 16][4], (&g)[N / 16][4] = f;",
		run: attendBackInBF16, want: "were changed before the product was waited for"},
	{name: "missing fence", file: "attention_sm90.cu", stem: "attention_sm90",
		old: "        wgmma_fence();\n        add_cols", new: "        add_cols", run: attendInBF16,
		want: "without wgmma_fence"},
	{name: "statistics not waited for", file: "attention_sm90.cuh", stem: "attentionbackward_sm90",
		old: "mbarrier_init(&full[i], BACK ? 2 : 1);", new: "mbarrier_init(&full[i], 1);", run: attendBackInBF16,
		want: ""},
	{name: "slot given back too early", file: "ring.cuh", stem: "conv2d_sm90",
		old: "            wgmma_wait<1>();\n", new: "", run: convolveInBF16},
	{name: "wrong phase of input pixels", file: "conv2d.cuh", stem: "conv2dmma", portable: true,
		old: "(taps - first + step - 1) / step : 0", new: "taps / step : 0", run: convolveBackInBF16},
}

// tampering changes launches on their way to the driver.
type tampering struct {
	driver
	f func(l *launch)
}

func (d tampering) Launch(l *launch, s stream) error {
	d.f(l)
	return d.driver.Launch(l, s)
}

// TestPlantedBugsAreCaught shows for each bug that the sound kernel passes and the broken one does not.
func TestPlantedBugsAreCaught(t *testing.T) {
	for _, bug := range planted {
		t.Run(bug.name, func(t *testing.T) {
			spec, major := "check,3", 9
			if bug.portable {
				spec, major = "check,portable,3", 8
			}
			sound := testDevice(t, spec)
			require.False(t, bug.run(t, sound), "the kernel without the bug")
			require.NoError(t, sound.Wait())

			library, err := emuLibrary("libemu-check.so")
			require.NoError(t, err)
			if bug.file != "" {
				library = broken(t, filepath.Dir(library), bug.file, bug.old, bug.new, bug.stem)
			}
			d, err := openEmuLibrary("emu:planted", library, &emulator{seed: 3, major: major})
			require.NoError(t, err)
			if bug.tamper != nil {
				d.drv = tampering{d.drv, bug.tamper}
			}
			mustNotice(t, d, bug.run, bug.want)
		})
	}
}

// mustNotice runs the op and holds what happens to want.
func mustNotice(t *testing.T, d *Device, run func(t *testing.T, d *Device) bool, want string) {
	wrong, log := false, ""
	func() {
		defer func() {
			if e, ok := recover().(*kernels.DeviceError); ok {
				log = e.Log
			}
		}()
		wrong = run(t, d)
	}()
	require.True(t, wrong || log != "", "nobody noticed")
	require.Contains(t, log, want)
}

// broken is a library with one stem compiled from sources in which old is new.
func broken(t *testing.T, objects, file, old, new, stem string) string {
	cxx, err := exec.LookPath("g++")
	if err != nil {
		t.Skip("needs g++")
	}
	dir := t.TempDir()
	require.NoError(t, os.CopyFS(dir, os.DirFS("src")))
	text, err := os.ReadFile(filepath.Join(dir, file))
	require.NoError(t, err)
	require.Contains(t, string(text), old, "the place of the bug")
	changed := strings.ReplaceAll(string(text), old, new)
	require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(changed), 0o644))
	object := filepath.Join(dir, stem+".o")
	args := append(strings.Fields("-x c++ -DTRUEGRAIN_EMU -std=c++17 -fPIC -fvisibility=hidden -O1 -g -w "+
		"-fsanitize=thread -Iemu/simt"), "-c", filepath.Join(dir, stem+".cu"), "-o", object)
	out, err := exec.Command(cxx, args...).CombinedOutput()
	require.NoError(t, err, string(out))
	all, err := filepath.Glob(filepath.Join(objects, "check", "*.o"))
	require.NoError(t, err)
	runtime, err := filepath.Glob(filepath.Join(objects, "check", "simt", "*.o"))
	require.NoError(t, err)
	library := filepath.Join(dir, "libbroken.so")
	args = append(strings.Fields("-shared -Wl,--version-script=emu/simt/exports.txt -Wl,-Bsymbolic"),
		"-o", library, object)
	for _, o := range append(all, runtime...) {
		if filepath.Base(o) != stem+".o" {
			args = append(args, o)
		}
	}
	out, err = exec.Command(cxx, append(args, "-ldl")...).CombinedOutput()
	require.NoError(t, err, string(out))
	return library
}

// differ says that an op's result is not the oracle's.
func differ(want, got []float64) bool {
	for i := range want {
		if math.IsNaN(got[i]) || math.Abs(want[i]-got[i]) > 1e-3 {
			return true
		}
	}
	return false
}

func sumColumns(t *testing.T, d *Device) bool {
	x, y := alloc(t, d, kernels.F32, rounded(1, 700*3)...), alloc(t, d, kernels.F32, 0, 0, 0)
	d.Sum(kernels.Sum{Outer: 1, N: 700, Inner: 3, Scale: 1, X: x, Y: y})
	want := make([]float64, 3)
	ref.Open64().Sum(kernels.Sum{Outer: 1, N: 700, Inner: 3, Scale: 1, X: kernels.Of(rounded(1, 700*3)),
		Y: kernels.Of(want)})
	return differ(want, read(d, y))
}

func softmaxRows(t *testing.T, d *Device) bool {
	x, y := alloc(t, d, kernels.F32, rounded(1, 20*5)...), alloc(t, d, kernels.F32, make([]float64, 100)...)
	d.Softmax(kernels.Softmax{R: 20, D: 5, X: x, Y: y})
	want := make([]float64, 100)
	ref.Open64().Softmax(kernels.Softmax{R: 20, D: 5, X: kernels.Of(rounded(1, 100)), Y: kernels.Of(want)})
	return differ(want, read(d, y))
}

func addThree(t *testing.T, d *Device) bool {
	x := alloc(t, d, kernels.F32, 1, 2, 3)
	d.Add(kernels.Add{N: 3, A: x, B: x, Y: x})
	return differ([]float64{2, 4, 6}, read(d, x))
}

func attendOnce(t *testing.T, d *Device) bool {
	o := kernels.Attention{B: 1, TQ: 3, TK: 70, NH: 1, HD: 128, LDQ: 128, LDK: 128, LDV: 128}
	want := o
	want.Q, want.K = kernels.Of(rounded(1, 3*128)), kernels.Of(rounded(2, 70*128))
	want.V = kernels.Of(rounded(3, 70*128))
	want.Y = kernels.Of(make([]float64, 3*128))
	ref.Open64().Attention(want)
	o.Q, o.K = alloc(t, d, kernels.F32, rounded(1, 3*128)...), alloc(t, d, kernels.F32, rounded(2, 70*128)...)
	o.V = alloc(t, d, kernels.F32, rounded(3, 70*128)...)
	o.Y = alloc(t, d, kernels.F32, make([]float64, 3*128)...)
	d.Attention(o)
	return differ(kernels.Floats[float64](want.Y), read(d, o.Y))
}

// These products' k takes more turns than the kernels have stages; the wide one has boxes side by side.
func gemmNNInF32(t *testing.T, d *Device) bool  { return gemmOnce(t, d, kernels.F32, false, 48, 640) }
func gemmNNInBF16(t *testing.T, d *Device) bool { return gemmOnce(t, d, kernels.BF16, false, 48, 640) }
func gemmNTInBF16(t *testing.T, d *Device) bool { return gemmOnce(t, d, kernels.BF16, true, 48, 640) }
func gemmWideInBF16(t *testing.T, d *Device) bool {
	return gemmOnce(t, d, kernels.BF16, false, 512, 64)
}

func gemmOnce(t *testing.T, d *Device, dt kernels.DType, trans bool, n, k int) bool {
	o := kernels.Gemm{M: 40, N: n, K: k, LDA: k, LDB: n, LDC: n, TransB: trans}
	if trans {
		o.LDB = k
	}
	want := o
	want.A, want.B = kernels.Of(rounded(1, 40*k)), kernels.Of(rounded(2, n*k))
	want.C = kernels.Of(make([]float64, 40*n))
	ref.Open64().Gemm(want)
	o.A, o.B = alloc(t, d, dt, rounded(1, 40*k)...), alloc(t, d, dt, rounded(2, n*k)...)
	o.C = alloc(t, d, kernels.F32, make([]float64, 40*n)...)
	d.Gemm(o)
	return differ(kernels.Floats[float64](want.C), read(d, o.C))
}

func attendInBF16(t *testing.T, d *Device) bool     { return attended(t, d, 1, 70, false) }
func attendLongInBF16(t *testing.T, d *Device) bool { return attended(t, d, 1, 330, false) }
func attendManyInBF16(t *testing.T, d *Device) bool { return attended(t, d, 27, 70, false) }
func attendBackInBF16(t *testing.T, d *Device) bool { return attended(t, d, 1, 70, true) }

// attended is attention on tensor cores over more keys than one part has, forward or with its backward.
func attended(t *testing.T, d *Device, nh, tk int, back bool) bool {
	const tq, hd = 20, 64
	q, k := tq*nh*hd, tk*nh*hd
	run := func(be kernels.Backend, put func(seed uint64, n int) kernels.Buf, lse kernels.Buf) []float64 {
		g := kernels.AttentionGrad{Attention: kernels.Attention{B: 1, TQ: tq, TK: tk, NH: nh, HD: hd,
			LDQ: nh * hd, LDK: nh * hd, LDV: nh * hd, Q: put(1, q), K: put(2, k), V: put(3, k), Y: put(4, q),
			LSE: lse}, DY: put(5, q), DQ: kernels.Grad{Buf: put(6, q)}, DK: kernels.Grad{Buf: put(7, k)}}
		be.Attention(g.Attention)
		out := []kernels.Buf{g.Y}
		if back {
			be.AttentionBackward(g)
			out = []kernels.Buf{g.DQ.Buf, g.DK.Buf}
		}
		var all []float64
		for _, b := range out {
			v := make([]float64, b.Len())
			be.Download(kernels.Of(v), b)
			all = append(all, v...)
		}
		return all
	}
	want := run(ref.Open64(), func(seed uint64, n int) kernels.Buf { return kernels.Of(rounded(seed, n)) },
		kernels.Of(make([]float64, nh*tq)))
	got := run(d, func(seed uint64, n int) kernels.Buf { return alloc(t, d, kernels.BF16, rounded(seed, n)...) },
		alloc(t, d, kernels.F32, make([]float64, nh*tq)...))
	return farFrom(want, got)
}

func convolveInBF16(t *testing.T, d *Device) bool     { return convolved(t, d, false) }
func convolveBackInBF16(t *testing.T, d *Device) bool { return convolved(t, d, true) }

// convolved is a 3x3 convolution with stride 2 of 64 channels, forward or back to its input.
func convolved(t *testing.T, d *Device, back bool) bool {
	o := kernels.Conv2D{Window: square(3, 2, 1, 1), B: 1, H: 9, W: 8, C: 64, OC: 8, Groups: 1}
	oh, ow := o.Out(o.H, o.W)
	x, w, y := o.B*o.H*o.W*o.C, o.OC*9*o.C, o.B*oh*ow*o.OC
	run := func(be kernels.Backend, put func(seed uint64, n int) kernels.Buf) []float64 {
		g := kernels.Conv2DGrad{Conv2D: o, DY: put(4, y), DX: kernels.Grad{Buf: put(5, x)}}
		g.X, g.Weight, g.Y = put(1, x), put(2, w), put(3, y)
		out := g.Y
		if back {
			be.Conv2DBackward(g)
			out = g.DX.Buf
		} else {
			be.Conv2D(g.Conv2D)
		}
		v := make([]float64, out.Len())
		be.Download(kernels.Of(v), out)
		return v
	}
	return farFrom(
		run(ref.Open64(), func(seed uint64, n int) kernels.Buf { return kernels.Of(rounded(seed, n)) }),
		run(d, func(seed uint64, n int) kernels.Buf { return alloc(t, d, kernels.BF16, rounded(seed, n)...) }))
}

// farFrom says that a bfloat16 result is not the oracle's.
func farFrom(want, got []float64) bool {
	var d, n float64
	for i, w := range want {
		d += (got[i] - w) * (got[i] - w)
		n += w * w
	}
	return !(d <= n/(256*256)) // NaN is far
}
