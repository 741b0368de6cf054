package picture

import "encoding/binary"

// exifOrientation finds the orientation, 1 to 8, in the first directory of EXIF data (a TIFF header, CIPA
// DC-008), or 0 if there is none. It reads that one tag and follows no pointer but the first.
func exifOrientation(tiff []byte) int {
	const tag, short = 0x0112, 3
	if len(tiff) < 8 {
		return 0
	}
	var order binary.ByteOrder
	switch string(tiff[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 0
	}
	at := int64(order.Uint32(tiff[4:]))
	if at < 8 || at+2 > int64(len(tiff)) {
		return 0
	}
	entries := tiff[at+2:]
	for range order.Uint16(tiff[at:]) {
		if len(entries) < 12 {
			return 0
		}
		if order.Uint16(entries) == tag && order.Uint16(entries[2:]) == short &&
			order.Uint32(entries[4:]) == 1 {
			if v := int(order.Uint16(entries[8:])); v >= 1 && v <= 8 {
				return v
			}
			return 0
		}
		entries = entries[12:]
	}
	return 0
}

// upright undoes an EXIF orientation.
func (p *Picture) upright(orientation int) *Picture {
	p.Orientation = max(orientation, 1)
	if orientation >= 5 { // 5 to 8 lie on their side
		p.transpose()
	}
	switch orientation {
	case 2, 6:
		return p.FlipH()
	case 3, 7:
		return p.FlipH().FlipV()
	case 4, 8:
		return p.FlipV()
	}
	return p
}

// transpose mirrors along the diagonal from the upper left.
func (p *Picture) transpose() {
	out := make([]uint8, len(p.Pix))
	for y := range p.H {
		for x := range p.W {
			copy(out[3*(x*p.H+y):][:3], p.Pix[3*(y*p.W+x):])
		}
	}
	p.W, p.H, p.Pix = p.H, p.W, out
}
