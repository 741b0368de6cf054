package data

import (
	"crypto/sha256"
	"encoding/hex"

	"truegrain/tensor/picture"
)

// Item is one labelled picture: a file, or a member of a tar shard.
type Item struct {
	Path      string // a member's is that of its shard and then its name: "000003.tar/glide/train/ai/7.png"
	Generator string // the folder that the split lies in: "Midjourney"
	Mask      string // of a partly generated picture: white is generated; empty for a whole one
	Label     int32
	W, H      uint16 // upright size, where an index has it; 0: unknown
	Show      Show

	shard *shard // nil for a file
	span  span   // in the shard
}

// Bytes is the picture's file as it is.
func (it *Item) Bytes() ([]byte, error) {
	if it.shard != nil {
		return it.shard.read(it.Path, it.span)
	}
	return ReadFile(it.Path)
}

// Picture decodes the picture as the item is shown. Errors are *picture.Error.
func (it *Item) Picture() (*picture.Picture, error) {
	src, err := it.Bytes()
	if err != nil {
		return nil, err
	}
	p, err := picture.DecodeFile(it.Path, src)
	if err != nil || it.Show == (Show{}) {
		return p, err
	}
	return it.Show.apply(p)
}

// MaskPicture decodes the mask, cut as the picture is. Errors are *picture.Error.
func (it *Item) MaskPicture() (*picture.Picture, error) {
	src, err := it.maskBytes()
	if err != nil {
		return nil, err
	}
	p, err := picture.DecodeFile(it.Mask, src)
	if err != nil || it.Show == (Show{}) {
		return p, err
	}
	return it.Show.cut(p), nil
}

func (it *Item) maskBytes() ([]byte, error) {
	if it.shard != nil {
		if s, ok := it.shard.masks[it.Mask]; ok {
			return it.shard.read(it.Mask, s)
		}
	}
	return ReadFile(it.Mask)
}

// ReadFile is the bytes of a picture by its path, which may lead into a tar shard, within the limits of
// pictures. Errors are *picture.Error.
func ReadFile(path string) ([]byte, error) {
	if archive, _, inside := splitShard(path); inside && isFile(archive) {
		return readMember(path)
	}
	return picture.ReadFile(path)
}

// FileSum is the SHA-256 of a picture's file, or of a member of a shard.
func FileSum(path string) (string, error) {
	src, err := ReadFile(path)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(src)
	return hex.EncodeToString(sum[:]), nil
}
