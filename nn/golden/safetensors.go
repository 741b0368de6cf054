package golden

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
)

// array is one tensor of a file, still as bytes.
type array struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// readFile reads a safetensors file whose tensors are all F64.
func readFile(path string) (meta map[string]string, arrays map[string]array, data []byte, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, nil, err
	}
	if len(raw) < 8 || binary.LittleEndian.Uint64(raw) > uint64(len(raw)-8) {
		return nil, nil, nil, fmt.Errorf("%s: header is longer than the file", path)
	}
	end := 8 + int(binary.LittleEndian.Uint64(raw))
	var head map[string]json.RawMessage
	if err := json.Unmarshal(raw[8:end], &head); err != nil {
		return nil, nil, nil, fmt.Errorf("%s: header: %w", path, err)
	}
	data, arrays = raw[end:], map[string]array{}
	for name, text := range head {
		if name == "__metadata__" {
			err = json.Unmarshal(text, &meta)
		} else {
			var a array
			err = json.Unmarshal(text, &a)
			arrays[name] = a
		}
		if err != nil {
			return nil, nil, nil, fmt.Errorf("%s: %s: %w", path, name, err)
		}
	}
	return meta, arrays, data, nil
}

// float64s decodes one tensor.
func (a array) float64s(data []byte) ([]float64, error) {
	if a.DType != "F64" || a.Offsets[0] < 0 || a.Offsets[0] > a.Offsets[1] || a.Offsets[1] > len(data) {
		return nil, fmt.Errorf("dtype %s at %v: want F64 within %d bytes", a.DType, a.Offsets, len(data))
	}
	part := data[a.Offsets[0]:a.Offsets[1]]
	out := make([]float64, len(part)/8)
	for i := range out {
		out[i] = math.Float64frombits(binary.LittleEndian.Uint64(part[8*i:]))
	}
	return out, nil
}
