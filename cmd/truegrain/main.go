// Command truegrain tells photographs from AI-generated pictures and shows why.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"

	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/train/data"
	"truegrain/train/data/degrade"
)

// cli is every command; each is a struct of flags with a Run, in a file of its name.
type cli struct {
	Demo    DemoCmd    `cmd:"" group:"pictures" help:"Make a synthetic data set, train three small detectors on it, and write a report."`
	Analyze AnalyzeCmd `cmd:"" group:"pictures" help:"Score pictures and show why."`
	Explain ExplainCmd `cmd:"" group:"pictures" help:"Draw the maps of one picture as PNG."`
	Serve   ServeCmd   `cmd:"" group:"pictures" help:"Answer in a browser, and to programs."`

	Train     TrainCmd     `cmd:"" group:"detectors" help:"Train a detector on a folder of pictures."`
	Eval      EvalCmd      `cmd:"" group:"detectors" help:"Score labelled pictures and count the errors."`
	Calibrate CalibrateCmd `cmd:"" group:"detectors" help:"Fit probabilities, thresholds and the undecided band of a detector."`
	Verify    VerifyCmd    `cmd:"" group:"detectors" help:"Evaluate a finished run again and say what differs."`
	Resources ResourcesCmd `cmd:"" group:"detectors" help:"Tabulate what finished runs took: size, time, energy, memory."`

	Data    DataCmd    `cmd:"" group:"files" help:"Make, check and index data sets."`
	Weights WeightsCmd `cmd:"" group:"files" help:"Look into weight files, and keep them where recipes find them."`

	Inspect InspectCmd `cmd:"" group:"engine" help:"Print a model layer by layer."`
	Devices DevicesCmd `cmd:"" group:"engine" help:"List what this build can compute on here."`
	Version VersionCmd `cmd:"" group:"engine" help:"Print the version."`

	Bundle BundleCmd `cmd:"" hidden:"" help:"Train the bundled detectors anew into a folder."`
}

// groups are the headings of the commands.
var groups = []kong.Group{{Key: "pictures", Title: "Pictures:"},
	{Key: "detectors", Title: "Detectors of your own:"},
	{Key: "files", Title: "Data sets and weight files:"}, {Key: "engine", Title: "The engine:"}}

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
	t := &terminal{out: plain{stdout}, err: stderr}
	defer func() {
		switch p := recover().(type) {
		case nil:
		case errExit:
			code = int(p)
		case *kernels.DeviceError: // what a device refuses outside of the edges that make it an error
			t.clear()
			t.say("truegrain: %v", p)
			code = exitFailed
		default:
			panic(p)
		}
	}()
	switch {
	case len(args) == 0:
		args = []string{"--help"}
	case args[0] == "--version":
		args[0] = "version"
	}
	k, err := parser(ctx, t).Parse(args)
	if err != nil {
		t.say("truegrain: %s%s", choices(err), advice(err))
		return exitUsage
	}
	err = k.Run()
	t.clear()
	return exitCode(ctx, t, err)
}

// parser reads the command line.
func parser(ctx context.Context, t *terminal) *kong.Kong {
	return kong.Must(new(cli), kong.Name("truegrain"),
		kong.Description("Tells photographs from AI-generated pictures and shows why."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}), kong.ExplicitGroups(groups),
		kong.Vars{"degradations": degrade.Names()}, kong.Writers(t.out, t.err),
		kong.Exit(func(code int) { panic(errExit(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(t))
}

// exitCode says what ended a command and gives the code for it.
func exitCode(ctx context.Context, t *terminal, err error) int {
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
	}
	t.say("truegrain: %v", err)
	return exitFailed
}

// choices is an error's text without the empty choice, which stands for a flag that was not given.
func choices(err error) string {
	return strings.Replace(err.Error(), `must be one of "",`, "must be one of ", 1)
}

// advice names the help of the command whose arguments can't be understood.
func advice(err error) string {
	e := (*kong.ParseError)(nil)
	if !errors.As(err, &e) {
		return ""
	}
	command := "truegrain"
	if n := e.Context.Selected(); n != nil {
		command += " " + n.Path()
	}
	return fmt.Sprintf(" ('%s --help' says more)", command)
}

// errReported says that what went wrong has been printed already, file by file.
var errReported = errors.New("some files failed")

// usageError is a flag whose value makes no sense.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
