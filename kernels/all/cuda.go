//go:build cuda || emu

package all

import _ "truegrain/kernels/cuda" // cuda:0 (tag cuda), emu (tag emu)
