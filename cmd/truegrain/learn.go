package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/detect"
	"truegrain/nn/card"
	"truegrain/train"
	"truegrain/train/data"
	"truegrain/train/energy"
	"truegrain/train/evaluate"
	"truegrain/train/folder"
	"truegrain/train/optim"
	"truegrain/train/recipes"
)

// learning is one training run from a folder of pictures to a calibrated detector.
type learning struct {
	recipe   *recipes.Recipe
	dir      string // of the pictures, or their index
	folder   string // of the run
	detector string // the finished file
	weights  string // file or folder of initial weights, instead of the recipe's
	scratch  bool   // start from random weights
	store    storeFlag
	device   string
	budget   time.Duration // of training, calibration and test together; 0: none
	unjudged bool          // the budget does not suffice for calibration and test
	overfit  int           // train on so many pictures without augmentation, until they are known by heart
	resume   bool
	restart  bool
	dtype    string // of the finished file's weights
	note     string
	meter    energy.Meter
	scoring  scoring

	collection *data.Collection // of dir, once it is open
}

// scoring is what scoring pictures has taken.
type scoring struct {
	pictures        int
	seconds, joules float64
}

// overfitLoss is where overfitting ends: the pictures are known by heart, in training and, with running
// statistics, in use.
const overfitLoss = 0.03

// byHeart makes of a run one that learns some pictures by heart.
func (l *learning) byHeart(endless bool) {
	r := l.recipe
	r.Data.Batch = min(r.Data.Batch, l.overfit)
	r.Augment = recipes.Augment{}
	r.Patience = 0
	last := &r.Schedule[len(r.Schedule)-1]
	if endless {
		last.Epochs = max(last.Epochs, 500)
	}
	last.Shape, last.Warmup = "constant", 0
}

// resumedLearning is a run that was begun before.
func resumedLearning(dir string) (*learning, error) {
	run, err := folder.Read(dir)
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(run.Detector) {
		run.Detector = filepath.Join(dir, run.Detector)
	}
	return &learning{recipe: &run.Recipe, dir: run.Data.Dir, folder: dir, detector: run.Detector,
		overfit: run.Overfit, note: run.Note, resume: true}, nil
}

// errNothingSaved says that a run ended before there was anything to go on from.
var errNothingSaved = errors.New("nothing was saved yet")

// run trains, calibrates the best weights, tests them and saves them as the detector.
func (l *learning) run(ctx context.Context, t *terminal) (*detect.Detector, error) {
	p, err := l.plan()
	if err != nil {
		return nil, err
	}
	if n := p.train.Skipped; n > 0 {
		t.say("left out of training: %s that a list calls damaged", pictures(n))
	}
	be, work, err := l.open()
	if err != nil {
		return nil, err
	}
	f, err := folder.Open(l.folder)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	now, err := l.claim(t, f, p, be)
	if err != nil {
		return nil, err
	}
	m, err := models.New(work, l.recipe.Model.Name, l.config(false))
	if err != nil {
		return nil, err
	}
	l.meter = energy.Open(be.Name(), processor(be.Name()))
	d := detect.New(work, m.Name(), m, l.card(p))
	if l.budget > 0 {
		if err := l.share(ctx, t, d); err != nil {
			return nil, err
		}
	}
	took, err := l.train(ctx, t, d, p, now)
	if err != nil {
		return nil, err
	}
	return l.conclude(ctx, t, f, be, took)
}

// conclude calibrates and tests the best weights, and saves them as the detector.
func (l *learning) conclude(ctx context.Context, t *terminal, f *folder.Folder, be kernels.Backend,
	took *folder.Resources) (*detect.Detector, error) {
	best, err := detect.Load(be, f.Path("best.safetensors"))
	if err != nil {
		return nil, err
	}
	best.Name = l.recipe.Model.Name
	scored, err := l.judge(ctx, t, best)
	if err != nil {
		return nil, err
	}
	if err := l.finish(f, best, scored); err != nil {
		return nil, err
	}
	return best, l.account(t, f, took)
}

// account writes down what the run took.
func (l *learning) account(t *terminal, f *folder.Folder, r *folder.Resources) error {
	info, err := os.Stat(l.detector)
	if err != nil {
		return err
	}
	r.WeightsBytes, r.PeakMemoryBytes, r.EnergyMethod = info.Size(), energy.PeakMemory(), l.meter.Method()
	if s := l.scoring; s.pictures > 0 {
		r.Inference.Rate = float64(s.pictures) / s.seconds
		r.Inference.JoulesPerPicture = s.joules / float64(s.pictures)
	}
	t.say("%s", r)
	return f.WriteResources(r)
}

// finish saves the detector, and what it was judged by for a verification.
func (l *learning) finish(f *folder.Folder, d *detect.Detector, scored []evaluate.Prediction) error {
	if err := os.MkdirAll(filepath.Dir(l.detector), 0o755); err != nil {
		return err
	}
	if err := d.SaveAs(l.detector, l.dtype); err != nil || l.dtype != "" {
		return err // rounded weights would score a little differently
	}
	e, err := folder.NewEvaluation(l.detector)
	if err != nil {
		return err
	}
	for _, s := range scored {
		if err := e.Add(data.Root(l.dir), s); err != nil {
			return err
		}
	}
	return f.WriteEvaluation(e)
}

// config is how the recipe's model is built.
func (l *learning) config(empty bool) models.Config {
	return models.Config{Classes: l.recipe.Model.Classes, Size: l.recipe.Data.Size, Seed: l.recipe.Seed,
		Aux: l.recipe.Model.Aux != "skip", Empty: empty}
}

func (l *learning) card(p *plan) *card.Card {
	r := l.recipe
	line := fmt.Sprintf("%s, %s, lr %g, batch %d, %d epochs, %d × %d crops, flips", r.Name, r.Optimizer.Name,
		r.Schedule[0].LR, r.Data.Batch*r.Accumulate, r.Epochs(), p.size, p.size)
	return &card.Card{Arch: r.Model.Name, Classes: r.Model.Classes, Size: p.size, View: string(detect.Crop),
		Mean: r.Data.Mean, Std: r.Data.Std, Band: [2]float64{0.35, 0.65},
		Data: filepath.Base(filepath.Clean(l.dir)), Generators: generatorsOf(p.train),
		Recipe: line, Seed: r.Seed, Epochs: r.Epochs(), Decoder: decoder(), Note: l.note}
}

// generatorsOf are the folders that a set's pictures come from, sorted.
func generatorsOf(set *data.Set) []string {
	seen := map[string]bool{}
	for _, it := range set.Items {
		seen[it.Generator] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

func decoder() string { return "image/jpeg of " + runtime.Version() }

// train runs the loop and says what it took.
func (l *learning) train(ctx context.Context, t *terminal, d *detect.Detector, p *plan,
	now *folder.Run) (*folder.Resources, error) {
	loop, err := l.ready(t, d, p, now)
	if err != nil {
		return nil, err
	}
	w, err := l.watch(t, loop)
	if err != nil {
		return nil, err
	}
	loop.Watch, loop.Validating = w.saw, w.validating
	_, err = loop.Run(ctx)
	seconds, joules := w.took()
	s := loop.State
	took := folder.NewResources(seconds, joules, float64(s.Epoch),
		float64(s.Epoch*loop.Train.Pictures()+s.Pictures))
	if e := w.close(); e != nil {
		return nil, errors.Join(err, e)
	}
	switch {
	case err == nil:
		t.say("training has ended: %s", s.Done)
	case errors.Is(err, train.ErrBudget) && l.unjudged:
		err = fmt.Errorf("%w after %d of %d epochs", err, s.Epoch, loop.Epochs)
	case errors.Is(err, train.ErrBudget):
		t.say("the time for training is used up after %d of %d epochs; 'truegrain train --resume %s' goes on",
			s.Epoch, loop.Epochs, l.folder)
		err = nil
	}
	return took, err
}

// ready puts the loop together, at the beginning or at the state that the folder has.
func (l *learning) ready(t *terminal, d *detect.Detector, p *plan, now *folder.Run) (*train.Loop, error) {
	latest, err := (&train.Checkpoints{Dir: l.folder}).Latest()
	if errors.Is(err, train.ErrNoCheckpoint) {
		err = l.begin(t, d.Model, now.Weights)
	}
	if err != nil {
		return nil, err
	}
	loop, err := l.loop(d, p, now)
	if err != nil {
		return nil, err
	}
	if err := loop.Checkpoints.Open(); err != nil {
		return nil, err
	}
	if latest != "" {
		if err := loop.Resume(latest); err != nil {
			return nil, err
		}
		t.say("%s", stands(loop, latest))
	}
	return loop, nil
}

// stands says where a resumed run goes on.
func stands(loop *train.Loop, latest string) string {
	s := loop.State
	if s.Done != "" || s.Epoch == loop.Epochs {
		return "the training had ended; calibrating and testing its best weights"
	}
	return fmt.Sprintf("going on behind batch %d of epoch %d (%s)", s.Batch, s.Epoch+1, latest)
}

// loop puts together what the recipe says.
func (l *learning) loop(d *detect.Detector, p *plan, now *folder.Run) (*train.Loop, error) {
	r := l.recipe
	params := d.Model.Params()
	trainLoader, valLoader, err := l.loaders(p, params[0].Backend())
	if err != nil {
		return nil, err
	}
	opt, err := r.NewOptimizer(params, d.Model.Stages(), headNames(d.Model))
	if err != nil {
		return nil, err
	}
	settings, err := now.Settings()
	if err != nil {
		return nil, err
	}
	updates := (trainLoader.Batches() + r.Accumulate - 1) / r.Accumulate
	loop := &train.Loop{Backend: params[0].Backend(), Model: d.Model, Train: trainLoader, Val: valLoader,
		Optimizer: opt, Schedule: r.RateOf(updates), Loss: r.LossOf(), Epochs: r.Epochs(), Seed: r.Seed,
		Accumulate: r.Accumulate, Clip: r.Clip, Recompute: r.Recompute, Patience: r.Patience,
		Unreadable: r.Data.Unreadable, Budget: l.budget}
	if l.overfit > 0 {
		loop.Enough = overfitLoss
	}
	loop.Checkpoints = &train.Checkpoints{Dir: l.folder, Last: r.Checkpoint.Last,
		Batches: r.Checkpoint.Batches, Settings: settings,
		Every: time.Duration(r.Checkpoint.Minutes * float64(time.Minute)),
		Card:  func(train.State) (map[string]string, error) { return d.Card.Metadata() }}
	if r.EMA > 0 {
		if loop.EMA, err = optim.NewEMA(params, r.EMA); err != nil {
			return nil, err
		}
	}
	return loop, nil
}
