package main

import (
	"encoding/csv"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"truegrain/train/folder"
)

// ResourcesCmd prints what runs took side by side, as the thesis' table 4.27, with the method by which energy
// was found.
type ResourcesCmd struct {
	Runs   []string `arg:"" name:"run" type:"existingdir" help:"Folders of finished runs."`
	Format string   `enum:"text,markdown,csv" default:"text" help:"text, markdown or csv."`
}

// resourceColumns are the table's columns; csv has them in the units that they name.
var resourceColumns = []string{"run", "model", "weights MB", "training h", "kWh", "kWh/epoch", "pictures/s",
	"peak memory MB", "J/picture"}

// Run reads all runs before it prints.
func (c *ResourcesCmd) Run(t *terminal) error {
	var rows [][]string
	var methods []string
	for _, dir := range c.Runs {
		run, err := folder.Read(dir)
		if err != nil {
			return err
		}
		r, err := folder.ReadResources(dir)
		if err != nil {
			return err
		}
		if !slices.Contains(methods, r.EnergyMethod) {
			methods = append(methods, r.EnergyMethod)
		}
		rows = append(rows, append(resourceRow(dir, run, r), r.EnergyMethod))
	}
	if err := c.print(t, rows); err != nil || c.Format == "csv" {
		return err
	}
	for _, m := range methods {
		if _, err := fmt.Fprintf(t.out, "\nEnergy is %s.\n", m); err != nil {
			return err
		}
	}
	return nil
}

// print writes the table; in csv the last column says how the energy was counted.
func (c *ResourcesCmd) print(t *terminal, rows [][]string) error {
	switch c.Format {
	case "csv":
		w := csv.NewWriter(t.out)
		if err := w.Write(append(slices.Clone(resourceColumns), "energy by")); err != nil {
			return err
		}
		return w.WriteAll(rows)
	case "markdown":
		for _, row := range append([][]string{resourceColumns, dashes()}, rows...) {
			fmt.Fprintf(t.out, "| %s |\n", strings.Join(row[:len(resourceColumns)], " | "))
		}
		return nil
	}
	w := tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)
	for _, row := range append([][]string{resourceColumns}, rows...) {
		fmt.Fprintln(w, strings.Join(row[:len(resourceColumns)], "\t"))
	}
	return w.Flush()
}

func dashes() []string {
	return strings.Split(strings.Repeat("---,", len(resourceColumns)), ",")[:len(resourceColumns)]
}

func resourceRow(dir string, run *folder.Run, r *folder.Resources) []string {
	num := func(v float64) string { return fmt.Sprintf("%.3g", v) }
	big := func(bytes int64) string { return fmt.Sprintf("%.1f", float64(bytes)/1e6) }
	return []string{filepath.Base(filepath.Clean(dir)), run.Recipe.Model.Name, big(r.WeightsBytes),
		num(r.TrainingHours),
		num(r.KWh), num(r.KWhPerEpoch), num(r.Rate), big(r.PeakMemoryBytes),
		num(r.Inference.JoulesPerPicture)}
}
