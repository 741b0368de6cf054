// Package recipes says how a detector is trained: the model and what it starts from, the pictures and what is
// done to them, loss, optimiser and schedule. A recipe is a YAML file; those of the thesis and stronger ones
// beside them are embedded. A recipe is checked as a whole before anything is built from it, and what it
// leaves out is a default that is written into every run.
package recipes

// Recipe is everything that decides a run besides its pictures.
type Recipe struct {
	Name      string    `yaml:"name"` // of the file, if left out
	About     string    `yaml:"about"`
	Model     Model     `yaml:"model"`
	Data      Data      `yaml:"data"`
	Augment   Augment   `yaml:"augment"`
	Loss      Loss      `yaml:"loss"`
	Optimizer Optimizer `yaml:"optimizer"`
	Schedule  []Phase   `yaml:"schedule"`
	// Accumulate is how many batches make one update.
	Accumulate int `yaml:"accumulate"`
	// Recompute keeps of every block only what goes in and out, and computes the rest twice: less memory, the
	// same bits, a third more time.
	Recompute bool `yaml:"recompute"`
	// Precision is float32, or bf16: products of operands rounded to bfloat16, on devices that gain from it.
	Precision string  `yaml:"precision"`
	Clip      float64 `yaml:"clip"` // the greatest norm of all gradients together; 0 lets them be
	// EMA is the decay of averaged weights, which are then what is validated and kept; 0: none.
	EMA        float64 `yaml:"ema"`
	Patience   int     `yaml:"patience"` // epochs without a lower validation loss that end the run; 0: never
	Checkpoint Keep    `yaml:"checkpoint"`
	LogEvery   int     `yaml:"log_every"` // updates between two lines of the logs
	Seed       uint64  `yaml:"seed"`
}

// Model is the architecture and its initial weights.
type Model struct {
	Name    string `yaml:"name"`
	Classes int    `yaml:"classes"` // 1: the logit of "photograph"; 2: AI and photograph
	// Weights is the file to start from, "" for random values. The digits behind the last dash of a published
	// file's name are the beginning of its SHA-256 and are checked.
	Weights string `yaml:"weights"`
	Aux     string `yaml:"aux"`    // fcn_resnet50's second head: skip, load or train
	Freeze  string `yaml:"freeze"` // none, or trunk: only the last layer learns
}

// Data is which pictures are seen, and how.
type Data struct {
	Layout     string   `yaml:"layout"`     // genimage, or masks: pictures with a mask of what was generated
	Generators []string `yaml:"generators"` // by name; none means all
	// Validation is the share of the train folder that is kept for validation; 0 takes the val folder.
	Validation float64    `yaml:"validation"`
	Limit      int        `yaml:"limit"` // pictures of each part; 0: all
	Batch      int        `yaml:"batch"`
	Size       int        `yaml:"size"` // side of the crops; 0: the model's own
	Mean       [3]float32 `yaml:"mean,flow"`
	Std        [3]float32 `yaml:"std,flow"`
	Unreadable float64    `yaml:"unreadable"` // the share of pictures that may fail to decode
	// Protocol is raw, or unbiased: both classes in the same sizes and through the same encoder, pair by
	// pair.
	Protocol string `yaml:"protocol"`
}

// Augment is what is done to training pictures at random.
type Augment struct {
	Crop  bool    `yaml:"crop"`   // anywhere; false takes the middle
	FlipH float64 `yaml:"flip_h"` // the probability of turning left and right around
	FlipV float64 `yaml:"flip_v"` // and of turning the picture upside down
	// What happens to pictures on their way, in this order: scaled before they are cropped, blurred, made
	// noisy, encoded.
	Resize Random `yaml:"resize,flow"` // scale
	Blur   Random `yaml:"blur,flow"`   // standard deviation in pixels
	Noise  Random `yaml:"noise,flow"`  // standard deviation in levels of 255
	JPEG   Random `yaml:"jpeg,flow"`   // quality
	WebP   Random `yaml:"webp,flow"`   // quality
}

// Random is something that is done with probability p, at a strength from one value to another.
type Random struct {
	P    float64 `yaml:"p"`
	From float64 `yaml:"from"`
	To   float64 `yaml:"to"`
}

// Loss is what training makes small.
type Loss struct {
	Name      string  `yaml:"name"`      // auto, bce, cross-entropy, pixel-mse or pixel-bce
	Smoothing float64 `yaml:"smoothing"` // the share of every target that is spread over both classes
	Aux       float64 `yaml:"aux"`       // the weight of the second head's loss, where that is trained
}

// Optimizer moves the weights.
type Optimizer struct {
	Name         string  `yaml:"name"` // sgd, adam or adamw
	Momentum     float64 `yaml:"momentum"`
	WeightDecay  float64 `yaml:"weight_decay"`
	Beta1        float64 `yaml:"beta1"`
	Beta2        float64 `yaml:"beta2"`
	Eps          float64 `yaml:"eps"`
	DecayVectors bool    `yaml:"decay_vectors"` // let norms and biases decay, too
	LayerDecay   float64 `yaml:"layer_decay"`   // each stage has this share of the rate of the one above
	Groups       []Group `yaml:"groups"`
}

// Group treats the parameters whose names match in a way of their own. The first group that matches counts.
type Group struct {
	Match       string   `yaml:"match"` // a name with * and ?: "layer1.*"
	LR          float64  `yaml:"lr"`    // times the schedule's rate; left out: 1
	WeightDecay *float64 `yaml:"weight_decay,omitempty"`
	Freeze      bool     `yaml:"freeze,omitempty"`
}

// Phase is some epochs at one rate or along one curve.
type Phase struct {
	Epochs int     `yaml:"epochs"`
	LR     float64 `yaml:"lr"`
	Shape  string  `yaml:"shape"`  // constant, step or cosine
	Warmup int     `yaml:"warmup"` // updates from nothing to lr, at most a tenth of the phase
	Every  int     `yaml:"every"`  // epochs between two steps
	Factor float64 `yaml:"factor"` // of each step
	Floor  float64 `yaml:"floor"`  // the share of lr that the cosine ends at
}

// Keep is when the run's state is saved, and how much of it stays.
type Keep struct {
	Last    int     `yaml:"last"`    // checkpoints that stay beside the best detector
	Minutes float64 `yaml:"minutes"` // between two; 0: only at the end of each epoch
	Batches int     `yaml:"batches"` // between two, counted in batches; 0: by the clock
}

// Default is what a recipe leaves out.
func Default() Recipe {
	half := [3]float32{0.5, 0.5, 0.5}
	return Recipe{
		Model: Model{Name: "resnet50", Classes: 1, Aux: "skip", Freeze: "none"},
		Data: Data{Layout: "genimage", Generators: []string{}, Batch: 32, Mean: half, Std: half,
			Protocol:   "raw",
			Unreadable: 0.01},
		Augment: Augment{Crop: true, FlipH: 0.5, FlipV: 0.5},
		Loss:    Loss{Name: "auto", Aux: 0.5},
		Optimizer: Optimizer{Name: "adamw", Beta1: 0.9, Beta2: 0.999, Eps: 1e-8, LayerDecay: 1,
			Groups: []Group{}},
		Schedule: []Phase{}, Accumulate: 1, Precision: "float32", LogEvery: 10, Seed: 1,
		Checkpoint: Keep{Last: 2, Minutes: 10},
	}
}

// Epochs is how long a recipe trains.
func (r *Recipe) Epochs() int {
	n := 0
	for _, p := range r.Schedule {
		n += p.Epochs
	}
	return n
}
