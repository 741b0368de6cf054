//go:build !linux

package state

// forget does nothing: the system takes memory that is mapped from a file back when it is short of it.
func forget([]byte) {}
