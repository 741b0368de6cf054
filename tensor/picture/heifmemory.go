//go:build heif && nodynamic

package picture

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"sync"
	_ "unsafe" // for go:linkname

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// The decoders open their WebAssembly runtimes themselves, with memory up to 4 GiB, and a stream may ask for
// more than its file's headers say. So each gets a runtime with a limit in place of its own. These are the
// packages' variables: a release that has others does not link.
var (
	//go:linkname avifOnce github.com/gen2brain/avif.initDecoderOnce
	avifOnce func()
	//go:linkname avifRuntime github.com/gen2brain/avif.rtd
	avifRuntime wazero.Runtime
	//go:linkname avifModule github.com/gen2brain/avif.cmd
	avifModule wazero.CompiledModule
	//go:linkname avifCode github.com/gen2brain/avif.decodeWasm
	avifCode []byte

	//go:linkname heicOnce github.com/gen2brain/heic.initOnce
	heicOnce func()
	//go:linkname heicRuntime github.com/gen2brain/heic.rt
	heicRuntime wazero.Runtime
	//go:linkname heicModule github.com/gen2brain/heic.cm
	heicModule wazero.CompiledModule
	//go:linkname heicCode github.com/gen2brain/heic.heifWasm
	heicCode []byte
)

// heifMemory is what one decoder may have, in bytes: the largest picture that the limits allow, planes, RGBA
// and a frame to predict from, fits.
const heifMemory = 512 << 20

// capHEIF gives both decoders a runtime with so many bytes of memory for each picture.
func capHEIF(memory uint32) error {
	const page = 1 << 16
	config := wazero.NewRuntimeConfig().WithMemoryLimitPages(memory / page)
	for _, d := range []struct {
		once    func()
		runtime *wazero.Runtime
		module  *wazero.CompiledModule
		code    []byte
	}{{avifOnce, &avifRuntime, &avifModule, avifCode}, {heicOnce, &heicRuntime, &heicModule, heicCode}} {
		d.once() // never again by itself
		z, err := gzip.NewReader(bytes.NewReader(d.code))
		if err != nil {
			return fmt.Errorf("decoder: %w", err)
		}
		code, err := io.ReadAll(z)
		if err != nil {
			return fmt.Errorf("decoder: %w", err)
		}
		ctx := context.Background()
		r := wazero.NewRuntimeWithConfig(ctx, config)
		if _, err := wasi_snapshot_preview1.Instantiate(ctx, r); err != nil {
			return fmt.Errorf("decoder: %w", err)
		}
		module, err := r.CompileModule(ctx, code)
		if err != nil {
			return fmt.Errorf("decoder: %w", err)
		}
		*d.runtime, *d.module = r, module
	}
	return nil
}

// capped is done before the first picture.
var capped = sync.OnceValue(func() error { return capHEIF(heifMemory) })
