package engine

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"truegrain/kernels"
	_ "truegrain/kernels/all"
	"truegrain/models"
	"truegrain/models/bundled"
	"truegrain/models/detect"
	"truegrain/tensor/picture"
)

type silent struct{}

func (silent) Stage(string, time.Duration) {}
func (silent) Batch(int)                   {}

// sizes remembers the batches.
type sizes struct {
	silent
	mu  sync.Mutex
	all []int
}

func (s *sizes) Batch(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, n)
}

// patient is the limits without those that a busy machine may reach by itself.
func patient() Limits {
	l := DefaultLimits()
	l.DecodeTime, l.Deadline = time.Minute, 5*time.Minute
	return l
}

// start is an engine over the bundled detectors.
func start(t testing.TB, l Limits, m Meter) *Engine {
	be, err := kernels.Open("cpu")
	require.NoError(t, err)
	var all []*detect.Detector
	for _, n := range bundled.Names() {
		d, err := detect.Load(be, n)
		require.NoError(t, err)
		all = append(all, d)
	}
	e, err := New(t.Context(), all, l, m)
	require.NoError(t, err)
	t.Cleanup(func() {
		e.Close()
		for _, d := range all {
			d.Close()
		}
		be.Close()
	})
	return e
}

// waves is a JPEG file.
func waves(t testing.TB, w, h int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for i := range w * h {
		x, y := i%w, i/w
		img.SetRGBA(x, y, color.RGBA{uint8(x * y / 50), uint8(y + i%7), uint8(x/3 + i%5), 255})
	}
	var buf bytes.Buffer
	require.NoError(t, jpeg.Encode(&buf, img, nil))
	return buf.Bytes()
}

func admit(t testing.TB, e *Engine, w, h int) *Result {
	r, err := e.Admit("waves.jpg", waves(t, w, h), 0)
	require.NoError(t, err)
	return r
}

func TestScoreAndEverythingElse(t *testing.T) {
	e := start(t, patient(), silent{})
	r := admit(t, e, 300, 200)
	var steps []string
	require.NoError(t, e.Score(t.Context(), r, nil, func(ev Event) { steps = append(steps, ev.Stage) }))
	require.Equal(t, []string{"queued", "decoded", "scored", "scored", "scored"}, steps)
	require.Len(t, r.Verdicts(), 3)
	back, err := e.Store.Get(r.ID)
	require.NoError(t, err)
	require.Same(t, r, back)
	for i, d := range e.Detectors {
		maps, err := e.Maps(t.Context(), r, i)
		require.NoError(t, err)
		require.Len(t, maps, len(detect.MapNames(d.Model)))
		view, all, err := e.View(r, i, Middle)
		require.NoError(t, err)
		require.Less(t, view, len(all))
		stages, err := e.Stages(t.Context(), r, i, view)
		require.NoError(t, err)
		require.Greater(t, len(stages), 4)
		if d.Model.Kind() == models.Transformer {
			a, err := e.Attention(t.Context(), r, i, view)
			require.NoError(t, err)
			require.Equal(t, 65, a.T)
		}
	}
	held, err := e.Holds(t.Context(), r)
	require.NoError(t, err)
	require.Len(t, held, 7)
	for i := range e.Detectors { // the first version is what the detectors have said already
		require.Equal(t, r.Verdicts()[i].Raw, held[0].Verdicts[i].Raw)
	}
	_, kept := e.Store.Size()
	require.Greater(t, kept, int64(len(r.Data)))
	small, err := e.Shot(t.Context(), r, false)
	require.NoError(t, err)
	p, err := picture.Decode(small)
	require.NoError(t, err)
	require.Equal(t, SmallSide, p.W)
}

func TestPicturesShareBatches(t *testing.T) {
	l := patient()
	l.Window = 200 * time.Millisecond
	seen := &sizes{}
	e := start(t, l, seen)
	alone := admit(t, e, 200, 140)
	require.NoError(t, e.Score(t.Context(), alone, nil, nil))
	var wg sync.WaitGroup
	all := make([]*Result, 24)
	for i := range all {
		all[i] = admit(t, e, 200, 140)
		wg.Go(func() { require.NoError(t, e.Score(t.Context(), all[i], nil, nil)) })
	}
	wg.Wait()
	require.Less(t, len(seen.all), 20)
	for _, r := range all {
		for i, v := range r.Verdicts() {
			require.Equal(t, alone.Verdicts()[i].Raw, v.Raw, "company changes nothing")
		}
	}
}

func TestQueueIsBounded(t *testing.T) {
	l := patient()
	l.Queue, l.Batch = 4, 1
	e := start(t, l, silent{})
	most := int64(l.Queue + scorers*l.Batch + runtime.GOMAXPROCS(0))
	var busy, good atomic.Int64
	var wg sync.WaitGroup
	for range 60 {
		r := admit(t, e, 600, 400)
		wg.Go(func() {
			switch err := e.Score(t.Context(), r, nil, nil); err {
			case nil:
				good.Add(1)
			case ErrBusy:
				busy.Add(1)
			default:
				t.Errorf("%v", err)
			}
			require.LessOrEqual(t, int64(e.Flight()), most+1)
		})
	}
	wg.Wait()
	require.Positive(t, busy.Load())
	require.Positive(t, good.Load())
	require.Zero(t, e.Flight())
}

func TestDeadlineAndSlowDecoding(t *testing.T) {
	l := DefaultLimits()
	l.Deadline = time.Microsecond
	e := start(t, l, silent{})
	require.ErrorIs(t, e.Score(t.Context(), admit(t, e, 500, 500), nil, nil), ErrTimeout)
	l = DefaultLimits()
	l.DecodeTime = time.Nanosecond
	e = start(t, l, silent{})
	require.ErrorIs(t, e.Score(t.Context(), admit(t, e, 500, 500), nil, nil), ErrTooSlow)
}

func TestAdmitRefuses(t *testing.T) {
	e := &Engine{Limits: DefaultLimits()}
	var pic bytes.Buffer
	require.NoError(t, png.Encode(&pic, image.NewGray(image.Rect(0, 0, 9, 9))))
	zip := "PK\x05\x06" + string(make([]byte, 18))
	for name, c := range map[string]struct{ data, want string }{
		"html":         {"<!doctype html><p>hello", "the file is an HTML page"},
		"svg":          {`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`, "an SVG drawing"},
		"zip":          {"PK\x03\x04" + string(make([]byte, 40)), "a ZIP archive"},
		"pdf":          {"%PDF-1.7\n", "a PDF document"},
		"heic":         {"\x00\x00\x00\x18ftypheic", "save it as JPEG"},
		"tiff":         {"II*\x00\x08\x00\x00\x00", "save it as JPEG"},
		"png and zip":  {pic.String() + zip, "not only a picture: the file is a ZIP archive as well"},
		"gif and html": {"GIF89a\x01\x00\x01\x00\x00\x00\x00<script>alert(1)</script>", ""},
		"empty":        {"", "the file is empty"},
	} {
		_, err := e.Admit("x", []byte(c.data), 0)
		require.ErrorContains(t, err, c.want, name)
		var perr *picture.Error
		require.ErrorAs(t, err, &perr, name)
	}
	_, err := e.Admit("x", pic.Bytes(), 0)
	require.NoError(t, err)
}

func TestMain(m *testing.M) {
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(goleak.IgnoreTopFunction("truegrain/kernels/cpu.(*pool).work")); err != nil {
			fmt.Println(err)
			code = 1
		}
	}
	os.Exit(code)
}

// What explanations keep for the next one is given back when there was none for a while, and only then.
func TestRestGivesMemoryBack(t *testing.T) {
	e := start(t, patient(), silent{})
	require.Zero(t, e.rested())
	r := admit(t, e, 80, 60)
	_, err := e.Maps(t.Context(), r, 0)
	require.NoError(t, err)
	require.Zero(t, e.rested(), "another one may come soon")
	e.aided.Add(-int64(rest))
	require.Greater(t, e.rested(), int64(1<<20))
	require.Zero(t, e.rested())
}
