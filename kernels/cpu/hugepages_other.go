//go:build !linux

package cpu

// onHugePages does nothing: other systems choose pages themselves.
func onHugePages([]float32) {}
