package main

import (
	"errors"
	"fmt"
	"text/tabwriter"

	"truegrain/nn/card"
	"truegrain/nn/state"
)

// WeightsCmd groups the commands on weight files.
type WeightsCmd struct {
	Inspect WeightsInspectCmd `cmd:"" help:"List the tensors of a .safetensors, .pth or .pt file."`
	Import  WeightsImportCmd  `cmd:"" help:"Copy weight files into the store, where recipes find them."`
	Pull    WeightsPullCmd    `cmd:"" help:"Fetch a weight file into the store; goes on where it was interrupted."`
}

// WeightsInspectCmd lists what a weight file holds, without building anything from it.
type WeightsInspectCmd struct {
	File string `arg:"" type:"existingfile" help:"A .safetensors, .pth or .pt file; the format is told by content."`
}

// Run prints the table of tensors and, if there is one, the model card.
func (c *WeightsInspectCmd) Run(t *terminal) error {
	f, err := state.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tTYPE\tSHAPE\tELEMENTS")
	total := 0
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		n := 1
		for _, d := range info.Shape {
			n *= d
		}
		total += n
		fmt.Fprintf(w, "%s\t%s\t%v\t%d\n", oneLine(name), info.DType, info.Shape, n)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(t.out, "%d tensors, %d elements, %s\n", len(f.Names()), total, f.Format)
	switch k, err := card.Read(f.Metadata()); {
	case err == nil:
		fmt.Fprintf(t.out, "detector: %s, view %s of %d pixels; trained on: %s\n", k.Arch,
			k.View, k.Size, k.Data)
		if k.Calibration != nil {
			fmt.Fprintf(t.out, "calibration: %s\n", k.Calibration)
		}
		if k.MapFrom != nil {
			fmt.Fprintf(t.out, "its pixel map comes from %s\n", k.MapFrom.File)
		}
	case !errors.Is(err, card.ErrNone):
		fmt.Fprintf(t.out, "no detector: %v\n", err)
	}
	return nil
}
