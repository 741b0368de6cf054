package data_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"truegrain/train/data"
)

// mixed is a folder with two generators, pictures with masks, and an odd name.
func mixed(t *testing.T) string {
	root := t.TempDir()
	for _, dir := range []string{"Midjourney", "imagenet_ai_0419_sdv4"} {
		layout(t, filepath.Join(root, dir))
		write(t, filepath.Join(root, dir, "val", "ai"), 3, 5, 7)
		write(t, filepath.Join(root, dir, "val", "nature"), 3, 5, 7)
	}
	require.NoError(t, os.Rename(filepath.Join(root, "Midjourney/train/ai/003.png"),
		filepath.Join(root, `Midjourney/train/ai/odd, "quoted" name.png`)))
	write(t, filepath.Join(root, "inpaint", "train", "pictures"), 4, 6, 6)
	write(t, filepath.Join(root, "inpaint", "train", "masks"), 4, 6, 6)
	return root
}

// same asks two collections for the same things and compares what they list, by path below their roots.
func same(t *testing.T, a, b string) {
	for _, split := range []string{data.Train, data.Val, data.All} {
		for _, o := range []data.Options{{}, {Validation: 0.25, Seed: 7}, {Generators: []string{"sd14"}},
			{Limit: 9}} {
			x, err := data.OpenGenImage(a, split, o)
			require.NoError(t, err)
			y, err := data.OpenGenImage(b, split, o)
			require.NoError(t, err)
			require.Equal(t, x.Fingerprint(data.Root(a)), y.Fingerprint(data.Root(b)), "%s %+v", split, o)
			for i := range x.Items {
				require.Equal(t, x.Items[i].Generator, y.Items[i].Generator)
			}
		}
	}
	x, err := data.OpenMasks(a, data.All, data.Options{})
	require.NoError(t, err)
	y, err := data.OpenMasks(b, data.All, data.Options{})
	require.NoError(t, err)
	require.Equal(t, x.Fingerprint(data.Root(a)), y.Fingerprint(data.Root(b)))
	require.Len(t, x.Items, 4)
}

func index(t *testing.T, ctx context.Context, out string, w data.Work, sources ...string) error {
	_, _, err := data.WriteIndex(ctx, out, sources, w)
	return err
}

// An index gives the sets that the folder gives, and knows sizes.
func TestIndexIsTheFolder(t *testing.T) {
	root := mixed(t)
	file := filepath.Join(root, "index.csv")
	require.NoError(t, index(t, t.Context(), file, data.Work{}, root))
	same(t, root, file)
	s, err := data.OpenGenImage(file, data.Val, data.Options{})
	require.NoError(t, err)
	require.Equal(t, [2]uint16{5, 7}, [2]uint16{s.Items[0].W, s.Items[0].H})
	p, err := s.Items[0].Picture()
	require.NoError(t, err)
	require.Equal(t, 5, p.W)

	elsewhere := filepath.Join(t.TempDir(), "all.csv")
	flat := t.TempDir()
	write(t, flat, 2, 4, 4)
	require.NoError(t, index(t, t.Context(), elsewhere, data.Work{}, file, flat+"=nature"))
	s, err = data.OpenGenImage(elsewhere, data.All, data.Options{})
	require.NoError(t, err)
	require.Len(t, s.Items, 94)
	require.Equal(t, filepath.Join(flat, "001.png"), s.Items[93].Path)
}

// An index whose making was interrupted anywhere is finished with the bytes of one that was not.
func TestIndexResumes(t *testing.T) {
	root := t.TempDir()
	write(t, filepath.Join(root, "train", "ai"), 290, 3, 3)
	write(t, filepath.Join(root, "train", "nature"), 30, 3, 3)
	dir := t.TempDir()
	whole, torn := filepath.Join(dir, "whole.csv"), filepath.Join(dir, "torn.csv")
	require.NoError(t, index(t, t.Context(), whole, data.Work{}, root))
	want, err := os.ReadFile(whole)
	require.NoError(t, err)
	for _, at := range []int{1, 256, 300} {
		ctx, cancel := context.WithCancel(t.Context())
		stop := func(done, _ int) {
			if done == at {
				cancel()
			}
		}
		require.ErrorIs(t, index(t, ctx, torn, data.Work{Progress: stop}, root), context.Canceled)
		cancel()
		part, err := os.ReadFile(torn + ".part")
		require.NoError(t, err)
		for _, cut := range []int{0, 40} { // a kill loses what was not written
			require.NoError(t, os.WriteFile(torn+".part", part[:len(part)-cut], 0o644))
			first := -1
			w := data.Work{Progress: func(done, _ int) {
				if first < 0 {
					first = done
				}
			}}
			require.NoError(t, index(t, t.Context(), torn, w, root))
			got, err := os.ReadFile(torn)
			require.NoError(t, err)
			require.Equal(t, string(want), string(got))
			if cut == 0 {
				require.Equal(t, at+1, first, "it goes on and does not begin anew")
			}
			require.NoFileExists(t, torn+".part")
		}
	}
}

func TestIndexMistakesHaveLines(t *testing.T) {
	root := t.TempDir()
	layout(t, root)
	file := filepath.Join(root, "index.csv")
	require.NoError(t, index(t, t.Context(), file, data.Work{}, root))
	good, err := os.ReadFile(file)
	require.NoError(t, err)
	lines := strings.SplitAfter(string(good), "\n")
	set := func(i int, line string) string {
		changed := append([]string{}, lines...)
		changed[i] = line
		return strings.Join(changed, "")
	}
	twenty := strings.Join(lines[:20], "")
	for want, text := range map[string]string{
		":1: not an index":                  "path,label\n",
		":20: the line is cut short":        twenty[:len(twenty)-3],
		":21: the index is cut short":       twenty,
		`:42: "#40 pictures"`:               set(0, lines[0]) + "",
		":5: 3 columns, want 12":            set(4, "a,b,c\n"),
		":6: label \"robot\"":               set(5, "a.png,train,robot,x,png,1,1,1,,,,\n"),
		":6: split \"dev\"":                 set(5, "a.png,dev,ai,x,png,1,1,1,,,,\n"),
		":7: size \"-4\"":                   set(6, "a.png,train,ai,x,png,-4,1,1,,,,\n"),
		":7: size \"70000\"":                set(6, "a.png,train,ai,x,png,1,70000,1,,,,\n"),
		":7: offset 7, but a.png is in no":  set(6, "a.png,train,ai,x,png,1,1,1,7,,,\n"),
		":7: offset \"x\"":                  set(6, "a.tar/a.png,train,ai,x,png,1,1,1,x,,,\n"),
		":7: the path is empty":             set(6, ",train,ai,x,png,1,1,1,,,,\n"),
		":8: parse error":                   set(7, "\"a.png,train,ai,x,png,1,1,1,,,,\n"),
		":42: there is something behind":    string(good) + "a\n",
		"columns, want 12":                  strings.ReplaceAll(string(good), ",png,", ","),
		"no such folder, index or shard":    "",
		":40: the line is longer than 1048": strings.Join(lines[:40], "") + strings.Repeat("a", 1<<20),
	} {
		name := filepath.Join(root, "bad.csv")
		if text == "" {
			name = filepath.Join(root, "none.csv")
		} else if strings.HasPrefix(want, `:42: "#40`) {
			text = strings.Replace(text, lines[3], "", 1)
			want = `:41: "#40 pictures", but there are 39`
		}
		require.NoError(t, os.WriteFile(filepath.Join(root, "bad.csv"), []byte(text), 0o644))
		_, err := data.Open(name)
		require.ErrorContains(t, err, want)
	}
}

// large writes an index of n pictures as GenImage has them.
func large(tb testing.TB, path string, n int) {
	f, err := os.Create(path)
	require.NoError(tb, err)
	defer f.Close()
	w := bufio.NewWriterSize(f, 1<<20)
	fmt.Fprintln(w, "path,split,label,generator,format,width,height,bytes,offset,mask,mask_offset,mask_bytes")
	folders := []string{"imagenet_ai_0508_adm", "imagenet_ai_0419_biggan", "imagenet_glide",
		"imagenet_midjourney", "imagenet_ai_0419_sdv4", "imagenet_ai_0424_sdv5", "imagenet_ai_0419_vqdm",
		"imagenet_ai_0424_wukong"}
	for i := range n {
		folder := folders[i*len(folders)/n]
		split, rest := "train", i*len(folders)%n
		if rest < n/25 {
			split = "val"
		}
		if i%n*2*len(folders)/n%2 == 0 {
			fmt.Fprintf(w, "%s/%s/ai/%03d_%s_%05d.png,%s,ai,%s,png,512,512,%d,,,,\n", folder, split,
				i%1000, folder, i, split, folder, 300000+i%70000)
		} else {
			fmt.Fprintf(w, "%s/%s/nature/n%08d_%d.JPEG,%s,nature,%s,jpeg,500,375,%d,,,,\n", folder,
				split, i%1000, i, split, folder, 90000+i%50000)
		}
	}
	fmt.Fprintf(w, "#%d pictures\n", n)
	require.NoError(tb, w.Flush())
}

// startUp does what a run does before its first batch.
func startUp(tb testing.TB, file string) {
	c, err := data.Open(file)
	require.NoError(tb, err)
	var print [2]string
	for i, split := range []string{data.Train, data.Val} {
		s, err := c.Part(split, data.Options{Validation: 0.1, Seed: 1})
		require.NoError(tb, err)
		print[i] = s.Fingerprint(c.Root)
		l, err := data.NewLoader(s, options())
		require.NoError(tb, err)
		if split == data.Train {
			for range l.Epoch(tb.Context(), 0, l.Batches()-1) {
				break
			}
		}
	}
	require.NotEqual(tb, print[0], print[1])
}

// An index of GenImage's 2.68 million pictures opens, is split, fingerprinted and shuffled in under 3 seconds
// and 1 GiB.
func TestIndexOfMillions(t *testing.T) {
	n := 2_680_000
	if os.Getenv("TRUEGRAIN_SLOW") == "" {
		n /= 10
	}
	file := filepath.Join(t.TempDir(), "index.csv")
	large(t, file, n)
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	startUp(t, file)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	all := after.TotalAlloc - before.TotalAlloc
	t.Logf("%d pictures: %v, %d MiB allocated in all, peak of the heap %d MiB", n,
		took.Round(time.Millisecond), all>>20, (after.HeapSys-before.HeapSys)>>20)
	require.Less(t, float64(all), float64(1<<30)*float64(n)/2_680_000, "bytes allocated")
}

func BenchmarkIndexOfMillions(b *testing.B) {
	file := filepath.Join(b.TempDir(), "index.csv")
	large(b, file, 2_680_000)
	for b.Loop() {
		startUp(b, file)
	}
	b.ReportMetric(2.68e6*float64(b.N)/b.Elapsed().Seconds(), "pictures/s")
}

func FuzzIndex(f *testing.F) {
	f.Add([]byte("path,split,label,generator,format,width,height,bytes,offset,mask,mask_offset,mask_bytes\n" +
		"a.png,train,ai,x,png,1,2,3,,,,\n\"s.tar/b,c.png\",val,nature,x,png,1,2,3,512,m.png,1,2\n#2 pictures\n"))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte) {
		file := filepath.Join(dir, "index.csv")
		require.NoError(t, os.WriteFile(file, text, 0o644))
		if _, err := data.Open(file); err != nil {
			require.True(t, bytes.Contains([]byte(err.Error()), []byte(file)), "%v", err)
		}
	})
}
