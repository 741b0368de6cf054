package state

import (
	"encoding/binary"
	"fmt"
)

// legacyMagic is the number that torch.save began its files with before 1.6, little-endian.
const legacyMagic = "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"

// parseTorchLegacy reads the format before the zip: five pickles (magic number, protocol, system, the object,
// the keys of its storages), then each storage, its number of elements before it.
func parseTorchLegacy(data []byte) (*File, error) {
	const format = "torch legacy"
	m := machine{text: data[:min(len(data), maxPickle)]}
	var parts [5]any
	for i, what := range []string{"magic number", "protocol", "system", "object", "list of storages"} {
		v, err := m.run()
		if err != nil {
			return nil, fmt.Errorf("%s: the %s: %w", format, what, err)
		}
		if i == 0 && v != legacyMagic {
			return nil, &FormatError{format, "",
				"a pickle, but not one of torch.save's; only weight files are read"}
		}
		if i == 1 && v != int64(1001) {
			return nil, &FormatError{format, "", fmt.Sprintf("protocol %v; 1001 is read", v)}
		}
		parts[i] = v
	}
	keys, ok := parts[4].(*list)
	if !ok {
		return nil, &FormatError{format, "", "the storages are not listed"}
	}
	sizes := map[string]int{} // bytes of one element, by storage
	legacyStorages(parts[3], sizes, map[*dict]bool{})
	storages, err := legacyData(data[m.at:], keys.items, sizes)
	if err != nil {
		return nil, err
	}
	return collectTorch(format, parts[3], func(key string) ([]byte, error) {
		s, ok := storages[key]
		if !ok {
			return nil, &FormatError{format, quoted(key), "the storage is missing"}
		}
		return s, nil
	})
}

// legacyStorages notes the element sizes of the storages below a value, each dict once.
func legacyStorages(v any, sizes map[string]int, seen map[*dict]bool) {
	switch v := v.(type) {
	case *tensor:
		sizes[v.key] = widths[v.dtype] / 8
	case *dict:
		if seen[v] {
			return
		}
		seen[v] = true
		for _, item := range v.items {
			legacyStorages(item.value, sizes, seen)
		}
	}
}

// legacyData cuts the bytes behind the pickles into storages.
func legacyData(data []byte, keys []any, sizes map[string]int) (map[string][]byte, error) {
	storages := map[string][]byte{}
	for _, k := range keys {
		key, ok := k.(string)
		size := sizes[key]
		if !ok || size == 0 {
			return nil, &FormatError{"torch legacy", fmt.Sprintf("%v", k), "a storage that no tensor uses"}
		}
		if len(data) < 8 {
			return nil, &FormatError{"torch legacy", quoted(key), "the file is cut short"}
		}
		n := binary.LittleEndian.Uint64(data)
		data = data[8:]
		if n > uint64(len(data)/size) {
			return nil, &FormatError{"torch legacy", quoted(key),
				fmt.Sprintf("%d elements of %d bytes, the file has %d bytes left", n, size, len(data))}
		}
		storages[key], data = data[:int(n)*size], data[int(n)*size:]
	}
	if len(data) != 0 {
		return nil, &FormatError{"torch legacy", "", fmt.Sprintf("%d bytes behind the last storage",
			len(data))}
	}
	return storages, nil
}
