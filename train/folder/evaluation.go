package folder

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"

	"truegrain/nn/state"
	"truegrain/train/data"
	"truegrain/train/evaluate"
)

// Picture is one picture that the finished detector was calibrated or tested on, and the score that it got:
// what a verification compares.
type Picture struct {
	Path   string // from the data's folder on
	SHA256 string
	Shown  data.Show
	Label  int32
	Raw    float64 // p(photograph) before calibration
}

// Evaluation is what was scored, and with which weights.
type Evaluation struct {
	Pictures []Picture
	Tensors  map[string]string // SHA-256 of the detector's tensors and of its card
}

// NewEvaluation fingerprints a detector's file.
func NewEvaluation(detector string) (*Evaluation, error) {
	t, err := tensors(detector)
	return &Evaluation{Tensors: t}, err
}

// tensors is the SHA-256 of each tensor of a weight file, and of its metadata by key.
func tensors(path string) (map[string]string, error) {
	f, err := state.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out := map[string]string{}
	for _, name := range f.Names() {
		v, err := f.Float32s(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		h := sha256.New()
		var b [4]byte
		for _, x := range v {
			binary.LittleEndian.PutUint32(b[:], math.Float32bits(x))
			h.Write(b[:])
		}
		out[name] = hex.EncodeToString(h.Sum(nil))
	}
	for key, v := range f.Metadata() {
		sum := sha256.Sum256([]byte(v))
		out["metadata "+key] = hex.EncodeToString(sum[:])
	}
	return out, nil
}

// Add takes in a picture that was scored.
func (e *Evaluation) Add(root string, p evaluate.Prediction) error {
	shown, err := data.ParseShow(p.Shown)
	if err != nil {
		return fmt.Errorf("%s: %w", p.File, err)
	}
	sum, err := data.FileSum(p.File)
	if err != nil {
		return err
	}
	path := p.File
	if rel, err := filepath.Rel(root, path); err == nil && filepath.IsLocal(rel) {
		path = rel
	}
	e.Pictures = append(e.Pictures, Picture{filepath.ToSlash(path), sum, shown, p.Label, p.Raw})
	return nil
}

// evaluationFile is where it stands: lines of "picture" and of "tensor".
const (
	evaluationFile    = "evaluation.csv"
	evaluationColumns = 6
)

// WriteEvaluation keeps it for a verification.
func (f *Folder) WriteEvaluation(e *Evaluation) error {
	return state.Atomic(f.Path(evaluationFile), func(out io.Writer) error {
		w := csv.NewWriter(out)
		rows := [][]string{{"kind", "name", "sha256", "label", "raw", "shown"}}
		for _, name := range sortedKeys(e.Tensors) {
			rows = append(rows, []string{"tensor", name, e.Tensors[name], "", "", ""})
		}
		for _, p := range e.Pictures {
			rows = append(rows, []string{"picture", p.Path, p.SHA256, strconv.Itoa(int(p.Label)),
				strconv.FormatFloat(p.Raw, 'g', -1, 64), p.Shown.String()})
		}
		return w.WriteAll(rows)
	})
}

// ReadEvaluation reads it back.
func ReadEvaluation(dir string) (*Evaluation, error) {
	path := filepath.Join(dir, evaluationFile)
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: the run has no %s: it is not finished; 'truegrain train --resume' goes on", dir,
			evaluationFile)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.FieldsPerRecord = evaluationColumns
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	e := &Evaluation{Tensors: map[string]string{}}
	for i, r := range rows {
		switch {
		case r[0] == "tensor":
			e.Tensors[r[1]] = r[2]
		case r[0] == "picture":
			label, err1 := strconv.Atoi(r[3])
			raw, err2 := strconv.ParseFloat(r[4], 64)
			shown, err3 := data.ParseShow(r[5])
			if err := errors.Join(err1, err2, err3); err != nil {
				return nil, fmt.Errorf("%s:%d: %w", path, i+1, err)
			}
			e.Pictures = append(e.Pictures, Picture{r[1], r[2], shown, int32(label), raw})
		case i > 0:
			return nil, fmt.Errorf("%s:%d: %q is no line of an evaluation", path, i+1, r[0])
		}
	}
	return e, nil
}
