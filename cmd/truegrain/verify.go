package main

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"

	"truegrain/train/data"
	"truegrain/train/folder"
)

// VerifyCmd evaluates a finished run again and compares: weights, pictures, and the score of every picture.
type VerifyCmd struct {
	Folder string `arg:"" name:"run" type:"path" help:"Folder of a finished run."`
	Device string `default:"" help:"Device to compute on (default: that of the run)."`
}

// Run compares.
func (c *VerifyCmd) Run(ctx context.Context, t *terminal) error {
	run, err := folder.Read(c.Folder)
	if err != nil {
		return err
	}
	was, err := folder.ReadEvaluation(c.Folder)
	if err != nil {
		return err
	}
	l, err := resumedLearning(c.Folder)
	if err != nil {
		return err
	}
	changes, err := was.Compare(data.Root(l.dir), l.detector)
	if err != nil {
		return fmt.Errorf("verify %s: %w", c.Folder, err)
	}
	for _, line := range changes.Weights {
		fmt.Fprintf(t.out, "weight %s\n", line)
	}
	for _, line := range changes.Pictures {
		fmt.Fprintf(t.out, "picture %s\n", line)
	}
	lists, err := l.sameLists(run)
	if err != nil {
		return err
	}
	if !lists {
		fmt.Fprintf(t.out, "the lists of pictures in %s are not those of the run\n", l.dir)
	}
	moved, err := c.scores(ctx, t, l, run, changes)
	if err != nil {
		return err
	}
	if !changes.None() || !lists || moved > 0 {
		return fmt.Errorf("%s does not agree with what it says", c.Folder)
	}
	_, err = fmt.Fprintf(t.out, "%s agrees: %d tensors, %d pictures, every score to the last bit\n", c.Folder,
		len(was.Tensors), len(was.Pictures))
	return err
}

// scores compares the scores of the pictures that are what they were, and says how many differ and what may
// be why.
func (c *VerifyCmd) scores(ctx context.Context, t *terminal, l *learning, run *folder.Run,
	changes *folder.Changes) (int, error) {
	device := cmp.Or(c.Device, run.Device)
	worst, moved, err := c.again(ctx, t, l, device, changes)
	if err != nil || moved == 0 {
		return 0, err
	}
	fmt.Fprintf(t.out, "%d of %d scores differ, by %.3g at most\n", moved, len(changes.Same()), worst)
	if len(changes.Weights) == 0 {
		circumstances(t, run, device)
	}
	return moved, nil
}

// again scores the pictures that are what they were, and counts the scores that are not.
func (c *VerifyCmd) again(ctx context.Context, t *terminal, l *learning, device string,
	ch *folder.Changes) (worst float64, moved int, err error) {
	detectors, closeAll, err := openDetectors(device, []string{l.detector})
	if err != nil {
		return 0, 0, err
	}
	defer closeAll()
	set, want := &data.Set{}, map[string]float64{}
	for _, p := range ch.Same() {
		path := folder.At(data.Root(l.dir), p.Path)
		set.Items = append(set.Items, data.Item{Path: path, Label: p.Label, Show: p.Shown})
		want[path] = p.Raw
	}
	scores, err := score(ctx, t, detectors[0], set)
	if err != nil {
		return 0, 0, err
	}
	for _, s := range scores {
		if s.Raw != want[s.File] {
			moved++
			worst = max(worst, math.Abs(s.Raw-want[s.File]))
		}
	}
	return worst, moved, nil
}

// sameLists says whether the data's folder has the pictures that it had when the run began.
func (l *learning) sameLists(run *folder.Run) (bool, error) {
	trainSet, valSet, err := l.sets(kindOf(l.recipe.Model.Name))
	if err != nil {
		return false, err
	}
	return l.fingerprint(trainSet, valSet) == run.Data.Fingerprint, nil
}

// fingerprint tells sets of pictures apart.
func (l *learning) fingerprint(trainSet, valSet *data.Set) string {
	root := data.Root(l.dir)
	return trainSet.Fingerprint(root) + valSet.Fingerprint(root)
}

// circumstances says what may have moved the scores, if weights and pictures have not.
func circumstances(t *terminal, run *folder.Run, device string) {
	for _, c := range []struct{ what, was, is string }{{"device", run.Device, device},
		{"program", run.Code, version()}, {"Go", run.Go, runtime.Version()},
		{"decoder", run.Decoder, decoder()}} {
		if c.was != c.is {
			fmt.Fprintf(t.out, "the %s was %s and is %s now\n", c.what, c.was, c.is)
		}
	}
}
