package explain_test

import (
	"context"
	"fmt"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/explain"
	"truegrain/tensor"
)

// Where in a picture does a detector find what speaks for AI?
func Example() {
	be, err := kernels.Open("cpu")
	if err != nil {
		panic(err)
	}
	defer be.Close()
	m, err := models.New(be, "resnet_mini", models.Config{Classes: 1, Seed: 1})
	if err != nil {
		panic(err)
	}
	x := tensor.FromSlice(make([]float32, 64*64*3), 1, 64, 64, 3)
	s := explain.Subject{Backend: be, Model: m, X: x}

	cam, err := s.GradCAM(context.Background(), "layer4")
	fmt.Println(cam.H, cam.W, err)
	why := cam.Toward(explain.AI)
	fmt.Println(len(why.Values))
	guided, err := s.Saliency(context.Background(), explain.AI, kernels.Guided)
	fmt.Println(guided.H, guided.W, err)
	// Output:
	// 4 4 <nil>
	// 16
	// 64 64 <nil>
}
