package inpaint_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/tensor/picture"
	"truegrain/train/data"
	"truegrain/train/data/inpaint"
)

// material is photographs with cut-outs: discs on gradients.
func material(t *testing.T, n int) inpaint.Options {
	root := t.TempDir()
	o := inpaint.Options{Photos: filepath.Join(root, "photos"), CutOuts: filepath.Join(root, "cutouts"),
		Out: filepath.Join(root, "out"), Seed: 1, Longest: 96, Prompts: []string{"a cat", "a dog"}}
	require.NoError(t, os.MkdirAll(o.Photos, 0o755))
	require.NoError(t, os.MkdirAll(o.CutOuts, 0o755))
	for i := range n {
		w, h := 100+i, 84
		photo, cut := image.NewRGBA(image.Rect(0, 0, w, h)), image.NewNRGBA(image.Rect(0, 0, w, h))
		for k := range w * h {
			x, y := k%w, k/w
			c := color.NRGBA{uint8(2 * x), uint8(3 * y), uint8(x*y/30 + 9*i), 255}
			photo.Set(x, y, c)
			if (x-30)*(x-30)+(y-30)*(y-30) > 500 {
				c.A = 0
			}
			cut.Set(x, y, c)
		}
		var buf bytes.Buffer
		require.NoError(t, jpeg.Encode(&buf, photo, &jpeg.Options{Quality: 85}))
		require.NoError(t, os.WriteFile(filepath.Join(o.Photos, fmt.Sprintf("p%d.jpg", i)),
			buf.Bytes(), 0o644))
		buf.Reset()
		require.NoError(t, png.Encode(&buf, cut))
		require.NoError(t, os.WriteFile(filepath.Join(o.CutOuts, fmt.Sprintf("p%d.png", i)),
			buf.Bytes(), 0o644))
	}
	return o
}

func tree(t *testing.T, dir string) map[string]string {
	out := map[string]string{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		src, err := os.ReadFile(path)
		out[path[len(dir):]] = string(src)
		return err
	}))
	return out
}

// Half of all pixels are edited, to the pixel; what is not edited is the same in both classes, behind the
// encoder, too; training reads the set, and both edits of a photograph fall on one side of a split.
func TestHalfOfAllPixels(t *testing.T) {
	for _, quality := range []int{0, 90} {
		o := material(t, 6)
		o.Quality = quality
		made, err := inpaint.Build(t.Context(), inverter{}, o)
		require.NoError(t, err)
		require.Equal(t, []int{6, 12}, []int{made.Photographs, made.Edits})
		require.Equal(t, made.Pixels, 2*made.Edited)
		s, err := data.OpenMasks(o.Out, data.All, data.Options{})
		require.NoError(t, err)
		require.Len(t, s.Items, 24)
		for i := 0; i < len(s.Items); i += 2 {
			require.Equal(t, data.AI, s.Items[i].Label)
			a, err := s.Items[i].Picture()
			require.NoError(t, err)
			b, err := s.Items[i+1].Picture()
			require.NoError(t, err)
			m, err := s.Items[i].MaskPicture()
			require.NoError(t, err)
			require.Zero(t, a.W%8+a.H%8)
			requireSameOutside(t, a, b, m, quality > 0)
		}
		val, err := data.OpenMasks(o.Out, data.Val, data.Options{Validation: 1. / 6, Seed: 3})
		require.NoError(t, err)
		require.Len(t, val.Items, 4)
	}
}

// inverter turns the colours of the whole picture around, also where it should not.
type inverter struct{}

func (inverter) Fill(_ context.Context, job inpaint.Job) (*picture.Picture, error) {
	p := &picture.Picture{W: job.Picture.W, H: job.Picture.H, Pix: bytes.Clone(job.Picture.Pix)}
	for i := range p.Pix {
		p.Pix[i] = 255 - p.Pix[i]
	}
	return p, nil
}

// requireSameOutside says that samples differ, and only where something was edited: in PNG at the pixel
// itself, in JPEG in its block of 16×16, the unit of 4:2:0.
func requireSameOutside(t *testing.T, a, b, m *picture.Picture, blocks bool) {
	side := 1
	if blocks {
		side = 16
	}
	touched := map[[2]int]bool{}
	for i := range m.W * m.H {
		if m.Pix[3*i] > 0 {
			touched[[2]int{i % m.W / side, i / m.W / side}] = true
		}
	}
	differs, outside := 0, 0
	for i := range m.W * m.H {
		if !bytes.Equal(a.Pix[3*i:3*i+3], b.Pix[3*i:3*i+3]) {
			differs++
			require.True(t, touched[[2]int{i % m.W / side, i / m.W / side}],
				"pixel %d is far from every edit", i)
		} else if !touched[[2]int{i % m.W / side, i / m.W / side}] {
			outside++
		}
	}
	require.Greater(t, differs, 1000)
	require.Greater(t, outside, 200)
}

func TestResume(t *testing.T) {
	o := material(t, 4)
	whole := o
	whole.Out = t.TempDir()
	_, err := inpaint.Build(t.Context(), inpaint.Heat{}, whole)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	o.Progress = func(done, _ int) {
		if done == 2 {
			cancel()
		}
	}
	_, err = inpaint.Build(ctx, inpaint.Heat{}, o)
	require.ErrorIs(t, err, context.Canceled)
	torn := filepath.Join(o.Out, ".p2-object.part") // as a kill leaves it
	require.NoError(t, os.MkdirAll(torn, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(torn, "mask.png"), []byte("torn"), 0o644))
	s, err := data.OpenMasks(o.Out, data.All, data.Options{})
	require.NoError(t, err)
	require.Len(t, s.Items, 8, "what is being made is no sample")
	_, err = inpaint.Build(t.Context(), inpaint.Heat{}, o)
	require.NoError(t, err)
	require.Equal(t, tree(t, whole.Out), tree(t, o.Out))
}

// standIn is a web UI that turns colours around and notes what it was asked; spoil answers in its place.
func standIn(t *testing.T, asked *[]map[string]any,
	spoil func(w http.ResponseWriter, n int64) bool) *httptest.Server {
	var n atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if spoil(w, n.Add(1)) {
			return
		}
		var q map[string]any
		if r.URL.Path != "/sdapi/v1/img2img" || json.NewDecoder(r.Body).Decode(&q) != nil {
			http.Error(w, "not that", http.StatusNotFound)
			return
		}
		*asked = append(*asked, q)
		src, _ := base64.StdEncoding.DecodeString(q["init_images"].([]any)[0].(string))
		p, err := picture.Decode(src)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		p, _ = inverter{}.Fill(r.Context(), inpaint.Job{Picture: p})
		var buf bytes.Buffer
		_ = png.Encode(&buf, p.Image())
		_ = json.NewEncoder(w).Encode(map[string]any{"images": []string{
			base64.StdEncoding.EncodeToString(buf.Bytes())}})
	}))
	t.Cleanup(s.Close)
	return s
}

func TestWebUI(t *testing.T) {
	o := material(t, 2)
	require.NoError(t, os.WriteFile(filepath.Join(o.Photos, "p1.txt"), []byte("a horse\n"), 0o644))
	var asked []map[string]any
	s := standIn(t, &asked, func(w http.ResponseWriter, n int64) bool {
		if n%2 == 1 {
			http.Error(w, "busy", http.StatusServiceUnavailable)
		}
		return n%2 == 1
	})
	u := &inpaint.WebUI{URL: s.URL + "/", Steps: 7, Denoise: 0.5, Client: s.Client(), Tries: 2,
		Pause: time.Millisecond}
	made, err := inpaint.Build(t.Context(), u, o)
	require.NoError(t, err)
	require.Equal(t, made.Pixels, 2*made.Edited)
	require.Len(t, asked, 4)
	require.Equal(t, "a horse", asked[3]["prompt"])
	require.Contains(t, o.Prompts, asked[0]["prompt"])
	require.Equal(t, []any{7., 0.5, 96., 80.}, []any{asked[0]["steps"], asked[0]["denoising_strength"],
		asked[0]["width"], asked[0]["height"]})
	require.NotEqual(t, asked[0]["seed"], asked[1]["seed"])
	_, err = inpaint.Build(t.Context(), u, o)
	require.NoError(t, err)
	require.Len(t, asked, 4, "what is there is not asked for again")
}

func TestWebUIAnswersThatAreNone(t *testing.T) {
	for want, answer := range map[string]string{"no picture": `{"images":[]}`, "no JSON": "<html>",
		"illegal base64": `{"images":["*"]}`, "not a JPEG": `{"images":["AAAA"]}`, "--api": ""} {
		o := material(t, 1)
		s := standIn(t, nil, func(w http.ResponseWriter, _ int64) bool {
			if answer == "" {
				http.Error(w, "not found", http.StatusNotFound)
			}
			fmt.Fprint(w, answer)
			return true
		})
		_, err := inpaint.Build(t.Context(), &inpaint.WebUI{URL: s.URL, Client: s.Client(), Tries: 3}, o)
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, s.URL)
	}
	o := material(t, 1)
	u := &inpaint.WebUI{URL: "http://127.0.0.1:1", Client: http.DefaultClient, Tries: 2,
		Pause: time.Millisecond}
	_, err := inpaint.Build(t.Context(), u, o)
	require.ErrorContains(t, err, "127.0.0.1:1")
}

// A photograph whose cut-out is missing, of another size, or not one is left out and said.
func TestLeftOut(t *testing.T) {
	o := material(t, 4)
	require.NoError(t, os.Remove(filepath.Join(o.CutOuts, "p0.png")))
	src, err := os.ReadFile(filepath.Join(o.CutOuts, "p3.png"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(o.CutOuts, "p1.png"), src, 0o644))
	photo, err := picture.Open(filepath.Join(o.Photos, "p2.jpg"))
	require.NoError(t, err)
	var buf bytes.Buffer
	require.NoError(t, png.Encode(&buf, photo.Image()))
	require.NoError(t, os.WriteFile(filepath.Join(o.CutOuts, "p2.png"), buf.Bytes(), 0o644))
	var said []string
	o.Say = func(line string) { said = append(said, line) }
	made, err := inpaint.Build(t.Context(), inpaint.Heat{}, o)
	require.NoError(t, err)
	require.Equal(t, []int{1, 3}, []int{made.Photographs, made.LeftOut})
	require.Len(t, said, 3)
	require.Contains(t, said[1], "103 × 84")
	require.Contains(t, said[2], "no transparent")
	o.Limit = 1
	_, err = inpaint.Build(t.Context(), inpaint.Heat{}, o)
	require.ErrorContains(t, err, "none of the 1 photographs")
}

// The heat equation's steady state inside of a slope is the slope.
func TestHeatContinuesASlope(t *testing.T) {
	const w, h = 64, 48
	p := &picture.Picture{W: w, H: h, Pix: make([]uint8, 3*w*h)}
	m := &inpaint.Mask{W: w, H: h, On: make([]bool, w*h)}
	for i := range m.On {
		for c := range 3 {
			p.Pix[3*i+c] = uint8(i%w*2 + i/w + 30*c)
		}
		m.On[i] = i%w > 20 && i%w < 45 && i/w > 10 && i/w < 35
	}
	want := bytes.Clone(p.Pix)
	for i, on := range m.On {
		if on {
			p.Pix[3*i] = 0
		}
	}
	out, err := inpaint.Heat{}.Fill(t.Context(), inpaint.Job{Picture: p, Mask: m})
	require.NoError(t, err)
	for i := range want {
		require.InDelta(t, want[i], out.Pix[i], 2)
	}
}
