// Command _gen writes the assembly of package cpu: ../kernels_amd64.s and its stubs.
package main

import (
	"flag"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"log"
	"os"
	"slices"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

func main() {
	log.SetFlags(0)
	flags := flag.NewFlagSet("_gen", flag.ExitOnError)
	output := build.NewFlags(flags)
	if err := flags.Parse(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
	pkg, err := load("../tileargs.go")
	if err != nil {
		log.Fatal(err)
	}
	w := &writer{build.NewContext(), pkg}
	w.ConstraintExpr("amd64")
	for _, v := range []*vector{avx512(w), avx2(w)} {
		for _, used := range v.narrow {
			for rows := 1; rows <= tileRows; rows++ {
				tile(w, v, rows, used)
			}
		}
		transpose(w, v)
		peak(w, v)
	}
	os.Exit(build.Main(output.Config(), w.Context))
}

// writer is the file being written; signatures may name the types of pkg.
type writer struct {
	*build.Context
	pkg *types.Package
}

// load type-checks the file that declares the argument block, so that its layout is written down only once.
func load(file string) (*types.Package, error) {
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, nil, 0)
	if err != nil {
		return nil, err
	}
	return new(types.Config).Check("cpu", fset, []*ast.File{f}, nil)
}

// function starts a function.
func (w *writer) function(name, signature string, doc ...string) {
	w.Function(name)
	w.Attributes(attr.NOSPLIT)
	w.Pragma("noescape")
	w.Doc(append([]string{name + " " + doc[0]}, doc[1:]...)...)
	sig, err := gotypes.ParseSignatureInPackage(w.pkg, signature)
	if err != nil {
		log.Fatalf("%s: %v", name, err)
	}
	w.Signature(sig)
}

// constant is the value of a constant of pkg.
func (w *writer) constant(name string) operand.Constant {
	c := w.pkg.Scope().Lookup(name).(*types.Const)
	v, _ := constant.Int64Val(c.Val())
	return operand.U32(uint32(v))
}

// field is the field of that name in the argument block at base.
func (w *writer) field(base reg.Register, name string) operand.Mem {
	block := w.pkg.Scope().Lookup("tileArgs").Type().Underlying().(*types.Struct)
	var fields []*types.Var
	for f := range block.Fields() {
		fields = append(fields, f)
	}
	i := slices.IndexFunc(fields, func(f *types.Var) bool { return f.Name() == name })
	if i < 0 {
		log.Fatalf("tileArgs has no field %s", name)
	}
	return operand.Mem{Base: base, Disp: int(types.SizesFor("gc", "amd64").Offsetsof(fields)[i])}
}
