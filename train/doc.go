// Package train trains detectors and judges them: the loop with its losses, metrics with their intervals, and
// what the size of pictures alone would score.
package train
