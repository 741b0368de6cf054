// Package logs writes how a run went: metrics.csv for spreadsheets, metrics.jsonl for programs, and an event
// file for TensorBoard. A resumed run goes on in them as if it had never been away.
package logs

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"truegrain/nn/state"
)

// Row is one line of the logs: an update, or an epoch with its validation.
type Row struct {
	Kind     string  `json:"kind"` // update or epoch
	Epoch    int     `json:"epoch"`
	Batch    int     `json:"batch"` // of the epoch
	Update   int     `json:"update"`
	Loss     float64 `json:"loss"` // of the batch, or the mean of the epoch
	LR       float64 `json:"lr,omitempty"`
	GradNorm float64 `json:"grad_norm,omitempty"`
	ValLoss  float64 `json:"val_loss,omitempty"`
	Accuracy float64 `json:"accuracy,omitempty"`
	Best     bool    `json:"best,omitempty"`
	Rate     float64 `json:"pictures_per_second"`
	Seconds  float64 `json:"seconds"` // of training so far, without the time that the run was away
	Joules   float64 `json:"joules"`  // likewise
}

// The kinds of rows.
const (
	Update = "update"
	Epoch  = "epoch"
)

var columns = []string{"kind", "epoch", "batch", "update", "loss", "lr", "grad_norm", "val_loss", "accuracy",
	"best", "pictures_per_second", "seconds", "joules"}

func (r Row) fields() []string {
	num := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	out := []string{r.Kind, strconv.Itoa(r.Epoch), strconv.Itoa(r.Batch), strconv.Itoa(r.Update), num(r.Loss),
		num(r.LR), num(r.GradNorm), "", "", "", num(r.Rate), num(r.Seconds), num(r.Joules)}
	if r.Kind == Epoch {
		out[5], out[6] = "", ""
		out[7], out[8], out[9] = num(r.ValLoss), num(r.Accuracy), strconv.FormatBool(r.Best)
	}
	return out
}

// Log is the open logs of a run.
type Log struct {
	csv, json *os.File
	events    *Events
}

// Open opens the logs in a folder. Of what they have, only the first so many updates and epochs stay: the
// rest was written by a run that ended without saving. It returns the last row that stays.
func Open(dir string, updates, epochs int) (l *Log, last Row, err error) {
	stays := func(r Row) bool {
		return r.Kind == Update && r.Update <= updates || r.Kind == Epoch && r.Epoch <= epochs
	}
	var kept []Row
	for _, r := range read(filepath.Join(dir, "metrics.jsonl")) {
		if stays(r) {
			kept = append(kept, r)
		}
	}
	if len(kept) > 0 {
		last = kept[len(kept)-1]
	}
	l = &Log{}
	var first, second []byte
	if first, err = table(kept); err != nil {
		return nil, last, err
	}
	if second, err = lines(kept); err != nil {
		return nil, last, err
	}
	if l.csv, err = rewrite(filepath.Join(dir, "metrics.csv"), first); err == nil {
		l.json, err = rewrite(filepath.Join(dir, "metrics.jsonl"), second)
	}
	if err == nil {
		next := 0
		if updates > 0 || epochs > 0 {
			next = updates + 1
		}
		l.events, err = NewEvents(dir, next)
	}
	if err != nil {
		return nil, last, errors.Join(fmt.Errorf("logs: %w", err), l.Close())
	}
	return l, last, nil
}

// rewrite replaces a file at once, and opens it to add to it.
func rewrite(path string, content []byte) (*os.File, error) {
	err := state.Atomic(path, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
	if err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o644)
}

// read gives the rows of a file that are whole; a file that is not there has none.
func read(path string) (rows []Row) {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var r Row
		if json.Unmarshal(lines.Bytes(), &r) == nil {
			rows = append(rows, r)
		}
	}
	return rows
}

func table(rows []Row) ([]byte, error) {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	all := [][]string{columns}
	for _, r := range rows {
		all = append(all, r.fields())
	}
	err := w.WriteAll(all)
	return b.Bytes(), err
}

func lines(rows []Row) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	for _, r := range rows {
		if err := enc.Encode(r); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// Write adds a row to all logs.
func (l *Log) Write(r Row) error {
	js, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	_, err = l.json.Write(append(js, '\n'))
	if err == nil {
		_, err = io.WriteString(l.csv, strings.Join(r.fields(), ",")+"\n")
	}
	if err == nil {
		err = l.events.Write(r.Update, r.scalars()...)
	}
	if err != nil {
		return fmt.Errorf("logs: %w", err)
	}
	return nil
}

func (r Row) scalars() []Scalar {
	if r.Kind == Epoch {
		return []Scalar{{"epoch/loss", r.Loss}, {"epoch/validation_loss", r.ValLoss},
			{"epoch/accuracy", r.Accuracy}}
	}
	return []Scalar{{"loss", r.Loss}, {"learning_rate", r.LR}, {"gradient_norm", r.GradNorm},
		{"pictures_per_second", r.Rate}}
}

// Close closes all logs.
func (l *Log) Close() error {
	var all []error
	for _, f := range []*os.File{l.csv, l.json} {
		if f != nil {
			all = append(all, f.Close())
		}
	}
	if l.events != nil {
		all = append(all, l.events.Close())
	}
	return errors.Join(all...)
}
