package train

import "time"

// State is where a run stands, besides its tensors: all that decides what comes next. It holds no time of day
// and no duration, so that two runs that come to the same point have the same bytes.
type State struct {
	Epoch    int     `json:"epoch"`    // that are complete
	Batch    int     `json:"batch"`    // of the running epoch that are done
	Seen     int     `json:"seen"`     // batches of the whole run; it keys the random numbers
	Updates  int     `json:"updates"`  // of the weights; it keys the schedule
	Held     Tally   `json:"held"`     // batches whose gradients wait for their update
	LossSum  float64 `json:"loss_sum"` // of the running epoch's pictures
	Pictures int     `json:"pictures"`

	Best      float64           `json:"best"`       // the lowest validation loss
	BestEpoch int               `json:"best_epoch"` // in which it was; 0: none yet
	History   []Epoch           `json:"history"`
	Unread    map[string]string `json:"unread"` // pictures that could not be read, with the reasons
	Done      string            `json:"done"`   // why the run has ended; empty while it has not
}

// Tally counts batches and the pictures in them.
type Tally struct {
	Batches  int `json:"batches"`
	Pictures int `json:"pictures"`
}

// Epoch is what one epoch came to.
type Epoch struct {
	Epoch     int           `json:"epoch"`
	TrainLoss float64       `json:"train_loss"`
	ValLoss   float64       `json:"val_loss"`
	Accuracy  float64       `json:"accuracy"` // of the validation pictures, at p = ½
	Best      bool          `json:"best"`
	Duration  time.Duration `json:"-"` // of this process' part of it
}

// end closes the running epoch. Without a validation every epoch is the best.
func (s *State) end(e *Epoch, validated bool) {
	s.Epoch, s.Batch, s.LossSum, s.Pictures = s.Epoch+1, 0, 0, 0
	if e.Best = !validated || s.BestEpoch == 0 || e.ValLoss < s.Best; e.Best {
		s.Best, s.BestEpoch = e.ValLoss, e.Epoch
	}
	s.History = append(s.History, *e)
}
