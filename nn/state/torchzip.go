package state

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"path"
	"strings"
)

// Limits of the archive.
const (
	maxMembers = 1 << 16
	maxPickle  = 32 << 20
)

// member is one stored file of a zip archive: its bytes, and the checksum that they should have.
type member struct {
	data []byte
	crc  uint32
}

func zipError(where, format string, args ...any) error {
	return &FormatError{"torch zip", where, fmt.Sprintf(format, args...)}
}

// parseTorchZip reads what torch.save has written since 1.6: an archive NAME/data.pkl, NAME/data/KEY,
// NAME/version, NAME/byteorder, everything stored, nothing before and nothing behind.
func parseTorchZip(data []byte) (*File, error) {
	members, err := zipMembers(data)
	if err != nil {
		return nil, err
	}
	root, err := archiveRoot(members)
	if err != nil {
		return nil, err
	}
	pkl := members[root+"/data.pkl"]
	if len(pkl.data) > maxPickle {
		return nil, zipError("data.pkl", "has %d bytes; %d are allowed", len(pkl.data), maxPickle)
	}
	if crc32.ChecksumIEEE(pkl.data) != pkl.crc {
		return nil, zipError("data.pkl", "wrong checksum: the file is damaged")
	}
	m := machine{text: pkl.data}
	value, err := m.run()
	if err != nil {
		return nil, err
	}
	if m.at != len(m.text) {
		return nil, m.fail("%d bytes behind the end of the pickle", len(m.text)-m.at)
	}
	return collectTorch("torch zip", value, func(key string) ([]byte, error) {
		s, ok := members[root+"/data/"+key]
		if !ok {
			return nil, zipError(quoted("data/"+key), "is missing")
		}
		return s.data, nil
	})
}

// archiveRoot finds NAME, and looks at what the archive says of its own form.
func archiveRoot(members map[string]member) (root string, err error) {
	for name := range members {
		if dir, ok := strings.CutSuffix(name, "/data.pkl"); ok && !strings.Contains(dir, "/") {
			if root != "" {
				return "", zipError("", "two archives in one: %s and %s", quoted(root), quoted(dir))
			}
			root = dir
		}
	}
	if root == "" {
		return "", zipError("", "no data.pkl: not written by torch.save")
	}
	if m, ok := members[root+"/byteorder"]; ok && string(m.data) != "little" {
		return "", zipError("byteorder", "is %s; only little-endian files are read", quoted(string(m.data)))
	}
	if m, ok := members[root+"/version"]; ok {
		if v := strings.TrimSpace(string(m.data)); v != "2" && v != "3" {
			return "", zipError("version", "is %s; 2 and 3 are read", quoted(string(m.data)))
		}
	}
	return root, nil
}

// Signatures and sizes of zip records (PKWARE APPNOTE 6.3).
const (
	sigLocal, sizeLocal     = "PK\x03\x04", 30
	sigCentral, sizeCentral = "PK\x01\x02", 46
	sigEnd, sizeEnd         = "PK\x05\x06", 22
	sigLocator, sizeLocator = "PK\x06\x07", 20
	sigEnd64, sizeEnd64     = "PK\x06\x06", 56
)

// zipMembers lists the members of an archive whose records fit together exactly: the first at byte 0, the
// directory right before the end record, and that at the end of the file.
func zipMembers(data []byte) (map[string]member, error) {
	le := binary.LittleEndian
	end := len(data) - sizeEnd
	if end < 0 || string(data[end:end+4]) != sigEnd || le.Uint16(data[end+20:]) != 0 {
		return nil, zipError("", "no end record at the end of the file: it is cut short, or something was "+
			"appended")
	}
	count, size, offset := uint64(le.Uint16(data[end+10:])), uint64(le.Uint32(data[end+12:])),
		uint64(le.Uint32(data[end+16:]))
	if at := end - sizeLocator; at >= sizeEnd64 && string(data[at:at+4]) == sigLocator {
		end = at - sizeEnd64
		if string(data[end:end+4]) != sigEnd64 || le.Uint64(data[at+8:]) != uint64(end) {
			return nil, zipError("", "the zip64 end record is not where it should be")
		}
		c, s, o := le.Uint64(data[end+32:]), le.Uint64(data[end+40:]), le.Uint64(data[end+48:])
		if !agree(count, c, 0xFFFF) || !agree(size, s, 0xFFFFFFFF) || !agree(offset, o, 0xFFFFFFFF) {
			return nil, zipError("", "the two end records contradict each other")
		}
		count, size, offset = c, s, o
	}
	if offset > uint64(end) || size != uint64(end)-offset || count > maxMembers || count > size/sizeCentral {
		return nil, zipError("", "the directory (%d entries, %d bytes at %d) does not fit the file", count,
			size, offset)
	}
	members := make(map[string]member, count)
	at := int(offset)
	for range count {
		name, m, next, err := zipEntry(data, at, end, int(offset))
		if err != nil {
			return nil, err
		}
		if _, ok := members[name]; ok {
			return nil, zipError(quoted(name), "stands twice in the archive")
		}
		members[name], at = m, next
	}
	if at != end {
		return nil, zipError("", "the directory has %d bytes too many", end-at)
	}
	return members, nil
}

// agree says that a short field holds the long one's value, or says that it can't.
func agree(short, long, full uint64) bool { return short == long || short == full }

// zipEntry reads one entry of the directory and the local header that it names.
func zipEntry(data []byte, at, end, limit int) (name string, m member, next int, err error) {
	le := binary.LittleEndian
	if end-at < sizeCentral || string(data[at:at+4]) != sigCentral {
		return "", m, 0, zipError("", "the directory is damaged at byte %d", at)
	}
	e := data[at:end]
	n, extra, comment := int(le.Uint16(e[28:])), int(le.Uint16(e[30:])), int(le.Uint16(e[32:]))
	if sizeCentral+n+extra+comment > len(e) {
		return "", m, 0, zipError("", "the directory is damaged at byte %d", at)
	}
	name = string(e[sizeCentral : sizeCentral+n])
	// plain, stored, offset
	sizes := [3]uint64{uint64(le.Uint32(e[24:])), uint64(le.Uint32(e[20:])), uint64(le.Uint32(e[42:]))}
	zip64(&sizes, e[sizeCentral+n:sizeCentral+n+extra])
	switch {
	case le.Uint16(e[8:])&1 != 0:
		err = zipError(quoted(name), "is encrypted")
	case le.Uint16(e[10:]) != 0:
		err = zipError(quoted(name), "is compressed; torch.save stores")
	case sizes[0] != sizes[1]:
		err = zipError(quoted(name), "is stored in %d bytes but should have %d", sizes[1], sizes[0])
	case path.IsAbs(name) || path.Clean(name) != strings.TrimSuffix(name, "/") ||
		strings.HasPrefix(name, "..") || strings.Contains(name, `\`):
		err = zipError(quoted(name), "is no plain relative name")
	case sizes[2] > uint64(limit) || uint64(limit)-sizes[2] < sizeLocal:
		err = zipError(quoted(name), "begins beyond the end of the file")
	}
	if err != nil {
		return "", m, 0, err
	}
	body, err := zipData(data[sizes[2]:limit], name, sizes[0])
	return name, member{body, le.Uint32(e[16:])}, at + sizeCentral + n + extra + comment, err
}

// zipData is the bytes behind a local header, which must be that of the member.
func zipData(local []byte, name string, size uint64) ([]byte, error) {
	le := binary.LittleEndian
	if le.Uint16(local[6:])&1 != 0 || le.Uint16(local[8:]) != 0 {
		return nil, zipError(quoted(name), "is encrypted or compressed")
	}
	skip := sizeLocal + int(le.Uint16(local[26:])) + int(le.Uint16(local[28:]))
	if string(local[:4]) != sigLocal || skip > len(local) ||
		string(local[sizeLocal:sizeLocal+int(le.Uint16(local[26:]))]) != name ||
		size > uint64(len(local)-skip) {
		return nil, zipError(quoted(name), "its header does not fit the directory, or its data the file")
	}
	return local[skip : skip+int(size)], nil
}

// zip64 replaces the sizes that do not fit 32 bits by those of the extra field.
func zip64(sizes *[3]uint64, extra []byte) {
	le := binary.LittleEndian
	for len(extra) >= 4 {
		id, n := le.Uint16(extra), int(le.Uint16(extra[2:]))
		body := extra[4:min(4+n, len(extra))]
		if id == 1 {
			for i := range sizes {
				if sizes[i] == 0xFFFFFFFF && len(body) >= 8 {
					sizes[i], body = le.Uint64(body), body[8:]
				}
			}
			return
		}
		extra = extra[min(4+n, len(extra)):]
	}
}
