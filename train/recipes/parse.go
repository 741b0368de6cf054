package recipes

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"truegrain/train/yamlfile"
)

// Error is what is wrong with a recipe, and where.
type Error struct {
	File string
	Line int // 0: in no line of the file
	Text string
}

func (e *Error) Error() string {
	if e.Line == 0 {
		return e.File + ": " + e.Text
	}
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Text)
}

// extended is a recipe file: a recipe, and the embedded one that it changes.
type extended struct {
	Extends string `yaml:"extends"`
	Recipe  `yaml:",inline"`
}

// Parse reads a recipe. What it leaves out is as in the embedded recipe that it extends, or a default. All
// that is wrong with it comes back as *Error values, joined.
func Parse(file string, src []byte) (*Recipe, error) {
	if err := yamlfile.Check(src); err != nil {
		return nil, fmt.Errorf("%s:%w", file, err)
	}
	var doc *ast.File
	if err := guarded(func() (err error) { doc, err = parser.ParseBytes(src, 0); return err }); err != nil {
		return nil, located(file, err)
	}
	if len(doc.Docs) != 1 || doc.Docs[0].Body == nil {
		return nil, &Error{file, 0, "want one YAML document with a recipe"}
	}
	body := doc.Docs[0].Body
	if err := checkKeys(file, body, reflect.TypeFor[extended](), ""); err != nil {
		return nil, err
	}
	x := extended{Recipe: Default()}
	decode := func() error { return yaml.NodeToValue(body, &x) }
	if err := guarded(decode); err != nil {
		return nil, located(file, err)
	}
	if x.Extends != "" {
		base, err := Open(x.Extends)
		if err != nil {
			return nil, &Error{file, lineOf(body, "extends"), err.Error()}
		}
		x.Recipe, x.Recipe.Name, x.Recipe.About = *base, "", ""
		if err := guarded(decode); err != nil {
			return nil, located(file, err)
		}
	}
	r := x.Recipe
	if r.Name == "" {
		r.Name = strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
	}
	r.complete()
	return &r, r.check(func(key, text string) error { return &Error{file, lineOf(body, key), text} })
}

// guarded runs the YAML library, which panics on some texts that are no YAML.
func guarded(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("it can't be read as YAML (%v)", p)
		}
	}()
	return f()
}

// complete fills in the defaults of list entries.
func (r *Recipe) complete() {
	for i := range r.Schedule {
		p := &r.Schedule[i]
		if p.Shape == "" {
			p.Shape = "constant"
		}
		if p.Shape == "step" && p.Factor == 0 {
			p.Factor = 0.1
		}
	}
	for i := range r.Optimizer.Groups {
		if g := &r.Optimizer.Groups[i]; g.LR == 0 {
			g.LR = 1
		}
	}
}

// located turns an error of the YAML library into ours.
func located(file string, err error) error {
	var e yaml.Error
	if !errors.As(err, &e) {
		return &Error{file, 0, err.Error()}
	}
	line := 0
	if t := e.GetToken(); t != nil && t.Position != nil {
		line = t.Position.Line
	}
	return &Error{file, line, strings.ReplaceAll(e.GetMessage(), "Go struct field extended.", "")}
}

// checkKeys finds keys that the recipe's type does not have.
func checkKeys(file string, n ast.Node, t reflect.Type, path string) error {
	switch n := n.(type) {
	case *ast.MappingNode:
		var all []error
		for _, v := range n.Values {
			all = append(all, checkKeys(file, v, t, path))
		}
		return errors.Join(all...)
	case *ast.MappingValueNode:
		return checkKey(file, n, t, path)
	case *ast.SequenceNode:
		return checkItems(file, n, t, path)
	case *ast.FloatNode:
		// The decoder would cut off what is behind the point.
		if k := t.Kind(); k == reflect.Int || k == reflect.Uint64 {
			return &Error{file, n.GetToken().Position.Line, fmt.Sprintf("%s is %s: want a whole number", path,
				n)}
		}
	case *ast.StringNode:
		_, err := strconv.ParseFloat(n.Value, 64)
		if want := plainly[t.Kind()]; want != "" && err != nil {
			return &Error{file, n.GetToken().Position.Line,
				fmt.Sprintf("%s is %q: want %s", path, n.Value, want)}
		}
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return &Error{file, n.GetToken().Position.Line,
			"anchors, aliases and tags are not taken: write the value out, or extend a recipe"}
	}
	return nil
}

// checkKey looks at one key and what stands behind it.
func checkKey(file string, n *ast.MappingValueNode, t reflect.Type, path string) error {
	fields := fieldsOf(t)
	key := n.Key.String()
	field, ok := fields[key]
	if !ok {
		where := "the recipe"
		if path != "" {
			where = path
		}
		return &Error{file, n.Key.GetToken().Position.Line,
			fmt.Sprintf("unknown key %q in %s; allowed are %s", key, where, names(fields))}
	}
	return checkKeys(file, n.Value, field, join(path, key))
}

// checkItems looks at the items of a list, and counts them where their number is fixed.
func checkItems(file string, n *ast.SequenceNode, t reflect.Type, path string) error {
	if t.Kind() == reflect.Array && t.Len() != len(n.Values) {
		return &Error{file, n.GetToken().Position.Line,
			fmt.Sprintf("%s: %d values, want %d", path, len(n.Values), t.Len())}
	}
	if t.Kind() != reflect.Slice {
		return nil // the decoder says what is wrong
	}
	var all []error
	for i, v := range n.Values {
		all = append(all, checkKeys(file, v, t.Elem(), fmt.Sprintf("%s[%d]", path, i)))
	}
	return errors.Join(all...)
}

// plainly says what a value must be that is not just any text.
var plainly = map[reflect.Kind]string{reflect.Int: "a whole number",
	reflect.Uint64: "a whole number, 0 or more", reflect.Float64: "a number", reflect.Bool: "true or false"}

// fieldsOf are the keys of a struct; none for any other type.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	out := map[string]reflect.Type{}
	if t.Kind() != reflect.Struct {
		return out
	}
	for i := range t.NumField() {
		f := t.Field(i)
		name, opts, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if opts == "inline" {
			for k, v := range fieldsOf(f.Type) {
				out[k] = v
			}
			continue
		}
		out[name] = f.Type
	}
	return out
}

func names(fields map[string]reflect.Type) string {
	if len(fields) == 0 {
		return "none: it is a plain value"
	}
	var out []string
	for k := range fields {
		out = append(out, k)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// lineOf is the line in which a key ("optimizer.lr", "schedule[1].lr") stands, or the nearest one above it,
// or 0.
func lineOf(n ast.Node, key string) int {
	for key != "" {
		if p, err := yaml.PathString("$." + key); err == nil {
			if at, err := p.FilterNode(n); err == nil && at != nil {
				return at.GetToken().Position.Line
			}
		}
		key = key[:max(strings.LastIndexAny(key, ".["), 0)]
	}
	return 0
}
