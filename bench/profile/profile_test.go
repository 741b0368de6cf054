package profile_test

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/autograd"
	"truegrain/bench/kernel"
	"truegrain/bench/profile"
	"truegrain/kernels"
	_ "truegrain/kernels/all"
)

func recorder(t *testing.T) *profile.Recorder {
	t.Helper()
	be, err := kernels.Open("cpu")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, be.Close()) })
	return profile.Record(be)
}

// TestEveryOpIsTheRecordersOwn: an op that it does not override would be handed on without a note.
func TestEveryOpIsTheRecordersOwn(t *testing.T) {
	ops, all := reflect.TypeFor[kernels.Unsupported](), reflect.TypeFor[*profile.Recorder]()
	for i := range ops.NumMethod() {
		op := ops.Method(i)
		if op.Type.NumIn() != 2 || op.Type.NumOut() != 0 { // the receiver, the argument struct
			continue
		}
		m, _ := all.MethodByName(op.Name)
		file, _ := runtime.FuncForPC(m.Func.Pointer()).FileLine(m.Func.Pointer())
		require.Equal(t, "recorder.go", filepath.Base(file), "%s is the wrapped backend's", op.Name)
	}
}

// TestEveryOpIsNoted runs each op in each direction on small sizes: one call, one note, with the op's name.
func TestEveryOpIsNoted(t *testing.T) {
	r := recorder(t)
	kernels.Register(kernels.Driver{Kind: "recorded",
		Open:    func(string) (kernels.Backend, error) { return r, nil },
		Devices: func() []kernels.DeviceInfo { return nil }})
	impl, err := kernel.OpenImpl("recorded")
	require.NoError(t, err)
	shapes := map[string]string{"conv2d": "1x4x4x2-3k3p1", "convtranspose2d": "1x4x4x2-3k2s2",
		"linear": "2x3-4", "gemm": "2x3x4", "attention": "1x2x3x4+lse", "maxpool2d": "1x4x4x2k2s2+index",
		"avgpool2d": "1x4x4x2k2s2", "adaptiveavgpool2d": "1x4x4x2-1x1", "resize": "1x2x2x1-4x4",
		"pad": "1x2x2x1-1x1x1x1", "batchnorm": "6x2+train", "layernorm": "3x4", "softmax": "3x4",
		"slice": "2x4x3-1x3", "sum": "2x3x4", "bias": "2x3", "crossentropy": "3x4"}
	for _, op := range kernel.Ops() {
		shape := shapes[op]
		if shape == "" {
			shape = "16"
		}
		passes, err := kernel.Passes(op)
		require.NoError(t, err)
		for _, pass := range passes {
			p, err := kernel.New(op, pass, shape)
			require.NoError(t, err)
			b, err := p.Load(r)
			require.NoError(t, err)
			call, err := b.Prepare(impl)
			require.NoError(t, err)
			r.Start()
			call.Run()
			r.Stop()
			events := r.Events(nil, nil)
			require.Len(t, events, 1, p.Name())
			require.Equal(t, op, events[0].Op)
			require.Equal(t, pass, events[0].Pass)
			require.Equal(t, shape, events[0].Shape)
			require.Equal(t, b.Cost, events[0].Cost, p.Name())
			b.Close()
		}
	}
}

func TestNotesAreKeptBetweenStartAndStop(t *testing.T) {
	r := recorder(t)
	x := kernels.Of(make([]float32, 8))
	run := func(be kernels.Backend) { be.ReLU(kernels.ReLU{N: 8, X: x, Y: x}) }
	run(r)
	r.Start()
	run(r)
	run(r.WithContext(context.Background()))
	r.Stop()
	run(r)
	require.Len(t, r.Events(nil, nil), 2)
	r.Start()
	require.Empty(t, r.Events(nil, nil))
}

// TestLayersOfAlikeOps: of ops with equal sizes, exact structs are found whatever the order, and others by
// turns.
func TestLayersOfAlikeOps(t *testing.T) {
	r := recorder(t)
	relu := func() kernels.ReLU {
		return kernels.ReLU{N: 8, X: kernels.Of(make([]float32, 8)), Y: kernels.Of(make([]float32, 8))}
	}
	a, b := relu(), relu()
	p, err := autograd.NewParam(r, "fc.weight", autograd.Plain, 3)
	require.NoError(t, err)
	r.Start()
	r.ReLU(b)
	r.ReLU(a)
	r.ReLUBackward(kernels.ReLUGrad{ReLU: b, DY: a.X, DX: kernels.Grad{Buf: a.Y}})
	for range 2 { // picture by picture
		r.ReLU(relu())
		r.ReLU(relu())
	}
	r.SGD(kernels.SGD{N: 3, P: p.Value.Buf, G: kernels.Of(make([]float32, 3))})
	var layers []string
	for _, e := range r.Events([]profile.Layer{{Op: a, Path: "first"}, {Op: b, Path: "second"}},
		[]*autograd.Param{p}) {
		layers = append(layers, e.Layer)
	}
	require.Equal(t, []string{"second", "first", "second", "first", "second", "first", "second", "fc.weight"},
		layers)
}

func TestTraceIsWhatChromeReads(t *testing.T) {
	event := profile.Event{Made: kernel.Made{Op: "conv2d", Pass: "dx", Shape: "1x2x2x1-1k1", Method: "direct",
		Cost: kernels.Cost{FLOPs: 4000, Bytes: 8}},
		Layer: "layer1.conv", Start: time.Millisecond, Took: 2 * time.Microsecond}
	var b bytes.Buffer
	require.NoError(t, profile.WriteTrace(&b, profile.Track{Name: "resnet b1",
		Events: []profile.Event{event}}))
	var got map[string]any
	require.NoError(t, json.Unmarshal(b.Bytes(), &got))
	require.Equal(t, map[string]any{"name": "conv2d/dx", "cat": "conv2d", "ph": "X", "ts": 1000.0, "dur": 2.0,
		"pid": 1.0, "tid": 1.0,
		"args": map[string]any{"layer": "layer1.conv", "shape": "1x2x2x1-1k1", "method": "direct",
			"FLOPs": 4000.0, "bytes": 8.0, "GFLOP/s": 2.0}},
		got["traceEvents"].([]any)[2])
}
