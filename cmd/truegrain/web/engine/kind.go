package engine

import (
	"bytes"
	"encoding/binary"
	"net/http"
	"strings"
)

// what says what a file that is not a picture looks like, for the message; empty if nothing is known of it.
func what(data []byte) string {
	head := bytes.ToLower(data[:min(len(data), 512)])
	switch {
	case len(data) >= 12 && string(data[4:8]) == "ftyp":
		return "HEIC, AVIF or a video: save it as JPEG or PNG"
	case bytes.HasPrefix(data, []byte("II*\x00")) || bytes.HasPrefix(data, []byte("MM\x00*")):
		return "TIFF or a raw photograph: save it as JPEG or PNG"
	case bytes.Contains(head, []byte("<svg")):
		return "an SVG drawing"
	}
	switch kind, _, _ := strings.Cut(http.DetectContentType(data), ";"); kind {
	case "text/html":
		return "an HTML page"
	case "application/pdf":
		return "a PDF document"
	case "application/zip":
		return "a ZIP archive"
	case "text/plain", "text/xml":
		return "text"
	}
	return ""
}

// sniffed is how far browsers and viewers look into a file to find out what it is.
const sniffed = 1024

// polyglot says what else a picture's file is read as: whoever sends such a file wants a check to see one
// thing and another program to see another. Empty for an honest picture.
func polyglot(data []byte) string {
	head := bytes.ToLower(data[:min(len(data), sniffed)])
	switch {
	case isZip(data):
		return "a ZIP archive"
	case bytes.Contains(head, []byte("%pdf-")):
		return "a PDF document"
	}
	for _, tag := range []string{"<script", "<html", "<!doctype html", "<svg"} {
		if bytes.Contains(head, []byte(tag)) {
			return "an HTML page"
		}
	}
	return ""
}

// isZip says whether an archive's end of central directory closes the file (APPNOTE 4.3.16), which is where
// programs that unpack look.
func isZip(data []byte) bool {
	const size = 22
	tail := data[max(0, len(data)-size-0xFFFF):]
	sign := []byte("PK\x05\x06")
	for at := bytes.LastIndex(tail, sign); at >= 0; at = bytes.LastIndex(tail[:at], sign) {
		if end := tail[at:]; len(end) >= size && size+int(binary.LittleEndian.Uint16(end[20:])) == len(end) {
			return true
		}
	}
	return false
}
