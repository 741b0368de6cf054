// Command truegrain tells photographs from AI-generated pictures and shows why.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	_ "truegrain/kernels/all"
	"truegrain/train/data"
	"truegrain/train/data/degrade"
)

// cli is every command; each is a struct of flags with a Run, in a file of its name.
type cli struct {
	Demo      DemoCmd      `cmd:"" help:"Make a synthetic data set, train three small detectors on it, and write a report."`
	Analyze   AnalyzeCmd   `cmd:"" help:"Score pictures and show why."`
	Serve     ServeCmd     `cmd:"" help:"Answer in a browser, and to programs."`
	Train     TrainCmd     `cmd:"" help:"Train a detector on a folder of pictures."`
	Verify    VerifyCmd    `cmd:"" help:"Evaluate a finished run again and say what differs."`
	Resources ResourcesCmd `cmd:"" help:"Tabulate what finished runs took: size, time, energy, memory (the thesis' table 4.27)."`
	Eval      EvalCmd      `cmd:"" help:"Score labelled pictures and count the errors."`
	Calibrate CalibrateCmd `cmd:"" help:"Fit probabilities, thresholds and the undecided band of a detector."`
	Explain   ExplainCmd   `cmd:"" help:"Draw the maps of one picture as PNG."`
	Data      DataCmd      `cmd:"" help:"Make, check and index data sets."`
	Weights   WeightsCmd   `cmd:"" help:"Look into weight files."`
	Inspect   InspectCmd   `cmd:"" help:"Print a model layer by layer."`
	Devices   DevicesCmd   `cmd:"" help:"List what this build can compute on here."`
	Version   VersionCmd   `cmd:"" help:"Print the version."`
	Bundle    BundleCmd    `cmd:"" hidden:"" help:"Train the bundled detectors anew into a folder."`
}

// Exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the whole program but for the process: it returns the exit code.
func run(args []string, stdout, stderr io.Writer) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// what was interrupted finishes its step and saves; a second Ctrl-C ends it at once
	context.AfterFunc(ctx, stop)
	return runContext(ctx, args, stdout, stderr)
}

// errExit is what kong's exit panics with (--help), so that run can return.
type errExit int

func runContext(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if p := recover(); p != nil {
			e, ok := p.(errExit)
			if !ok {
				panic(p)
			}
			code = int(e)
		}
	}()
	var c cli
	t := &terminal{out: stdout, err: stderr}
	parser, err := kong.New(&c, kong.Name("truegrain"),
		kong.Description("Tells photographs from AI-generated pictures and shows why."),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Vars{"degradations": degrade.Names()}, kong.Writers(stdout, stderr), kong.Exit(func(code int) { panic(errExit(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(t))
	if err != nil {
		panic(err) // the structs above are wrong
	}
	k, err := parser.Parse(args)
	if err != nil {
		t.say("truegrain: %v", err)
		return exitUsage
	}
	err = k.Run()
	t.clear()
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
		t.say("truegrain: interrupted: %v", err)
		return exitInterrupted
	case errors.Is(err, errReported):
		return exitFailed
	case errors.As(err, new(usageError)) || errors.Is(err, data.ErrNotThere):
		t.say("truegrain: %v", err)
		return exitUsage
	default:
		t.say("truegrain: %v", err)
		return exitFailed
	}
}

// errReported says that what went wrong has been printed already, file by file.
var errReported = errors.New("some files failed")

// usageError is a flag whose value makes no sense.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
