// impl.h: what a Core holds, shared by core.cc (changes), queries.cc (reads) and invariants.cc.

#pragma once

#include "controller/core/state.h"

namespace skerry::core {

struct Core::Impl {
  Impl(Settings settings, std::uint64_t seed, Clock* stopwatch)
      : state(std::move(settings), seed, stopwatch) {}

  State state;
};

}  // namespace skerry::core
