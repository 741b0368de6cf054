// Package evidence reads what a picture's file says about itself: camera data, the kind of source, texts that
// generators leave, content credentials. All of it can be missing, out of date or forged, none of it is
// verified, and every value is the text of a stranger: valid UTF-8 without control characters, cut at a
// limit, to be shown as text only.
package evidence

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Evidence is what was found.
type Evidence struct {
	Camera    []Field  `json:"camera,omitempty" doc:"EXIF: camera, lens, exposure, dates"`
	GPS       []Field  `json:"gps,omitempty" doc:"EXIF: where the picture was taken"`
	Source    *Source  `json:"source,omitempty" doc:"IPTC digital source type"`
	Generator []Field  `json:"generator,omitempty" doc:"Texts that known generators leave: prompts, parameters"`
	Texts     []Field  `json:"texts,omitempty" doc:"Other texts: comments, PNG text, captions"`
	Editing   []Field  `json:"editing,omitempty" doc:"XMP: tools and history"`
	C2PA      *C2PA    `json:"c2pa,omitempty" doc:"Content credentials: read, not verified"`
	Absent    []string `json:"absent,omitempty" doc:"What was looked for and not found"`
}

// Field is one value and its name in the file.
type Field struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Source is the IPTC digital source type.
type Source struct {
	Value string `json:"value" doc:"The last part of the term's address"`
	Words string `json:"words" doc:"What the term means; empty for one that is not known"`
}

// Limits of what is read from one file.
const (
	maxText  = 64 << 10 // bytes of one value
	maxTexts = 64       // values of one kind
)

// found gathers while a file is read.
type found struct {
	Evidence
	jumbf []byte // content credentials as they stand in the file
}

// Read looks through the bytes of a picture's file. format is as tensor/picture names it.
func Read(data []byte, format string) *Evidence {
	f := &found{}
	switch format {
	case "jpeg":
		f.jpeg(data)
	case "png":
		f.png(data)
	case "webp":
		f.webp(data)
	}
	f.meta(data, format)
	if len(f.jumbf) > 0 {
		f.C2PA = readC2PA(f.jumbf)
	}
	for _, a := range []struct {
		name string
		ok   bool
	}{{"EXIF camera data", len(f.Camera) > 0}, {"GPS coordinates", len(f.GPS) > 0},
		{"IPTC digital source type", f.Source != nil}, {"text of known generators", len(f.Generator) > 0},
		{"XMP editing history", len(f.Editing) > 0}, {"content credentials (C2PA)", f.C2PA != nil},
		{"comments and captions", len(f.Texts) > 0}} {
		if !a.ok {
			f.Absent = append(f.Absent, a.name)
		}
	}
	return &f.Evidence
}

// Silent says that the file says nothing about itself.
func (e *Evidence) Silent() bool {
	return len(e.Camera)+len(e.GPS)+len(e.Generator)+len(e.Texts)+len(e.Editing) == 0 && e.Source == nil &&
		e.C2PA == nil
}

// generators are the keys under which known generators write, in PNG text and elsewhere.
var generators = map[string]string{
	"parameters": "Stable Diffusion web UI", "prompt": "ComfyUI", "workflow": "ComfyUI",
	"invokeai_metadata": "InvokeAI", "invokeai_graph": "InvokeAI", "sd-metadata": "InvokeAI",
	"Dream":           "InvokeAI",
	"generation_data": "a generator", "fooocus_scheme": "Fooocus", "Negative prompt": "a generator",
}

// text files a value under generator or text.
func (f *found) text(name, value string) {
	name, value = clean(name), clean(value)
	if value == "" {
		return
	}
	to := &f.Texts
	if isGenerator(name, value) {
		to = &f.Generator
	}
	if len(*to) < maxTexts {
		*to = append(*to, Field{name, value})
	}
}

// isGenerator knows a generator by its key, or by the way it writes its parameters.
func isGenerator(name, value string) bool {
	if generators[name] != "" {
		return true
	}
	steps := strings.Contains(value, "Steps: ") && strings.Contains(value, "Seed: ")
	return steps || name == "Software" && strings.Contains(value, "NovelAI") ||
		strings.HasPrefix(value, `{"prompt":`) || strings.HasPrefix(value, `{"steps":`)
}

// clean makes a stranger's bytes printable text.
func clean(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	if !utf8.ValidString(s) {
		s = latin1(s)
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || r == ' ' {
			return r
		}
		if r == utf8.RuneError || unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Zl, unicode.Zp) {
			return -1 // among them the marks that turn the direction of writing
		}
		return r
	}, s))
}

// latin1 reads bytes as ISO 8859-1, which PNG text is.
func latin1(s string) string {
	out := make([]rune, len(s))
	for i := range len(s) {
		out[i] = rune(s[i])
	}
	return string(out)
}

// sources is what IPTC's terms mean (IPTC NewsCodes, digital source type).
var sources = map[string]string{
	"trainedAlgorithmicMedia":              "made by AI",
	"compositeWithTrainedAlgorithmicMedia": "a photograph with parts made by AI",
	"algorithmicMedia":                     "made by an algorithm without training",
	"digitalCapture":                       "taken with a digital camera",
	"computationalCapture":                 "taken with a camera that computes its pictures",
	"negativeFilm":                         "scanned from a negative",
	"positiveFilm":                         "scanned from a slide",
	"print":                                "scanned from a print",
	"humanEdits":                           "a photograph, edited by people",
	"minorHumanEdits":                      "a photograph, slightly edited by people",
	"composite":                            "put together from several pictures",
	"compositeCapture":                     "put together from several photographs",
	"compositeSynthetic":                   "put together, with parts that are synthetic",
	"algorithmicallyEnhanced":              "enhanced by an algorithm",
	"dataDrivenMedia":                      "drawn from data",
	"digitalCreation":                      "drawn by people with digital tools",
	"digitalArt":                           "drawn by people with digital tools",
	"virtualRecording":                     "recorded from a virtual world",
	"screenCapture":                        "a screenshot",
}

func sourceOf(value string) *Source {
	value = clean(value)
	term := value[strings.LastIndex(value, "/")+1:]
	return &Source{Value: term, Words: sources[term]}
}
