package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/bundled"
	"truegrain/models/detect"
	"truegrain/nn/card"
	"truegrain/nn/state"
	"truegrain/train"
	"truegrain/train/data"
	"truegrain/train/optim"
)

// lesson is one training run from a folder of pictures to a calibrated checkpoint.
type lesson struct {
	arch      string
	classes   int
	dir       string // in GenImage's layout
	out       string // the checkpoint
	weights   string // to start from; "" starts from random weights
	device    string
	epochs    int
	batch     int
	size      int // 0 takes the model's own
	lr        float64
	optimizer string
	opts      optim.Options
	loss      train.Loss
	seed      uint64
	limit     int
	overfit   int // train on so many pictures without augmentation, until they are known by heart
	dtype     string
	note      string
}

// cacheBytes is how much memory decoded pictures may take, so that a small set is decoded once.
const cacheBytes = 512 << 20

// overfitLoss is where overfitting ends: the pictures are known by heart, in training and, with running statistics, in
// use.
const overfitLoss = 0.03

// run trains, keeps the best checkpoint, calibrates it, tests it and saves it with its card.
func (l lesson) run(ctx context.Context, t *terminal) (*detect.Detector, error) {
	be, err := kernels.Open(l.device)
	if err != nil {
		return nil, usageError{err}
	}
	m, err := models.New(be, l.arch, models.Config{Classes: l.classes, Seed: l.seed})
	if err != nil {
		return nil, usageError{err}
	}
	if err := l.initial(t, m); err != nil {
		return nil, err
	}
	if l.size == 0 {
		l.size = m.InputSize()
	}
	if m.Kind() == models.Transformer && l.size != m.InputSize() {
		return nil, usagef("--size %d: %s takes %d only", l.size, l.arch, m.InputSize())
	}
	d := detect.New(be, l.arch, m, l.card())
	if err := l.teach(ctx, t, be, d); err != nil {
		return nil, err
	}
	best, err := detect.Load(be, l.out)
	if err != nil {
		return nil, err
	}
	best.Name = l.arch
	if err := l.judge(ctx, t, best); err != nil {
		return nil, err
	}
	return best, best.SaveAs(l.out, l.dtype)
}

func (l lesson) card() *card.Card {
	half := [3]float32{0.5, 0.5, 0.5}
	recipe := fmt.Sprintf("%s, lr %g, batch %d, %d epochs, %d × %d crops, flips", l.optimizer, l.lr, l.batch, l.epochs, l.size, l.size)
	return &card.Card{Arch: l.arch, Classes: l.classes, Size: l.size, View: string(detect.Crop), Mean: half, Std: half,
		Band: [2]float64{0.35, 0.65}, Data: filepath.Base(filepath.Clean(l.dir)), Recipe: recipe, Seed: l.seed, Epochs: l.epochs,
		Decoder: "image/jpeg of " + runtime.Version(), Note: l.note}
}

// initial loads weights to start from; a head of another width keeps its fresh values, and that is said.
func (l lesson) initial(t *terminal, m models.Model) error {
	if l.weights == "" {
		return nil
	}
	f, err := state.Open(l.weights)
	if err != nil {
		return err
	}
	defer f.Close()
	report, err := state.Load(m.Params(), f, state.Options{ReplaceHead: headNames(m), SkipAux: true})
	if err != nil {
		return fmt.Errorf("start from %s: %w", l.weights, err)
	}
	t.say("%s: %d tensors loaded, fresh: %v", l.weights, report.Loaded, report.Replaced)
	return nil
}

// headNames are the parameters of a model's last layer.
func headNames(m models.Model) []string {
	if h := m.Head(); h != nil {
		return []string{h.Weight.Name, h.Bias.Name}
	}
	params := m.Params()
	return []string{params[len(params)-2].Name, params[len(params)-1].Name}
}

// teach runs the loop and saves the best state to l.out.
func (l lesson) teach(ctx context.Context, t *terminal, be kernels.Backend, d *detect.Detector) error {
	trainSet, valSet, err := l.sets(d.Model.Kind())
	if err != nil {
		return err
	}
	o := data.LoaderOptions{Batch: l.batch, Size: l.size, Mean: d.Card.Mean, Std: d.Card.Std, Seed: l.seed,
		Augment: l.overfit == 0, CacheBytes: cacheBytes}
	trainLoader, err := data.NewLoader(trainSet, o)
	if err != nil {
		return err
	}
	o.Augment = false
	valLoader, err := data.NewLoader(valSet, o)
	if err != nil {
		return err
	}
	opt, err := optim.New(l.optimizer, d.Model.Params(), l.opts)
	if err != nil {
		return usageError{err}
	}
	steps := l.epochs * trainLoader.Batches()
	schedule := optim.Cosine(l.lr, min(steps/10, 100), steps)
	if l.overfit > 0 {
		schedule = optim.Constant(l.lr)
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	loop := train.Loop{Backend: be, Model: d.Model, Train: trainLoader, Val: valLoader, Optimizer: opt, Schedule: schedule,
		Loss: l.loss, Epochs: l.epochs, Seed: l.seed, Save: func(train.Epoch) error { return d.Save(l.out) }}
	loop.Progress = l.follow(t, func() { stop(errLearned) })
	t.say("%s: %d training and %d validation pictures, %d epochs", l.arch, len(trainSet.Items), len(valSet.Items), l.epochs)
	_, err = loop.Run(ctx)
	for file, why := range trainLoader.Unread() {
		t.say("left out: %s: %s", file, why)
	}
	if errors.Is(err, errLearned) {
		return d.Save(l.out)
	}
	return err
}

// errLearned ends the overfitting of a few pictures.
var errLearned = errors.New("the pictures are known by heart")

// follow prints how training goes.
func (l lesson) follow(t *terminal, learned func()) func(train.Progress) {
	var bar *progress
	return func(p train.Progress) {
		if bar == nil {
			bar = t.progress("train "+l.arch, p.Epochs*p.Steps)
		}
		if p.Done == nil {
			bar.at((p.Epoch-1)*p.Steps+p.Step, fmt.Sprintf("epoch %d, loss %.4f, %.0f pictures/s", p.Epoch, p.Loss, p.Rate))
			return
		}
		if p.Epoch == p.Epochs {
			bar.end()
		}
		kept := ""
		if p.Done.Best {
			kept = ", kept"
		}
		t.say("epoch %d of %d: loss %.4f, validation %.4f, accuracy %.1f %%, %.1f s%s", p.Epoch, p.Epochs, p.Done.TrainLoss,
			p.Done.ValLoss, 100*p.Done.Accuracy, p.Done.Duration.Seconds(), kept)
		if l.overfit > 0 && max(p.Done.TrainLoss, p.Done.ValLoss) < overfitLoss {
			bar.end()
			learned()
		}
	}
}

// sets are the pictures to train on and to validate with; a segmenter also learns from composites with masks.
func (l lesson) sets(kind models.Kind) (trainSet, valSet *data.Set, err error) {
	o := data.Options{Limit: l.limit, Seed: l.seed}
	if trainSet, err = data.OpenGenImage(l.dir, data.Train, o); err != nil {
		return nil, nil, err
	}
	if l.overfit > 0 {
		trainSet = trainSet.First(l.overfit)
		return trainSet, trainSet, nil
	}
	if valSet, err = data.OpenGenImage(l.dir, data.Val, o); err != nil {
		return nil, nil, err
	}
	if kind != models.Segmenter {
		return trainSet, valSet, nil
	}
	for split, set := range map[string]*data.Set{data.Train: trainSet, data.Val: valSet} {
		masked, err := data.OpenInpaint(l.dir, split)
		if err != nil {
			return nil, nil, err
		}
		set.Items = append(set.Items, masked.Items...)
	}
	return trainSet, valSet, nil
}

// openDetectors opens a device and detectors on it; closeAll gives both back.
func openDetectors(device string, names []string) (detectors []*detect.Detector, closeAll func(), err error) {
	be, err := kernels.Open(device)
	if err != nil {
		return nil, nil, usageError{err}
	}
	if detectors, err = loadDetectors(be, names); err != nil {
		be.Close()
		return nil, nil, err
	}
	return detectors, func() { be.Close() }, nil
}

// loadDetectors opens the named detectors, or all bundled ones by kind.
func loadDetectors(be kernels.Backend, names []string) ([]*detect.Detector, error) {
	all := len(names) == 0
	if all {
		names = bundled.Names()
	}
	if len(names) == 0 {
		return nil, errors.New("no detector is bundled with this build; train one and name it with --model")
	}
	var out []*detect.Detector
	for _, n := range names {
		d, err := detect.Load(be, n)
		if err != nil {
			return nil, err
		}
		d.Name = another(d.Name, out)
		out = append(out, d)
	}
	if all {
		slices.SortStableFunc(out, func(a, b *detect.Detector) int { return int(a.Model.Kind()) - int(b.Model.Kind()) })
	}
	return out, nil
}

// another is a name that no detector has yet: two checkpoints in two folders may be called alike.
func another(name string, taken []*detect.Detector) string {
	for n, first := 2, name; slices.ContainsFunc(taken, func(d *detect.Detector) bool { return d.Name == name }); n++ {
		name = fmt.Sprintf("%s-%d", first, n)
	}
	return name
}

// makeParent makes the folder of a file.
func makeParent(path string) error { return os.MkdirAll(filepath.Dir(path), 0o755) }

// sane checks the numbers of a lesson and says which one makes no sense.
func (l lesson) sane() error {
	switch {
	case l.epochs < 1 || l.epochs > 100_000:
		return usagef("--epochs %d: want 1 to 100,000", l.epochs)
	case l.batch < 1 || l.batch > 4096:
		return usagef("--batch %d: want 1 to 4096", l.batch)
	case !(l.lr > 0) || math.IsInf(l.lr, 0):
		return usagef("--lr %v: want a positive number", l.lr)
	case l.size < 0 || l.size > 1024:
		return usagef("--size %d: want 8 to 1024, or leave it out", l.size)
	case l.overfit < 0 || l.limit < 0:
		return usagef("--overfit and --limit must not be negative")
	}
	return nil
}
