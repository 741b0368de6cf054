// Package gpu measures an accelerator in parts that may be interrupted: check holds every kernel to ref,
// kernels and models are timed, and peers takes turns with PyTorch. What is done is kept in one JSON file per
// device, from which the report is written.
package gpu
