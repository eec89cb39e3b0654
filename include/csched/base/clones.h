// Loops over columns are built for any x86-64, for AVX2 and for AVX-512; the machine chooses at
// start.
// Neighbours: the kernel.c files put it before their functions. Results are the same bit by bit:
// kernels are built with -ffp-contract=off.
#ifndef CSCHED_BASE_CLONES_H
#define CSCHED_BASE_CLONES_H

#include <features.h>
#include <math.h>
#include <stdbool.h>

// Needs indirect functions: gcc and glibc, and no sanitizer, whose start comes after the choice.
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define CS_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
// Whether fma() is one instruction in the chosen one.
#define CS_CLONES_FUSE (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#else
#define CS_CLONES
#ifdef FP_FAST_FMA
#define CS_CLONES_FUSE true
#else
#define CS_CLONES_FUSE false
#endif
#endif

#endif
