//go:build emu

package cuda

import (
	"encoding/binary"
	"errors"
)

// TensorMap is struct tensormap of emu/simt/simt.h.
func (e *emulator) TensorMap(m boxes) ([]byte, error) {
	if m.of.Addr()%16 != 0 || m.ld%8 != 0 || m.boxCols*2 != 128 || m.boxRows > 256 || m.rows < 1 || m.cols < 1 ||
		m.ld < m.cols || 2*m.ld*max(m.rows, 1) >= 1<<40 {
		return nil, errors.New("a tensor map wants elements, 16-byte rows, 128-byte boxes and at most 256 rows")
	}
	out := make([]byte, 0, 128)
	out = binary.LittleEndian.AppendUint64(out, uint64(m.of.Addr()))
	for _, v := range []int{m.rank(), 2, 3, m.boxCols, m.boxRows, 1, 1, 1} { // rank, element, swizzle, box
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	for _, v := range []int{m.cols, m.rows, max(1, m.batch), 1, 1, 2 * m.ld, 2 * m.ld * m.rows} { // dim, stride
		out = binary.LittleEndian.AppendUint64(out, uint64(v))
	}
	return append(out, make([]byte, 128-len(out))...), nil
}

// PatchMap is the same of patches, within the hardware's limits.
func (e *emulator) PatchMap(m patches) ([]byte, error) {
	small := m.of.Addr()%16 == 0 && m.c%8 == 0 && m.positions <= 1024 && min(m.n, m.h, m.w, m.c) > 0
	for i := range 2 {
		small = small && m.lower[i] >= -128 && m.lower[i] < 128 && m.upper[i] >= -128 && m.upper[i] < 128 &&
			m.step[i] >= 1 && m.step[i] <= 8
	}
	if !small {
		return nil, errors.New("patches want 16-byte pixels, corners of -128 to 127 and steps of 1 to 8")
	}
	out := make([]byte, 0, 128)
	out = binary.LittleEndian.AppendUint64(out, uint64(m.of.Addr()))
	for _, v := range []int{4, 2, 3, 64, m.positions, 1, 1, 1} { // rank, element, swizzle, box
		out = binary.LittleEndian.AppendUint32(out, uint32(v))
	}
	pixel := 2 * m.c
	for _, v := range []int{m.c, m.w, m.h, m.n, 1, pixel, m.w * pixel, m.h * m.w * pixel, 0} { // dim, stride
		out = binary.LittleEndian.AppendUint64(out, uint64(v))
	}
	for _, v := range [][2]int{m.lower, m.upper, m.step, {}} {
		out = binary.LittleEndian.AppendUint16(out, uint16(int16(v[0])))
		out = binary.LittleEndian.AppendUint16(out, uint16(int16(v[1])))
	}
	return out, nil
}
