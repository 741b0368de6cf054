package detect_test

import (
	"context"
	"fmt"
	"path/filepath"

	"truegrain/kernels"
	_ "truegrain/kernels/all" // the backends
	"truegrain/models/detect"
	"truegrain/tensor/picture"
)

// From a file to a verdict, and where in the picture it comes from. Of a photograph with one generated part most
// is a photograph: the map shows the part.
func Example() {
	be, err := kernels.Open("cpu")
	if err != nil {
		panic(err)
	}
	defer be.Close()
	d, err := detect.Load(be, "fcn8s_mini") // bundled; or the path of a checkpoint
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"photograph.jpg", "composite.jpg", "checkerboard.jpg"} {
		p, err := picture.Open(filepath.Join("..", "..", "cmd", "truegrain", "web", "samples", name))
		if err != nil {
			panic(err)
		}
		v, err := d.Analyze(context.Background(), p, detect.Options{Maps: true, Only: []string{"pixel_map"}})
		if err != nil {
			panic(err)
		}
		generated := 0 // pixels
		for _, ai := range v.Maps[0].Values {
			if ai > 0.5 {
				generated++
			}
		}
		fmt.Printf("%s leans %s, %d %% of its pixels AI\n", name, v.Lean, 100*generated/len(v.Maps[0].Values))
	}
	// Output:
	// photograph.jpg leans photograph, 0 % of its pixels AI
	// composite.jpg leans photograph, 21 % of its pixels AI
	// checkerboard.jpg leans ai, 100 % of its pixels AI
}
