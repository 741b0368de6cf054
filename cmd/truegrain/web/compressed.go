package web

import (
	"compress/gzip"
	"net/http"

	"github.com/klauspost/compress/gzhttp"
)

// textTypes are compressed on their way: pictures are already, and floats would hardly be smaller. A result's
// steps are sent as they come.
var textTypes = []string{"text/html", "text/css", "text/javascript", "text/csv", "text/plain",
	"image/svg+xml", "application/json", "application/problem+json", "application/vnd.oai.openapi+json"}

// compressed compresses text for those who take it. The length of a compressed answer can tell an onlooker
// who may put words into it what else stands there; nothing secret does: no page holds the token, and a
// result's name stands only in what is sent to those who know it.
func compressed(next http.Handler) http.Handler {
	wrap, err := gzhttp.NewWrapper(gzhttp.ContentTypes(textTypes), gzhttp.CompressionLevel(gzip.BestSpeed),
		gzhttp.EnableZstd(false))
	if err != nil {
		panic(err) // the options are ours
	}
	return wrap(next)
}
