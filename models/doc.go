// Package models has the detectors: ResNet, FCN and ViT as torchvision builds them, FCN-8s over a ResNet, and
// small versions of the three. List names them, New builds one, Freeze makes one ready to serve, and
// OpenFrozen does so from a file without a second copy of its weights.
//
//	m, err := models.New(be, "resnet50", models.Config{Classes: 1, Seed: 1})
//	y := m.Forward(t, x)            // logits
//	p := m.Probability(t, y)        // p(photograph) of each picture
//
// Parameters have torchvision's names, and so have the places that can be tapped (autograd.WithTaps): every
// layer and every stage marks its result under the name of its module, "layer4" or
// "encoder.layers.encoder_layer_11.ln_1"; attention maps are at "….self_attention.attention".
package models
