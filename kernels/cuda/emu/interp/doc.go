// Package interp runs PTX, the assembly of NVIDIA's GPUs, on the CPU: the very text that is committed and
// given to the driver, where the emulator beside it runs what g++ makes of the sources. What the two have in
// common is the sources and the documentation (PTX ISA 8.3); an instruction that is spelt wrong, operands in
// the wrong order, a wrong constraint or what the compiler made of a kernel show here. It also counts what a
// launch asks of the memory: sectors, bank conflicts, local memory.
//
// A warp is lanes that run in lockstep where their paths meet, as scheduled since sm_70: of several paths,
// the one furthest behind runs. Warps of a block take turns of random length, blocks run side by side. Copies
// and products that are asynchronous happen as late as they may; what they are about to write holds NaN
// meanwhile.
//
// What it can't see: races (the emulator's checker does), how ptxas orders and contracts instructions,
// caches, time.
package interp
