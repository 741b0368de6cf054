package cpu

// taken is the columns of a matrix of c when as many of its rows are taken as one that this fills vectors,
// whatever c is: a multiple of 64, or at least of 16, of at least least elements. It is c where that is wide
// enough, or where the rows would be too many.
func taken(c, least int) int {
	if c == 0 || c >= wideRow {
		return c
	}
	for _, unit := range []int{64, 16} {
		width := c * (unit / gcd(c, unit))
		if width <= 4*wideRow {
			return width * ((least + width - 1) / width)
		}
	}
	return c
}

// wideRow is the width from which on rows are not taken together.
const wideRow = 256

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// columns is how kernels read parameters that belong to the c columns of a matrix: repeated for rows of width
// elements, several of the matrix taken as one. The parameters for one vector stand together, plane after
// plane: coef[(j/lanes·planes + plane)·lanes + j%lanes] for column j.
type columns struct{ c, width, lanes int }

func (l *level) columnsOf(c int) columns { return columns{c, taken(c, wideRow), l.lanes} }

// coef lays out the planes of parameters.
func (k columns) coef(planes ...[]float32) []float32 {
	if len(planes) == 1 && k.width == k.c && k.c%k.lanes == 0 {
		return planes[0]
	}
	vectors := (k.width + k.lanes - 1) / k.lanes
	coef := make([]float32, vectors*k.lanes*len(planes))
	for p, plane := range planes {
		if k.width == k.c {
			for v := range vectors {
				copy(coef[(v*len(planes)+p)*k.lanes:][:k.lanes], plane[v*k.lanes:])
			}
			continue
		}
		for j, from := 0, 0; j < k.width; j++ {
			coef[(j/k.lanes*len(planes)+p)*k.lanes+j%k.lanes] = plane[from]
			if from++; from == k.c {
				from = 0
			}
		}
	}
	return coef
}

// grain is how many elements make a chunk: whole rows, of elementGrain elements or more.
func (k columns) grain() int {
	width := max(1, k.width)
	return (elementGrain + width - 1) / width * width
}

// columnBlock is the columns whose parameters stay in the first cache beside what they are used for.
const columnBlock = 512

// blocks calls f for the elements lo..hi-1 of a matrix, whole rows: for all of them; or where rows are long,
// and memory is not what the work waits for, for blocks of columns one after the other, from so many columns
// on. The block's rows begin k.width apart.
func (k columns) blocks(lo, hi, flags int, f func(lo, hi, from, width int)) {
	if k.width <= 2*columnBlock || flags&flagPast != 0 {
		f(lo, hi, 0, k.width)
		return
	}
	for from := 0; from < k.width; from += columnBlock {
		n := min(columnBlock, k.width-from)
		f(lo+from, hi-k.width+from+n, from, n)
	}
}

// pastColumns is flagPast for a large output whose rows are whole vectors.
func (b *Backend) pastColumns(k columns, out []float32) int { return b.pastRows(out, k.width) }

// forRows calls f for the rows of width elements, step apart, that lie in n elements: where they are, and how
// many elements the row has.
func forRows(n, width, step int, f func(at, n int)) {
	for at := 0; at < n; at += step {
		f(at, min(width, n-at))
	}
}
