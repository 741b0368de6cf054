//go:build emu

package cuda

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/kernels"
)

// plantedPTX are bugs of what the compilers of the sources never look into: the strings of single
// instructions, their operands and constraints. Each is put into a module's PTX (a pattern and what becomes
// of it), and something tells of it: a text of the interpreter, or "" for a wrong result.
var plantedPTX = []struct {
	name, stem, old, new string
	portable             bool // on a device of sm_80
	run                  func(t *testing.T, d *Device) (wrong bool)
	want                 string
}{
	{name: "operands of wgmma swapped", stem: "gemm_sm90", old: `\}, (%rd\d+), (%rd\d+), 1,`, new: `}, $2, $1, 1,`,
		run: gemmNTInBF16},
	{name: "right operand transposed", stem: "gemm_sm90", old: `, 1, 1, 1, 0, 0;`, new: `, 1, 1, 1, 0, 1;`,
		run: gemmNTInBF16},
	{name: "sums not added to", stem: "gemm_sm90", old: `, 1, 1, 1, 0, 0;`, new: `, 0, 1, 1, 0, 0;`, run: gemmNTInBF16},
	{name: "missing fence", stem: "gemm_sm90", old: `wgmma\.fence\.sync\.aligned;`, run: gemmNTInBF16,
		want: "without wgmma.fence"},
	{name: "products not waited for", stem: "gemm_sm90", old: `wgmma\.wait_group\.sync\.aligned 0;`, run: gemmNTInBF16},
	{name: "half of the bytes expected", stem: "gemm_sm90", old: `(expect_tx\S+ _, \[%r\d+\]), %r\d+;`, new: `$1, 8192;`,
		run: gemmNTInBF16},
	{name: "always the first phase", stem: "gemm_sm90", old: `(try_wait\S+ p, \[%r\d+\]), %r\d+;`, new: `$1, 0;`,
		run: gemmNTInBF16},
	{name: "coordinates swapped", stem: "gemm_sm90", old: `\{(%r\d+), (%r\d+)\}\]`, new: `{$2, $1}]`, run: gemmNTInBF16},
	{name: "barrier and destination swapped", stem: "attention_sm90", run: attendInBF16,
		old: `bytes \[(%r\d+)\], (.*), \[(%r\d+)\];`, new: `bytes [$3], $2, [$1];`, want: "a box of"},
	{name: "offsets of patches swapped", stem: "conv2d_sm90", old: `\{(%rs\d+), (%rs\d+)\};`, new: `{$2, $1};`,
		run: convolveInBF16},
	{name: "parameter after parameter", stem: "attention_sm90", old: `_param_2;`, new: `_param_1;`, run: attendInBF16,
		want: "no parameter"},
	{name: "not transposed", stem: "gemmmma", portable: true, old: `\.x4\.trans\.`, new: `.x4.`, run: gemmNNInBF16},
	{name: "halves of the right operand", stem: "gemmmma", portable: true, old: `, \{(%r\d+),(%r\d+)\},`,
		new: `, {$2,$1},`, run: gemmNNInBF16},
	{name: "one group too many on its way", stem: "gemmmma", portable: true, old: `wait_group 1;`, new: `wait_group 2;`,
		run: gemmNNInBF16},
	{name: "lower and upper bfloat16", stem: "attentionmma", portable: true, run: attendInBF16,
		old: `(bf16x2\.f32 %r\d+), (%f\d+), (%f\d+);`, new: `$1, $3, $2;`},
	{name: "a lane of another row", stem: "softmax", old: `, 4, 31, -1;`, new: `, 3, 31, -1;`, run: softmaxRows},
	{name: "bound off by one", stem: "add", old: `setp\.ge\.s64`, new: `setp.gt.s64`, run: addThree,
		want: "outside this launch's operands"},
	{name: "a difference turned round", stem: "softmax", old: `(sub\.f32\s+%f\d+), (%f\d+), (%f\d+);`, new: `$1, $3, $2;`,
		run: softmaxRows},
}

// rewriting changes a module's PTX on its way to the driver.
type rewriting struct {
	driver
	stem string
	old  *regexp.Regexp
	new  string
	done bool
}

func (d *rewriting) Load(module string, ptx []byte) (moduleHandle, error) {
	if module == d.stem {
		d.done = d.old.Match(ptx)
		ptx = d.old.ReplaceAll(ptx, []byte(d.new))
	}
	return d.driver.Load(module, ptx)
}

// TestPlantedBugsInPTXAreCaught shows for each bug that the committed PTX passes and the broken one does not.
func TestPlantedBugsInPTXAreCaught(t *testing.T) {
	for _, bug := range plantedPTX {
		t.Run(bug.name, func(t *testing.T) {
			spec := "ptx,3"
			if bug.portable {
				spec += ",portable"
			}
			sound := testDevice(t, spec)
			require.False(t, bug.run(t, sound), "the PTX without the bug")
			require.NoError(t, sound.Wait())
			be, err := openEmu(spec)
			require.NoError(t, err)
			d := be.(*Device)
			r := &rewriting{driver: d.drv, stem: bug.stem, old: regexp.MustCompile(bug.old), new: bug.new}
			d.drv = r
			mustNotice(t, d, bug.run, bug.want)
			require.True(t, r.done, "the place of the bug")
		})
	}
}

// A PTX that is not understood is an error with its place.
func TestPTXIsRefusedWithItsPlace(t *testing.T) {
	d := testDevice(t, "ptx")
	d.drv = &rewriting{driver: d.drv, stem: "add", old: regexp.MustCompile(`add\.f32`), new: `addx.f32`}
	var e *kernels.DeviceError
	func() {
		defer func() { e, _ = recover().(*kernels.DeviceError) }()
		addThree(t, d)
	}()
	require.NotNil(t, e)
	require.Contains(t, e.Log, "addx.f32: an instruction that is not known")
}
