// Command bench times kernels and models against the machine's own ceilings, and against each other.
//
//	go run ./bench kernels --op conv2d
//	go run ./bench models
//
// README.md beside it says more.
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

	"truegrain/kernels"
	_ "truegrain/kernels/all"
)

// cli is every command; each is a struct of flags with a Run, in a file of its name.
type cli struct {
	Kernels KernelsCmd `cmd:"" help:"Check kernels against ref, then time them."`
	Models  ModelsCmd  `cmd:"" help:"Time whole models: inference, or with --train a training step."`
	GPU     GPUCmd     `cmd:"" name:"gpu" help:"Check and time a GPU, in parts that may be interrupted."`
	Serve   ServeCmd   `cmd:"" hidden:"" help:"Do as lines on standard input say, for comparisons with other programs."`
	Memory  MemoryCmd  `cmd:"" hidden:"" help:"Run one model a few times and print the most memory that took."`
}

// Exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// terminal is where a command reads and writes: results to out, everything that is said on the way to err.
type terminal struct {
	in       io.Reader
	out, err io.Writer
}

func (t terminal) say(format string, args ...any) { fmt.Fprintf(t.err, format+"\n", args...) }

// errExit is what kong's exit panics with (--help), so that run can return.
type errExit int

// run is the whole program but for the process: it returns the exit code.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
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
	parser, err := kong.New(&c, kong.Name("bench"),
		kong.Description("Times kernels and models against this machine's ceilings, which it measures first."),
		kong.UsageOnError(), kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.Writers(stdout, stderr), kong.Exit(func(code int) { panic(errExit(code)) }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(terminal{stdin, stdout, stderr}))
	if err != nil {
		panic(err) // the structs above are wrong
	}
	k, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "bench: %v\n", err)
		return exitUsage
	}
	err = k.Run()
	if err != nil && !errors.Is(err, errReported) {
		fmt.Fprintf(stderr, "bench: %v\n", err)
	}
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil || errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, new(usageError)) || errors.Is(err, kernels.ErrNoBackend):
		return exitUsage
	}
	return exitFailed
}

// errReported says that what went wrong has been printed already.
var errReported = errors.New("some results differ from ref")

// usageError is a flag whose value makes no sense.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }
