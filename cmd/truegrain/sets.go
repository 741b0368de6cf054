package main

import (
	"context"
	"fmt"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/train/data"
)

// cacheBytes is how much memory decoded pictures may take, so that a small set is decoded once.
const cacheBytes = 512 << 20

// options are what the recipe says about the pictures of a part.
func (l *learning) options() data.Options {
	d := l.recipe.Data
	return data.Options{Limit: d.Limit, Seed: l.recipe.Seed, Generators: d.Generators,
		Validation: d.Validation}
}

// sets are the pictures to train on and to validate with; a segmenter also learns from composites with masks.
func (l *learning) sets(kind models.Kind) (trainSet, valSet *data.Set, err error) {
	if trainSet, err = l.part(data.Train); err != nil {
		return nil, nil, err
	}
	if err := l.bothClasses(trainSet); err != nil {
		return nil, nil, err
	}
	if l.overfit > 0 {
		trainSet = trainSet.First(l.overfit)
		return trainSet, trainSet, nil
	}
	if valSet, err = l.part(data.Val); err != nil {
		return nil, nil, err
	}
	if kind != models.Segmenter || l.recipe.Data.Layout == "masks" {
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

// bothClasses refuses pictures that nothing can be learned from. Masks have both classes in one picture.
func (l *learning) bothClasses(set *data.Set) error {
	var n [2]int
	for _, it := range set.Items {
		n[it.Label]++
	}
	if l.recipe.Data.Layout == "masks" || min(n[data.AI], n[data.Photograph]) > 0 {
		return nil
	}
	return fmt.Errorf("%s: %d AI pictures and %d photographs to train on: "+
		"want some of both, in …/train/ai and …/train/nature",
		l.dir, n[data.AI], n[data.Photograph])
}

// part is the train, val or test part in the recipe's layout and protocol.
func (l *learning) part(split string) (*data.Set, error) {
	if l.recipe.Data.Layout == "masks" {
		return data.OpenMasks(l.dir, split, l.options())
	}
	if l.collection == nil { // an index of millions is read once for all parts
		c, err := data.Open(l.dir)
		if err != nil {
			return nil, err
		}
		l.collection = c
	}
	set, err := l.collection.Part(split, l.options())
	if err != nil || l.recipe.Data.Protocol != "unbiased" {
		return set, err
	}
	return data.Unbiased(context.Background(), set, l.recipe.Seed)
}

// loaders turn the sets into batches; validation pictures come in their own order, cut from the middle. A
// device makes values of their bytes itself.
func (l *learning) loaders(p *plan, be kernels.Backend) (trainLoader, valLoader *data.Loader, err error) {
	o := l.recipe.LoaderOf(p.size)
	_, o.Bytes = be.(kernels.Accelerator)
	o.CacheBytes = cacheBytes
	if trainLoader, err = data.NewLoader(p.train, o); err != nil {
		return nil, nil, err
	}
	o.Shuffle, o.Augment = false, data.Augment{}
	valLoader, err = data.NewLoader(p.val, o)
	return trainLoader, valLoader, err
}
