//go:build emu

package cuda

import "testing"

// specs are the devices that a test runs on: the emulators that it names.
func specs(emulators ...string) []string { return emulators }

// testDevice opens an emulator as the test wants it.
func testDevice(t *testing.T, emulator string) *Device { return opened(t, openEmu, emulator) }
