package main

import (
	"bytes"
	"context"
	"encoding/json"
	"html"
	"image"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
)

// evil is a name that would colour the screen, set a window's title, forge a line and turn the writing round.
const evil = "\x1b[31mred\x1b]0;title\x07\nok.jpg: photograph\u202egnp"

func TestNamesDoNotSteerTheTerminal(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, evil+".png"), []byte("no picture"), 0o644); err != nil {
		t.Skipf("no file can be called that here: %v", err)
	}
	whole := image.NewRGBA(image.Rect(0, 0, 8, 8))
	require.NoError(t, writeImage(filepath.Join(dir, evil+"2.png"), whole))
	for _, c := range []struct {
		args  []string
		lines int
	}{
		{[]string{"analyze", dir, "-m", "resnet_mini"}, 1 + 2 + 3}, // the reason; heading and row; the notes
		{[]string{"analyze", dir, "-m", "resnet_mini", "--json"}, 0},
		{[]string{"explain", filepath.Join(dir, evil+".png")}, 1},
		{[]string{"analyze", "x.png", "-m", evil}, 0},
		{[]string{"train", evil}, 0},
		{[]string{evil}, 0},
	} {
		_, out, errs := call(t, c.args...)
		for _, r := range out + errs {
			require.False(t, r != '\n' && unicode.In(r, unicode.Cc, unicode.Bidi_Control),
				"%q: %q", c.args, r)
		}
		if c.lines > 0 {
			require.Equal(t, c.lines, strings.Count(out+errs, "\n"), out+errs)
		}
	}
}

func TestVisible(t *testing.T) {
	for _, s := range []string{"", "a\tb\n", "üñí☃ 👩‍👧", "bad \xff byte"} {
		require.Equal(t, s, visible(s))
	}
	require.Equal(t, `\u001b[31m \u009b \ufffd`, visible("\x1b[31m \u009b "+`\ufffd`))
	require.Equal(t, "\ufffd\xff\\u001b", visible("\ufffd\xff\x1b"),
		"what is no rune, and the rune that stands for it")
	quoted, err := json.Marshal("\u202e\x7f\x1b")
	require.NoError(t, err)
	var back string
	require.NoError(t, json.Unmarshal([]byte(visible(string(quoted))), &back))
	require.Equal(t, "\u202e\x7f\x1b", back)
	require.Equal(t, `""`, oneLine(""))
	require.Equal(t, `"a\tb"`, oneLine("a\tb"))
	require.Equal(t, "ü ☃", oneLine("ü ☃"))
}

func TestAnalyzeFollowsALinkToAFolder(t *testing.T) {
	dir, link := t.TempDir(), filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.png"), nil, 0o644))
	if err := os.Symlink(dir, link); err != nil {
		t.Skipf("no links here: %v", err)
	}
	require.Equal(t, []target{{path: filepath.Join(link, "a.png")}}, expand([]string{link}))
}

// hook calls f at the first write.
type hook struct {
	f    func()
	text bytes.Buffer
}

func (h *hook) Write(b []byte) (int, error) {
	h.f()
	return h.text.Write(b)
}

// What is done before Ctrl-C is printed.
func TestInterruptedAnalyzeHasResults(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"a.png", "b.png", "c.png"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("no picture"), 0o644))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	said := &hook{f: cancel} // when the first file's reason is said
	code := runContext(ctx, []string{"analyze", dir, "-m", "resnet_mini", "--json"}, &out, said)
	require.Equal(t, exitInterrupted, code)
	require.Contains(t, said.text.String(), "1 of 3 pictures are done")
	var results []result
	require.NoError(t, json.Unmarshal(out.Bytes(), &results))
	require.Len(t, results, 1)
}

func TestDataCheckLeavesNoEmptyList(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, class := range []string{"ai", "nature"} {
		require.NoError(t, os.MkdirAll(filepath.Join("set", "train", class), 0o755))
		require.NoError(t, writeImage(filepath.Join("set", "train", class, "a.png"),
			image.NewRGBA(image.Rect(0, 0, 8, 8))))
	}
	broken := filepath.Join("set", "train", "ai", "#b,\nc.png")
	if err := os.WriteFile(broken, nil, 0o644); err != nil {
		t.Skipf("no file can be called that here: %v", err)
	}
	code, out, errs := call(t, "data", "check", "set")
	require.Equal(t, exitFailed, code, errs)
	require.Equal(t, "1 of 3 pictures can't be read: unreadable.csv\n", out)
	list, err := os.ReadFile("unreadable.csv")
	require.NoError(t, err)
	require.Equal(t, "path,reason\n\"train/ai/#b,\\nc.png\",the name has a line break: rename it\n"+
		"#1 of 3 pictures can't be read\n", string(list))

	require.NoError(t, os.Remove(broken))
	code, out, errs = call(t, "data", "check", "set")
	require.Zero(t, code, errs)
	require.Equal(t, "all 2 pictures can be read\n", out)
	require.NoFileExists(t, "unreadable.csv")

	code, _, errs = call(t, "data", "check", "set", "-o", "asked.csv")
	require.Zero(t, code, errs)
	require.FileExists(t, "asked.csv") // what comes next in a script takes it
}

// A page finds its pictures whatever a detector's file is called.
func TestReportOfAnOddName(t *testing.T) {
	dir := t.TempDir()
	weights, err := os.ReadFile(filepath.Join("..", "..", "models", "bundled", "weights",
		"resnet_mini.safetensors"))
	require.NoError(t, err)
	odd := filepath.Join(dir, `a#b%41?"c.safetensors`)
	if err := os.WriteFile(odd, weights, 0o644); err != nil {
		t.Skipf("no file can be called that here: %v", err)
	}
	require.NoError(t, writeImage(filepath.Join(dir, "x.png"), image.NewRGBA(image.Rect(0, 0, 8, 8))))
	code, _, errs := call(t, "analyze", filepath.Join(dir, "x.png"), "-m", odd,
		"--report", filepath.Join(dir, "r"))
	require.Zero(t, code, errs)
	page, err := os.ReadFile(filepath.Join(dir, "r", "index.html"))
	require.NoError(t, err)
	sources := regexp.MustCompile(`src="([^"]*)"`).FindAllStringSubmatch(string(page), -1)
	require.Greater(t, len(sources), 5)
	for _, s := range sources {
		u, err := url.Parse(html.UnescapeString(s[1]))
		require.NoError(t, err)
		require.FileExists(t, filepath.Join(dir, "r", u.Path))
	}
}
