package report

import (
	"html/template"
	"path/filepath"
	"strings"

	"truegrain/cmd/truegrain/words"
)

// funcs are what the templates call.
func (r *Report) funcs() template.FuncMap {
	return template.FuncMap{
		"percent": words.Percent, "pct": words.Position, "share": words.Share, "lean": words.Lean,
		"headline":  func(e *Entry) string { return words.Headline(e.Verdicts) },
		"say":       func(e *Entry) string { return words.Say(e.Verdicts) },
		"leanClass": words.LeanClass, "mapSay": words.MapSay, "weak": words.Weak, "ends": words.EndsOf,
		"togetherClass": words.TogetherClass, "togetherWord": words.TogetherWord, "jitter": words.Jitter,
		"rest": func(p float64) string { return words.Position(1 - p) },
		"base": filepath.Base, "dir": folder, "likely": words.Likely, "breaks": breaks,
	}
}

// folder is where a file lies, "" for the working folder.
func folder(file string) string {
	if dir := filepath.Dir(file); dir != "." {
		return dir
	}
	return ""
}

// breaks is a path that may be broken over lines at its slashes.
func breaks(path string) template.HTML {
	sep := string(filepath.Separator)
	return template.HTML(strings.ReplaceAll(template.HTMLEscapeString(path), sep, sep+"<wbr>"))
}
