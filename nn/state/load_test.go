package state_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/kernels"
	"truegrain/kernels/ref"
	"truegrain/nn/state"
)

// model is parameters of every layout, each filled with its own numbers.
func model(t testing.TB, names ...string) []*autograd.Param {
	be := ref.Open32()
	var out []*autograd.Param
	for i, name := range names {
		layout, shape := autograd.Plain, []int{3, 2}
		switch i % 3 {
		case 0:
			layout, shape = autograd.ConvOIHW, []int{4, 3, 2, 5}
		case 1:
			layout, shape = autograd.ConvTransposeIOHW, []int{2, 4, 3, 6}
		}
		p, err := autograd.NewParam(be, name, layout, shape...)
		require.NoError(t, err)
		for k := range p.Value.Len() {
			kernels.Floats[float32](p.Value.Buf)[k] = float32(100*i + k)
		}
		out = append(out, p)
	}
	return out
}

func floats(p *autograd.Param) []float32 { return kernels.Floats[float32](p.Value.Buf) }

func TestSaveAndLoadAreExact(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	params := model(t, "conv.weight", "up.weight", "bn.running_var")
	require.NoError(t, state.Save(path, params, map[string]string{"k": "v"}, state.SaveOptions{}))

	f, err := state.Open(path)
	require.NoError(t, err)
	defer f.Close()
	require.Equal(t, map[string]string{"k": "v"}, f.Metadata())
	info, _ := f.Info("conv.weight")
	require.Equal(t, []int{4, 5, 3, 2}, info.Shape, "PyTorch's order: (O,I,H,W)")
	info, _ = f.Info("up.weight")
	require.Equal(t, []int{2, 6, 4, 3}, info.Shape, "PyTorch's order: (I,O,H,W)")
	require.Contains(t, f.Names(), "bn.num_batches_tracked")
	v, err := f.Float32s("conv.weight")
	require.NoError(t, err)
	require.Equal(t, floats(params[0])[((1*3+2)*2+1)*5+4], v[((1*5+4)*3+2)*2+1],
		"element (1,4,2,1) of theirs is (1,2,1,4) of ours")

	fresh := model(t, "conv.weight", "up.weight", "bn.running_var")
	for _, p := range fresh {
		clear(floats(p))
	}
	report, err := state.Load(fresh, f, state.Options{})
	require.NoError(t, err)
	require.Equal(t, 3, report.Loaded)
	for i := range fresh {
		require.Equal(t, floats(params[i]), floats(fresh[i]))
	}
}

func TestSaveIsDeterministic(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a", "b"} {
		require.NoError(t, state.Save(filepath.Join(dir, name), model(t, "w", "v"),
			map[string]string{"x": "1", "y": "2"}, state.SaveOptions{DType: "F16"}))
	}
	a, err := os.ReadFile(filepath.Join(dir, "a"))
	require.NoError(t, err)
	b, err := os.ReadFile(filepath.Join(dir, "b"))
	require.NoError(t, err)
	require.Equal(t, a, b)
}

func TestLoadReportsEverythingAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, state.Write(path, []state.Out{
		{Name: "model.a.weight", DType: "F32", Shape: []int{4, 5, 3, 2}, Values: make([]float32, 120)},
		{Name: "model.fc.weight", DType: "F32", Shape: []int{7}, Values: make([]float32, 7)},
		{Name: "model.alien", DType: "F32", Shape: []int{1}, Values: []float32{1}},
	}, nil))
	f, err := state.Open(path)
	require.NoError(t, err)
	defer f.Close()
	params := model(t, "a.weight", "fc.weight", "c.weight")

	_, err = state.Load(params, f, state.Options{})
	var bad *state.MismatchError
	require.ErrorAs(t, err, &bad)
	require.Equal(t, []string{"c.weight"}, bad.Missing)
	require.Equal(t, []string{`"model.alien"`}, bad.Unexpected)
	require.Len(t, bad.Shapes, 1)
	require.Equal(t, float32(1), floats(params[0])[1], "nothing is changed unless all of it fits")

	_, err = state.Load(params, f, state.Options{ReplaceHead: []string{"fc.weight"}})
	require.ErrorAs(t, err, &bad)
	require.Empty(t, bad.Shapes)
	require.NotEmpty(t, bad.Unexpected, "only the head is overlooked")
}

func TestHeadIsReplacedOnlyOnRequest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, state.Write(path, []state.Out{
		{Name: "a.weight", DType: "F32", Shape: []int{4, 5, 3, 2}, Values: make([]float32, 120)},
		{Name: "fc.weight", DType: "F32", Shape: []int{1000}, Values: make([]float32, 1000)},
		{Name: "aux_classifier.0.weight", DType: "F32", Shape: []int{1}, Values: []float32{1}},
	}, nil))
	f, err := state.Open(path)
	require.NoError(t, err)
	defer f.Close()
	params := model(t, "a.weight", "fc.weight")
	report, err := state.Load(params, f, state.Options{ReplaceHead: []string{"fc.weight"}, SkipAux: true})
	require.NoError(t, err)
	require.Equal(t, []string{"fc.weight"}, report.Replaced)
	require.Equal(t, []string{"aux_classifier.0.weight"}, report.Skipped)
	require.Equal(t, float32(100), floats(params[1])[0], "the head keeps its fresh values")
	require.Zero(t, floats(params[0])[1])
}

func TestOlderNamesOfTheTransformer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	require.NoError(t, state.Write(path, []state.Out{
		{Name: "l.mlp.linear_1.weight", DType: "BF16", Shape: []int{4, 5, 3, 2},
			Values: make([]float32, 120)},
		{Name: "l.mlp.linear_2.weight", DType: "F64", Shape: []int{2, 6, 4, 3}, Values: make([]float32, 144)},
	}, nil))
	f, err := state.Open(path)
	require.NoError(t, err)
	defer f.Close()
	_, err = state.Load(model(t, "l.mlp.0.weight", "l.mlp.3.weight"), f, state.Options{})
	require.NoError(t, err)
}

// Every one of the 65,536 half-precision numbers comes back as it went.
func TestHalfPrecision(t *testing.T) {
	raw := []byte{}
	for b := range 1 << 16 {
		raw = binary.LittleEndian.AppendUint16(raw, uint16(b))
	}
	head := fmt.Sprintf(`{"h":{"dtype":"F16","shape":[65536],"data_offsets":[0,%d]}}`, len(raw))
	f, err := state.Parse(append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...),
		raw...))
	require.NoError(t, err)
	v, err := f.Float32s("h")
	require.NoError(t, err)
	require.Equal(t, float32(1), v[0x3C00])
	require.Equal(t, float32(65504), v[0x7BFF])
	require.Equal(t, float32(5.9604645e-08), v[1])
	require.True(t, math.IsInf(float64(v[0xFC00]), -1))

	path := filepath.Join(t.TempDir(), "h.safetensors")
	require.NoError(t, state.Write(path,
		[]state.Out{{Name: "h", DType: "F16", Shape: []int{65536}, Values: v}}, nil))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	back := data[len(data)-len(raw):]
	for b := range 1 << 16 {
		if got := binary.LittleEndian.Uint16(back[2*b:]); v[b] == v[b] {
			require.Equal(t, uint16(b), got)
		}
	}
}

func TestInterruptedWriteLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o644))
	err := state.Atomic(path, func(w io.Writer) error {
		w.Write([]byte("half of the n")) //nolint:errcheck
		return errors.New("power failure")
	})
	require.ErrorContains(t, err, "power failure")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "old", string(data))
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	require.Len(t, entries, 1, "no temporary file is left")
}

// legacy is a file as torch.save wrote it before 1.6: {"w": a 2×2 view of a storage of six floats,
// transposed}.
func legacy() []byte {
	var b bytes.Buffer
	b.WriteString("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.")
	b.WriteString("\x80\x02M\xe9\x03.")
	b.WriteString("\x80\x02}q\x00.")
	b.WriteString("\x80\x02ccollections\nOrderedDict\n)R(X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n(")
	b.WriteString("(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x06NtQ")
	b.WriteString("K\x01K\x02K\x02\x86K\x01K\x02\x86\x89NtRu.")
	b.WriteString("\x80\x02]X\x01\x00\x00\x000a.")
	b.Write(binary.LittleEndian.AppendUint64(nil, 6))
	for i := range 6 {
		b.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(i))))
	}
	return b.Bytes()
}

func TestLegacyTorchFile(t *testing.T) {
	f, err := state.Parse(legacy())
	require.NoError(t, err)
	require.Equal(t, "torch legacy", f.Format)
	v, err := f.Float32s("w")
	require.NoError(t, err)
	require.Equal(t, []float32{1, 3, 2, 4}, v, "offset 1, strides (1,2): transposed")

	data := legacy()
	for n := range data {
		_, err := state.Parse(data[:n])
		require.Error(t, err, "cut at %d", n)
	}
	_, err = state.Parse(append(data, 0))
	require.ErrorContains(t, err, "behind the last storage")
}

func FuzzParse(f *testing.F) {
	f.Add(legacy())
	head := `{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`
	f.Add(append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(head))), head...), 0, 0, 0, 0))
	f.Add([]byte("PK\x03\x04"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := state.Parse(data)
		if err != nil {
			return
		}
		for _, name := range file.Names() {
			info, ok := file.Info(name)
			require.True(t, ok)
			n := 1
			for _, d := range info.Shape {
				n *= d
			}
			if v, err := file.Float32s(name); err == nil {
				require.Len(t, v, n)
			}
		}
	})
}

func Example() {
	dir, err := os.MkdirTemp("", "state")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "tiny.safetensors")
	err = state.Write(path, []state.Out{{Name: "fc.bias", DType: "F32", Shape: []int{2},
		Values: []float32{0.5, -1}}}, nil)
	if err != nil {
		panic(err)
	}
	f, err := state.Open(path)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	v, err := f.Float32s("fc.bias")
	fmt.Println(f.Format, f.Names(), v, err)
	// Output: safetensors [fc.bias] [0.5 -1] <nil>
}

func TestWeightsAreReadOneByOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.safetensors")
	saved := model(t, "conv.weight", "up.weight", "bn.running_var")
	require.NoError(t, state.Save(path, saved, nil, state.SaveOptions{}))
	f, err := state.Open(path)
	require.NoError(t, err)
	defer f.Close()
	var hollow []*autograd.Param
	for _, p := range saved {
		hollow = append(hollow, autograd.NewHollowParam(p.Backend(), p.Name, p.Layout, p.Value.Shape()...))
	}
	w, err := state.Match(hollow, f, state.Options{})
	require.NoError(t, err)
	require.Equal(t, 3, w.Report.Loaded)
	for range 2 { // the second time after Drop
		for i, p := range hollow {
			v, err := w.Values(p)
			require.NoError(t, err)
			require.Equal(t, floats(saved[i]), v)
			w.Drop(p)
		}
	}
	require.True(t, hollow[0].Hollow(), "reading leaves a parameter as it is")
	_, err = state.Load(hollow, f, state.Options{})
	require.NoError(t, err)
	for i, p := range hollow {
		require.False(t, p.Hollow())
		require.Equal(t, floats(saved[i]), floats(p))
	}
}
