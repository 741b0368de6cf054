package gpu

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"truegrain/bench/kernel"
	"truegrain/bench/measure"
	"truegrain/bench/report"
	"truegrain/bench/table"
	"truegrain/kernels"
)

// Ratio is ours beside one of theirs: the median of the rounds' ratios of times, and their quartiles.
type Ratio struct {
	Row    string  `json:"row"`
	Ours   string  `json:"ours"`
	Theirs string  `json:"theirs"`
	Median float64 `json:"median"`
	Lo     float64 `json:"lo"`
	Hi     float64 `json:"hi"`
}

// ratio compares times that were taken in turn.
func ratio(row, ours, theirs string, a, b measure.Samples) Ratio {
	s := measure.Ratios(a, b).Stat()
	return Ratio{row, ours, theirs, s.Median, s.Lo, s.Hi}
}

// peer is PyTorch in a process of its own, which answers each line of JSON with one.
type peer struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Scanner
	Title string
}

// ask is one line to the peer: Do is "hello", "model", "kernel", "time" or "drop".
type ask struct {
	Do      string  `json:"do"`
	Model   string  `json:"model,omitempty"`
	Batch   int     `json:"batch,omitempty"`
	Size    int     `json:"size,omitempty"` // of the pictures, which are square
	Train   bool    `json:"train,omitempty"`
	How     string  `json:"how,omitempty"` // "eager" or "compiled"
	Op      string  `json:"op,omitempty"`
	Pass    string  `json:"pass,omitempty"`
	Shape   string  `json:"shape,omitempty"`
	Seconds float64 `json:"seconds,omitempty"`
	ID      string  `json:"id,omitempty"`
}

// told is what it answers.
type told struct {
	Error string    `json:"error"`
	Title string    `json:"title"` // to hello: "PyTorch 2.15.0, CUDA 13.0"
	Times []float64 `json:"times"` // to time: seconds of one run each
}

// startPeer starts PyTorch's side.
func startPeer(ctx context.Context, argv []string) (*peer, error) {
	if len(argv) == 0 {
		return nil, errors.New("peers: nothing starts PyTorch: --python names the interpreter that has it")
	}
	p := &peer{cmd: exec.CommandContext(ctx, argv[0], argv[1:]...)}
	p.cmd.Stderr = os.Stderr
	var err error
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewScanner(out)
	p.out.Buffer(nil, 1<<24)
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("peers: %s: %w", argv[0], err)
	}
	hello, err := p.ask(ask{Do: "hello"})
	if err != nil {
		p.close()
		return nil, err
	}
	p.Title = hello.Title
	return p, nil
}

func (p *peer) ask(a ask) (t told, err error) {
	line, err := json.Marshal(a)
	if err != nil {
		return t, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return t, fmt.Errorf("peers: PyTorch's process has ended: %w", err)
	}
	if !p.out.Scan() {
		return t, fmt.Errorf("peers: PyTorch's process has ended: %w",
			errors.Join(p.out.Err(), io.ErrUnexpectedEOF))
	}
	if err := json.Unmarshal(p.out.Bytes(), &t); err != nil {
		return t, fmt.Errorf("peers: PyTorch's process says %.200q: %w", p.out.Text(), err)
	}
	if t.Error != "" {
		return t, &refusal{t.Error}
	}
	return t, nil
}

// refusal is what PyTorch says it can't do; its process goes on.
type refusal struct{ says string }

func (r *refusal) Error() string { return "PyTorch: " + r.says }

func (p *peer) close() {
	p.in.Close() //nolint:errcheck // which ends it
	p.cmd.Wait() //nolint:errcheck // its last words were said
}

// participant takes a turn and gives the seconds of one run.
type participant struct {
	name string
	turn func() (float64, error)
}

// theirs makes something ready in PyTorch.
func (b *bench) theirs(a ask) (participant, error) {
	a.ID = a.How
	if _, err := b.peer.ask(a); err != nil {
		return participant{}, err
	}
	return participant{"PyTorch " + a.How, func() (float64, error) {
		t, err := b.peer.ask(ask{Do: "time", ID: a.ID, Seconds: b.plan.Seconds})
		if err != nil || len(t.Times) == 0 {
			return 0, errors.Join(err, errorIf(len(t.Times) == 0, "peers: PyTorch gave no times"))
		}
		return measure.Samples(t.Times).Stat().Median, nil
	}}, nil
}

func errorIf(is bool, says string) error {
	if is {
		return errors.New(says)
	}
	return nil
}

// interleave lets all take their turns, A B C A B C ..., and compares the first ones, ours, with theirs.
func (b *bench) interleave(ctx context.Context, row report.Row, ours int, all []participant) ([]report.Row,
	[]Ratio, error) {
	times := make([]measure.Samples, len(all))
	for range b.plan.Rounds {
		for i, p := range all {
			t, err := p.turn()
			if err == nil {
				err = context.Cause(ctx)
			}
			if err != nil {
				return nil, nil, fmt.Errorf("%s: %s: %w", row.Name, p.name, err)
			}
			times[i] = append(times[i], t)
		}
	}
	var rows []report.Row
	var ratios []Ratio
	for i, p := range all {
		r := row
		r.Impl, r.Time = p.name, times[i].Stat()
		rows = append(rows, r)
		for j := ours; j < len(all) && i < ours; j++ {
			ratios = append(ratios, ratio(row.Name, p.name, all[j].name, times[i], times[j]))
		}
	}
	return rows, ratios, nil
}

// peers are the steps of "peers": models, then kernels.
func (b *bench) peers() (tasks []task, err error) {
	start := func(ctx context.Context) (err error) {
		if b.peer == nil {
			if b.peer, err = startPeer(ctx, b.plan.Python); err == nil {
				b.result.Peer = b.peer.Title
			}
		}
		return err
	}
	for _, m := range b.plan.Models {
		tasks = append(tasks, task{m.Name(), func(ctx context.Context) ([]report.Row, []Ratio, error) {
			if err := start(ctx); err != nil {
				return nil, nil, err
			}
			return b.peerModel(ctx, m)
		}})
	}
	for _, r := range b.plan.Peers {
		tasks = append(tasks, task{r.Op + "/" + r.Pass + " " + r.Shape,
			func(ctx context.Context) ([]report.Row, []Ratio, error) {
				if err := start(ctx); err != nil {
					return nil, nil, err
				}
				return b.peerKernel(ctx, r)
			}})
	}
	return tasks, nil
}

// hows are the ways that PyTorch runs a model: eager on channels-last memory with autocast, and compiled.
var hows = []string{"eager", "compiled"}

// peerModel takes turns with PyTorch on a model, in bfloat16 on both sides.
func (b *bench) peerModel(ctx context.Context, m Model) ([]report.Row, []Ratio, error) {
	row := report.Row{Name: m.Name(), Images: m.Batch}
	w, err := b.openModel(m.Spec, m.Impls[0])
	if err != nil {
		return missing(row, m.Impls[0], err)
	}
	defer w.Close()
	n, err := b.ready(w)
	if err != nil {
		return missing(row, m.Impls[0], err)
	}
	row.FLOPs = w.FLOPs()
	var without []report.Row
	all := []participant{{m.Impls[0], func() (float64, error) { return b.runs(w, n) }}}
	for _, how := range hows {
		p, err := b.theirs(ask{Do: "model", Model: m.Model, Batch: m.Batch, Size: w.X.Dim(1),
			Train: m.Train, How: how})
		if err != nil {
			rows, _, err := missing(row, "PyTorch "+how, err)
			if err != nil {
				return nil, nil, err
			}
			without = append(without, rows...)
			continue
		}
		all = append(all, p)
		defer b.peer.ask(ask{Do: "drop", ID: how}) //nolint:errcheck // the next step says if it has ended
	}
	rows, ratios, err := b.interleave(ctx, row, 1, all)
	return append(rows, without...), ratios, err
}

// missing is the row of what one side can't do: there is not the memory, or PyTorch refuses. Any other error
// ends the part.
func missing(row report.Row, who string, err error) ([]report.Row, []Ratio, error) {
	if !errors.Is(err, kernels.ErrOutOfMemory) && !errors.As(err, new(*refusal)) {
		return nil, nil, err
	}
	row.Impl, row.Skipped = who, err.Error()
	return []report.Row{row}, nil, nil
}

// peerKernel takes turns with PyTorch on a kernel in bfloat16.
func (b *bench) peerKernel(ctx context.Context, r table.Row) ([]report.Row, []Ratio, error) {
	p, err := kernel.New(r.Op, r.Pass, r.Shape)
	if err != nil {
		return nil, nil, err
	}
	x, err := p.LoadHalf(b.be)
	if err != nil {
		return nil, nil, err
	}
	defer x.Close()
	ours, err := b.series(x.On)
	if err != nil {
		return nil, nil, err
	}
	defer ours.close()
	row := report.Row{Name: p.Name(), FLOPs: x.Cost.FLOPs, Bytes: x.Cost.Bytes}
	theirs, err := b.theirs(ask{Do: "kernel", Op: r.Op, Pass: r.Pass, Shape: r.Shape, How: hows[0]})
	if err != nil {
		return missing(row, "PyTorch "+hows[0], err)
	}
	defer b.peer.ask(ask{Do: "drop", ID: hows[0]}) //nolint:errcheck // the next step says if it has ended
	return b.interleave(ctx, row, 1, []participant{{typeOf(true), ours.time}, theirs})
}
