// grpc_order.h: tells the thread sanitizer what gRPC promises: a call's reactions see what was done
// before it was begun.
//
// Debian's gRPC is not built with the sanitizer, so the sanitizer cannot see how gRPC keeps that
// promise. begun() goes before a call's first operation, reacting() first into each reaction.
// Nothing else about a call is promised away: what its reactions share with each other and with
// other threads is still checked. In other builds both do nothing.

#pragma once

#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#endif

namespace skerry {

#if __has_feature(thread_sanitizer)
inline void begun(void* call) { __tsan_release(call); }
inline void reacting(void* call) { __tsan_acquire(call); }
#else
inline void begun(void*) {}
inline void reacting(void*) {}
#endif

}  // namespace skerry
