package explain_test

import (
	"context"
	"fmt"
	"slices"

	"truegrain/kernels"
	"truegrain/models"
	"truegrain/models/explain"
	"truegrain/tensor"
)

// Guided backpropagation of one picture, and Grad-CAM beside it. Neither touches the model: the rule of its
// ReLUs and the layer that is looked at are options of the pass.
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
	x := make([]float32, 64*64*3) // black, but for
	x[(20*64+40)*3] = 5           // a red dot in row 20, column 40
	s := explain.Subject{Backend: be, Model: m, X: tensor.FromSlice(x, 1, 64, 64, 3)}

	why, err := s.Saliency(context.Background(), explain.AI, kernels.Guided)
	if err != nil {
		panic(err)
	}
	at := slices.Index(why.Values, slices.Max(why.Values))
	fmt.Println("guided backpropagation:", why.H, "x", why.W, "strongest at", at/why.W, at%why.W)

	coarse, err := s.GradCAM(context.Background(), "layer4")
	if err != nil {
		panic(err)
	}
	fmt.Println("Grad-CAM of layer4:", coarse.H, "x", coarse.W)
	// Output:
	// guided backpropagation: 64 x 64 strongest at 20 40
	// Grad-CAM of layer4: 4 x 4
}
