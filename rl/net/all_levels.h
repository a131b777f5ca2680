// all_levels.h: SKERRY_ALL_LEVELS before a function: compiled for each level of the processor's vector
// instructions; the program takes the best that this machine has when it is loaded.
//
// The choice is made before the thread sanitizer is there, whose own calls in it would crash, so under
// that there is only the plain one.

#pragma once

#ifdef __has_feature
#if __has_feature(thread_sanitizer)
#define SKERRY_ALL_LEVELS
#endif
#endif

#ifndef SKERRY_ALL_LEVELS
#define SKERRY_ALL_LEVELS \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
