package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"truegrain/models/bundled"
	"truegrain/models/detect"
	"truegrain/nn/card"
	"truegrain/nn/state"
	"truegrain/train/calibrate"
	"truegrain/train/data"
	"truegrain/train/evaluate"
)

// CalibrateCmd fits the probabilities of a detector on labelled pictures and stores them with it.
type CalibrateCmd struct {
	Model   string    `arg:"" help:"Detector: a checkpoint or a bundled name."`
	Data    string    `arg:"" type:"existingdir" help:"Folder in GenImage layout (…/{train,val,test}/{ai,nature})."`
	Out     string    `short:"o" type:"path" help:"File to write (default: the checkpoint itself)."`
	Method  string    `enum:"platt,platt-mse,temperature" default:"platt" help:"platt (maximum likelihood), platt-mse (least squares, as in the thesis) or temperature."`
	Fit     string    `enum:"train,val,test,all" default:"val" help:"Part of the folder that is fitted on."`
	Test    string    `enum:"none,train,val,test" default:"test" help:"Part that the fit is measured on; none, or one that the folder has not, measures by cross-fitting."`
	View    string    `enum:",crop,resize,full" default:"" placeholder:"crop|resize|full" help:"What of each picture the detector sees from now on (default: as before)."`
	FPR     []float64 `default:"0.01,0.05" help:"False-positive rates to find thresholds for."`
	Wrong   float64   `default:"0.05" help:"Share of the leaning pictures that may lean the wrong way, for the undecided band."`
	Plot    string    `type:"path" placeholder:"NAME" help:"Draw the reliability diagram, before and after, as NAME.png and NAME.svg."`
	MapFrom string    `type:"existingfile" placeholder:"FILE" help:"Show the pixel map of this segmenter's checkpoint, which lies in the same folder, beside the verdict."`
	Device  string    `default:"cpu" help:"cpu, cuda:0, ref …; 'truegrain devices' lists them."`
	Limit   int       `help:"Take only this many pictures of each part (0: all)."`
}

// Validate refuses rates that are none.
func (c *CalibrateCmd) Validate() error {
	for _, r := range append([]float64{c.Wrong}, c.FPR...) {
		if !(r > 0 && r < 1) {
			return fmt.Errorf("a rate of %v: want more than 0 and less than 1", r)
		}
	}
	if c.Fit == c.Test {
		return fmt.Errorf("--test %s is what is fitted on; want another part, or none", c.Test)
	}
	return nil
}

// Run fits, measures and saves.
func (c *CalibrateCmd) Run(ctx context.Context, t *terminal) error {
	out := c.Out
	if out == "" {
		if slices.Contains(bundled.Names(), c.Model) {
			return usagef("%s is bundled, not a file: -o says where the calibrated detector goes", c.Model)
		}
		out = c.Model
	}
	detectors, closeAll, err := openDetectors(c.Device, []string{c.Model})
	if err != nil {
		return err
	}
	defer closeAll()
	d := detectors[0]
	if c.View != "" {
		d.Card.View = c.View
	}
	dtype, err := c.storedType()
	if err != nil {
		return err
	}
	if err := c.calibrate(ctx, t, d); err != nil {
		return fmt.Errorf("calibrate %s on %s: %w", d.Name, c.Data, err)
	}
	if err := c.mapFrom(d, out); err != nil {
		return err
	}
	if err := d.SaveAs(out, dtype); err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%s\nwritten to %s\n", calibrationText(d.Card), out)
	return err
}

// mapFrom notes on the card the segmenter whose map is shown beside the verdict, if one is named.
func (c *CalibrateCmd) mapFrom(d *detect.Detector, out string) error {
	if c.MapFrom == "" {
		return nil
	}
	at, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	if filepath.Dir(c.MapFrom) != filepath.Dir(at) { // kong has made the flag absolute
		return usagef("--map-from %s: it must lie in the folder of %s, so that both move together", c.MapFrom,
			out)
	}
	d.Card.MapFrom, err = detect.CompanionOf(c.MapFrom)
	return err
}

// calibrate scores both parts and writes what they say on the card.
func (c *CalibrateCmd) calibrate(ctx context.Context, t *terminal, d *detect.Detector) error {
	fit, err := c.scored(ctx, t, d, c.Fit)
	if err != nil {
		return err
	}
	o := calibrate.Options{Method: c.Method, Rates: c.FPR, Wrong: c.Wrong, Bins: calibrate.Defaults().Bins,
		Fit: fmt.Sprintf("%s, part %s", base(c.Data), c.Fit), Test: fmt.Sprintf("%s, part %s", base(c.Data),
			c.Test)}
	tested, err := c.scored(ctx, t, d, c.Test)
	if errors.Is(err, data.ErrNoPictures) {
		tested, err = nil, nil
	}
	if err != nil {
		return err
	}
	iou := 0.0
	if d.Card.Test != nil {
		iou = d.Card.Test.IoU // a calibration moves no pixel of the map
	}
	before := d.Card.Calibration
	d.Card.Calibration = nil
	if err := judged(t, d.Card, o, fit, tested); err != nil {
		return err
	}
	if d.Card.Calibration == nil {
		d.Card.Calibration = before
		return calibrate.ErrOneClass
	}
	d.Card.Test.IoU = iou
	if c.Plot == "" {
		return nil
	}
	if len(tested) == 0 {
		tested = fit
	}
	return c.plot(d, tested)
}

// plot draws the reliability of the raw scores and of the calibrated ones.
func (c *CalibrateCmd) plot(d *detect.Detector, tested []evaluate.Prediction) error {
	raw, ai := make([]float64, len(tested)), make([]bool, len(tested))
	for i, p := range tested {
		raw[i], ai[i] = 1-p.Raw, p.Label == data.AI
	}
	p := evaluate.ReliabilityPlot(d.Name+" on "+base(c.Data), []string{"before", "after"},
		[][]card.Bin{calibrate.Bins(raw, ai, len(d.Card.Reliability)), d.Card.Reliability})
	return evaluate.SavePlot(p, c.Plot, evaluate.SquareSide, evaluate.SquareSide)
}

// scored scores one part of the folder; "none" has no pictures.
func (c *CalibrateCmd) scored(ctx context.Context, t *terminal, d *detect.Detector,
	split string) ([]evaluate.Prediction, error) {
	if split == "none" {
		return nil, nil
	}
	set, err := data.OpenGenImage(c.Data, split, data.Options{Limit: c.Limit})
	if err != nil {
		return nil, err
	}
	return score(ctx, t, d, set)
}

// storedType is the type that the detector's weights are stored in, so that a calibration leaves them as they
// are.
func (c *CalibrateCmd) storedType() (string, error) {
	open := func() (*state.File, error) { return state.Open(c.Model) }
	if slices.Contains(bundled.Names(), c.Model) {
		open = func() (*state.File, error) { return bundled.Open(c.Model) }
	}
	f, err := open()
	if err != nil {
		return "", err
	}
	defer f.Close()
	dtype := ""
	for _, name := range f.Names() {
		info, _ := f.Info(name)
		switch info.DType {
		case "F32", "F16", "BF16":
			if dtype != "" && dtype != info.DType {
				return "F32", nil // of several types: F32 holds them all
			}
			dtype = info.DType
		}
	}
	return dtype, nil
}

// calibrationText is what a calibration has changed, in lines.
func calibrationText(c *card.Card) string {
	var b strings.Builder
	k := c.Calibration
	fmt.Fprintf(&b, "%s, fitted on %d pictures of %s\n", k, k.N, k.Data)
	fmt.Fprintf(&b, "on %s:\n", k.Tested)
	fmt.Fprintf(&b, "           before   after\n")
	for _, row := range []struct {
		name          string
		before, after float64
	}{{"ECE", k.Before.ECE, k.After.ECE}, {"Brier", k.Before.Brier, k.After.Brier},
		{"log loss", k.Before.LogLoss, k.After.LogLoss}} {
		fmt.Fprintf(&b, "  %-8s %.4f  %.4f\n", row.name, row.before, row.after)
	}
	fmt.Fprintf(&b, "undecided from %.2f to %.2f\n", c.Band[0], c.Band[1])
	for _, th := range c.Thresholds {
		fmt.Fprintf(&b,
			"for at most %g %% false positives call AI from %.3f on: %d of %d photographs, %d of %d AI pictures\n",
			100*th.FPR, th.P, th.FP, th.Photographs, th.TP, th.AI)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func base(path string) string { return filepath.Base(filepath.Clean(path)) }
