// Package workload is the whole-model runs that are timed: inference by a frozen model or on a tape, and
// training steps.
package workload
