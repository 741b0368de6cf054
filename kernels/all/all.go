// Package all imports the backends of this build for their registration. Only commands and tests import it.
package all

import _ "truegrain/kernels/cpu" // "cpu"
