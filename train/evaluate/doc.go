// Package evaluate says how well detectors do on labelled pictures: measures with their bootstrap intervals,
// the floor that picture size alone gives, pixel maps against masks, detectors against generators, and what
// degradations cost; as tables for a terminal, for the thesis, and for programs, and as one page with plots.
//
// # What is measured
//
// The positive class is AI. A picture is called AI if its calibrated p(AI) is above ½. Scores are compared by
// their rank (AP, AUC, EER, TPR at a false-positive rate), by that cut (accuracy, precision, recall, F1, the
// share that is called AI), and by their value (ECE, Brier, log loss).
//
//   - AP is Σ (R_n − R_{n−1})·P_n over the distinct scores from the highest down, without interpolation.
//   - AUC counts pairs of an AI picture and a photograph; a tie counts half.
//   - EER is where the false-positive rate meets the miss rate, on straight lines between the ROC's points.
//   - TPR at a rate is the highest that a threshold reaches with at most that false-positive rate.
//   - The size-only floor is the balanced accuracy of a classifier that sees nothing but width and height.
//
// # Intervals
//
// 95 % intervals are percentiles of a bootstrap (Efron 1979) that draws pictures anew within each class,
// 2,000 times. Draw k of sample s is Philox word (s, class, k) of the seed: the same numbers on every
// machine, however many cores work on it. A sample is counts per distinct score, so that one pass over the
// sorted scores gives all measures: 100,000 pictures × 2,000 samples take about two seconds on two cores. A
// share of exactly 0 or 1 does not vary under resampling; its interval is Wilson's (1927).
//
// # Confusion matrices
//
// As in the thesis, rows are what a picture is and columns what it was called, AI first:
//
//	             called AI   called photograph
//	AI              TP              FN
//	photograph      FP              TN
//
// # Kept predictions
//
// Raw scores of a long evaluation are kept in a folder as JSON lines, one file for each detector, view and
// degradation; what a line says is computed again only if the picture's size or time has changed. A file
// belongs to the detector's weights and to what it is shown; a new calibration does not touch raw scores.
package evaluate
