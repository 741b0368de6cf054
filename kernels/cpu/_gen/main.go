// Command _gen writes the assembly of package cpu, a file for each of the parts, and the stubs beside it.
package main

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"log"
	"os"
	"slices"
	"strconv"

	"github.com/mmcloughlin/avo/attr"
	"github.com/mmcloughlin/avo/build"
	"github.com/mmcloughlin/avo/gotypes"
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/pass"
	"github.com/mmcloughlin/avo/printer"
	"github.com/mmcloughlin/avo/reg"
)

// parts are the files that are written, ../<name>_amd64.s and their stubs ../<name>_amd64.go.
var parts = []struct {
	name  string
	write func(w *writer, v *vector)
}{
	{"tile", tiles},
	{"transpose", transpose},
	{"gather", gather},
	{"peak", peak},
	{"bfloat16", bfloat16},
	{"softmax", softmax},
	{"gelu", gelu},
	{"sigmoid", sigmoid},
	{"elementwise", elementwise},
	{"relu", relu},
	{"sgd", sgd},
	{"adam", adam},
	{"batchnorm", batchnorm},
	{"columnsums", columnsums},
	{"dropout", dropout},
	{"layernorm", layerNorm},
	{"loss", losses},
	{"resample", resample},
	{"pool2d", pools},
	{"depthwise", depthwise},
	{"attention", attention},
	{"winograd", winograd},
	{"convert", convert},
}

func main() {
	log.SetFlags(0)
	pkg, err := load("../tileargs.go", "../streamflags.go", "../streamargs.go", "../winogradargs.go")
	if err != nil {
		log.Fatal(err)
	}
	for _, p := range parts {
		w := &writer{Context: build.NewContext(), pkg: pkg, copied: map[uint32]operand.Mem{},
			copied64: map[uint64]operand.Mem{}, tables: map[string]operand.Mem{}}
		w.ConstraintExpr("amd64,!noasm")
		for _, v := range []*vector{avx512(w), avx2(w)} {
			p.write(w, v)
		}
		if err := w.save("../" + p.name + "_amd64"); err != nil {
			log.Fatalf("%s: %v", p.name, err)
		}
	}
}

// save writes the assembly and its stubs.
func (w *writer) save(path string) error {
	file, err := w.Result()
	if err != nil {
		return err
	}
	if err := pass.Compile.Execute(file); err != nil {
		return err
	}
	cfg := printer.Config{Argv: []string{"go", "generate"}, Pkg: "cpu"}
	for _, out := range []struct {
		printer.Printer
		ext string
	}{{printer.NewGoAsm(cfg), ".s"}, {printer.NewStubs(cfg), ".go"}} {
		text, err := out.Print(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(path+out.ext, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// writer is the file being written; signatures may name the types of pkg.
type writer struct {
	*build.Context
	pkg      *types.Package
	masks    *operand.Mem           // what maskTable has made
	copied   map[uint32]operand.Mem // and copies, by bits
	copied64 map[uint64]operand.Mem
	tables   map[string]operand.Mem // and integers, by name
}

// load type-checks the files that declare argument blocks and flags, so that these are written down only
// once.
func load(names ...string) (*types.Package, error) {
	fset := token.NewFileSet()
	var files []*ast.File
	for _, name := range names {
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return new(types.Config).Check("cpu", fset, files, nil)
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

// floats is the float32 in the declaration of a variable or constant in ../coefficients.go.
func (w *writer) floats(name string) (out []float32) {
	f, err := parser.ParseFile(token.NewFileSet(), "../coefficients.go", nil, 0)
	if err != nil {
		log.Fatal(err)
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && spec.Names[0].Name == name {
			ast.Inspect(spec.Values[0], func(n ast.Node) bool {
				if lit, ok := n.(*ast.BasicLit); ok {
					v, _ := strconv.ParseFloat(lit.Value, 32)
					out = append(out, float32(v))
				}
				return true
			})
		}
		return true
	})
	if out == nil {
		log.Fatalf("../coefficients.go has no %s", name)
	}
	return out
}

// constant is the value of a constant of pkg.
func (w *writer) constant(name string) operand.Constant {
	c := w.pkg.Scope().Lookup(name).(*types.Const)
	v, _ := constant.Int64Val(c.Val())
	return operand.U32(uint32(v))
}

// field is the field of that name in the argument block of a tile at base.
func (w *writer) field(base reg.Register, name string) operand.Mem {
	return w.fieldOf(base, "tileArgs", name)
}

// fieldOf is a field of a struct of pkg at base.
func (w *writer) fieldOf(base reg.Register, in, name string) operand.Mem {
	var fields []*types.Var
	for f := range w.pkg.Scope().Lookup(in).Type().Underlying().(*types.Struct).Fields() {
		fields = append(fields, f)
	}
	i := slices.IndexFunc(fields, func(f *types.Var) bool { return f.Name() == name })
	if i < 0 {
		log.Fatalf("%s has no field %s", in, name)
	}
	return operand.Mem{Base: base, Disp: int(sizes.Offsetsof(fields)[i])}
}

// size is the size of a struct of pkg.
func (w *writer) size(name string) operand.Constant {
	return operand.I8(int8(sizes.Sizeof(w.pkg.Scope().Lookup(name).Type())))
}

var sizes = types.SizesFor("gc", "amd64")
