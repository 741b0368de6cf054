// Package table is the shapes that kernels are timed on: those of the models' real layers, read off a
// rehearsal of each model on a tape without memory, and some by name.
package table

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"truegrain/autograd"
	"truegrain/bench/kernel"
	"truegrain/kernels"
	"truegrain/models"
)

// Row is one op, direction and shape, and where it occurs.
type Row struct {
	Op, Pass, Shape string
	Uses            []Use
}

// Use is how often a model has a row's op. Path is the first layer that has it.
type Use struct {
	Model string `json:"model"` // "resnet50 b8", "resnet50 b8 train", or "named"
	Path  string `json:"path,omitempty"`
	Times int    `json:"times"`
}

func (u Use) String() string {
	if u.Times < 2 {
		return u.Model
	}
	return fmt.Sprintf("%s ×%d", u.Model, u.Times)
}

// run is a model, a batch and whether it is trained.
type run struct {
	model  string
	batch  int
	train  bool
	config models.Config
	size   int // 0 is that of the model
}

// runs are what the benchmarks are about: the detectors, at the batches that they serve and train with.
var runs = []run{
	served("resnet50", 1, 1000), served("resnet50", 8, 1000),
	served("fcn_resnet50", 1, 21), served("fcn_resnet50", 4, 21), served("fcn8s_resnet50", 1, 21),
	served("vit_l_16", 1, 1000), served("vit_l_16", 4, 1000),
	trained("resnet50", 8, 1000), trained("fcn_resnet50", 4, 21), trained("vit_b_16", 4, 1000),
}

func served(model string, batch, classes int) run {
	return run{model: model, batch: batch, config: models.Config{Classes: classes}}
}

func trained(model string, batch, classes int) run {
	r := served(model, batch, classes)
	r.train = true
	return r
}

// named are shapes that no model here has, or that comparisons with others are made on: square products,
// transposed convolutions of decoders and of class scores, depthwise and grouped convolutions, each in every
// direction.
var named = []struct{ op, shape string }{
	{"gemm", "1024x1024x1024"},
	{"convtranspose2d", "1x7x7x2048-512k4s2p1"},
	{"convtranspose2d", "1x28x28x256-128k4s2p1"},
	{"convtranspose2d", "1x112x112x64-64k2s2"},
	{"convtranspose2d", "1x34x34x21-21k16s8p4"},
	{"convtranspose2d", "1x28x28x1-1k16s8p4"},
	{"conv2d", "8x14x14x512-512k3p1g512"},
	{"conv2d", "8x112x112x32-32k3p1g32"},
	{"conv2d", "8x56x56x128-128k3s2p1g128"},
	{"conv2d", "8x56x56x96-96k7p3g96"},
	{"conv2d", "8x56x56x128-128k3p1g32"},
	{"attention", "4x16x197x64+lse"},
	{"softmax", "12608x197"},
	{"adam", "25557032"},
}

// Run is a model at a batch size, trained or served, whose layers' shapes are wanted.
type Run struct {
	Model string
	Batch int
	Size  int // of the pictures' sides; 0 is that of the model
	Train bool
}

// Of is the rows of some runs, and no others, by op and direction.
func Of(runs ...Run) ([]Row, error) {
	var b builder
	for _, r := range runs {
		w := served(r.Model, r.Batch, 1000)
		w.train, w.size = r.Train, r.Size
		if err := b.trace(w); err != nil {
			return nil, fmt.Errorf("shapes of %s: %w", r.Model, err)
		}
	}
	b.sort()
	return b.rows, nil
}

// All is every row, by op and direction; of those first the named shapes, then the models'.
func All() ([]Row, error) {
	rows, err := all()
	return slices.Clone(rows), err
}

// all rehearses the models once: a second's work.
var all = sync.OnceValues(func() ([]Row, error) {
	var b builder
	for _, n := range named {
		passes, err := kernel.Passes(n.op)
		if err != nil {
			return nil, err
		}
		for _, pass := range passes {
			b.add(n.op, pass, n.shape, Use{Model: "named", Times: 1})
		}
	}
	for _, r := range runs {
		if err := b.trace(r); err != nil {
			return nil, fmt.Errorf("shapes of %s: %w", r, err)
		}
	}
	b.sort()
	return b.rows, nil
})

// sort brings the rows of one op together, and of those the ones of one direction.
func (b *builder) sort() {
	place := map[string]int{}
	for _, op := range kernel.Ops() {
		passes, _ := kernel.Passes(op)
		for _, pass := range passes {
			place[op+"/"+pass] = len(place)
		}
	}
	slices.SortStableFunc(b.rows, func(x,
		y Row) int {
		return place[x.Op+"/"+x.Pass] - place[y.Op+"/"+y.Pass]
	})
}

func (r run) String() string {
	s := fmt.Sprintf("%s b%d", r.model, r.batch)
	if r.train {
		s += " train"
	}
	return s
}

// builder gathers rows, each shape once.
type builder struct{ rows []Row }

func (b *builder) add(op, pass, shape string, u Use) {
	i := slices.IndexFunc(b.rows, func(r Row) bool {
		return r.Op == op && r.Pass == pass &&
			r.Shape == shape
	})
	if i < 0 {
		b.rows = append(b.rows, Row{Op: op, Pass: pass, Shape: shape, Uses: []Use{u}})
		return
	}
	r := &b.rows[i]
	if last := &r.Uses[len(r.Uses)-1]; last.Model == u.Model {
		last.Times++
		return
	}
	r.Uses = append(r.Uses, u)
}

func (b *builder) trace(r run) error {
	m, err := models.New(dry{}, r.model, withoutValues(r.config))
	if err != nil {
		return err
	}
	size := cmp.Or(r.size, m.InputSize())
	if !r.train {
		f, err := models.Freeze(m, r.batch, size, size)
		if err != nil {
			return err
		}
		defer f.Close()
		for _, op := range f.Ops() {
			if stem, shape, ok := kernel.Describe(op); ok {
				b.add(stem, "forward", shape, Use{Model: r.String(), Times: 1})
			}
		}
		return nil
	}
	t := autograd.NewTape(dry{}, autograd.WithPool(autograd.NewDryPool()), autograd.WithGrad(),
		autograd.WithTrain())
	m.Forward(t, t.Alloc(r.batch, size, size, 3))
	for _, n := range t.Nodes() {
		b.addNode(n, r.String())
	}
	b.addSteps(m, r.String())
	return nil
}

// addNode adds a node of a training step in the directions that the step has.
func (b *builder) addNode(n *autograd.Node, model string) {
	if n.Op == nil {
		return
	}
	stem, shape, ok := kernel.Describe(n.Op)
	if !ok {
		return
	}
	passes, _ := kernel.Passes(stem)
	for _, pass := range passes {
		first := len(n.In) > 0 && !n.In[0].WantsGrad() // the pictures need no gradient
		if pass == "dx" && first || pass == "backward" && first && len(n.In) == 1 {
			continue
		}
		// the sums that a convolution writes for the norm behind it are no part of its gradients
		if pass != "forward" {
			shape = strings.Replace(shape, "+sums", "", 1)
		}
		b.add(stem, pass, shape, Use{Model: model, Path: n.Path, Times: 1})
	}
}

// addSteps adds an optimiser's step over the model's largest parameter.
func (b *builder) addSteps(m models.Model, model string) {
	largest, path := 0, ""
	for _, p := range m.Params() {
		if p.Value.Len() > largest {
			largest, path = p.Value.Len(), p.Name
		}
	}
	for _, s := range []struct{ op, words string }{{"sgd", ""}, {"adam", ""}, {"adam", "+decoupled"}} {
		b.add(s.op, "forward", fmt.Sprint(largest)+s.words, Use{Model: model, Path: path, Times: 1})
	}
}

func withoutValues(c models.Config) models.Config {
	c.Empty = true
	return c
}

// dry is a backend without memory or ops, for rehearsals.
type dry struct{ kernels.Backend }

func (dry) Name() string               { return "dry" }
func (dry) DType() kernels.DType       { return kernels.F32 }
func (dry) Activations() kernels.DType { return kernels.F32 }
func (dry) Workspace(any) int          { return 0 }
func (dry) Free(kernels.Buf)           {}
func (dry) Fill(kernels.Buf, float64)  {}
func (dry) Upload(_, _ kernels.Buf)    {}
func (dry) Download(_, _ kernels.Buf)  {}

// Pack packs nothing.
func (dry) Pack(kernels.Op, kernels.Packing) (kernels.Packed, error) { return nil, nil }

// Alloc gives an address that nobody has.
func (dry) Alloc(d kernels.DType, n int) (kernels.Buf, error) {
	next += uintptr(n*d.Size()) + 64
	return kernels.OfDevice(d, n, next-uintptr(n*d.Size())), nil
}

// next is where the next buffer lies: above what a dry pool gives out (1<<60), so that no two meet.
var next uintptr = 1 << 61

// Filter keeps the rows of some ops ("conv2d", "conv2d/dx"), with a part of their shape, of a model; empty is
// all.
func Filter(rows []Row, ops []string, shape, model string) []Row {
	return slices.DeleteFunc(slices.Clone(rows), func(r Row) bool {
		op := len(ops) == 0 || slices.Contains(ops, r.Op) || slices.Contains(ops, r.Op+"/"+r.Pass)
		used := model == "" || slices.ContainsFunc(r.Uses,
			func(u Use) bool { return strings.Contains(u.Model, model) })
		return !op || !strings.Contains(r.Shape, shape) || !used
	})
}
