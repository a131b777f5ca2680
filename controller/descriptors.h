// descriptors.h: how many files and sockets this process may have open.
//
// Clients must not use them up: a store that cannot open a file ends the process. Linux gives a
// process 1,024 unless it asks for more.

#pragma once

#include <cstddef>

namespace skerry::controller {

// Raises the soft limit to the hard one; returns what it is then. Once, at the start.
std::size_t raise_descriptor_limit();

// Of so many descriptors, how many connections of clients there may be, if `wanted` are: what the store,
// blobs and agents need is left over, half of all where there are few.
std::size_t connections_within(std::size_t descriptors, std::size_t wanted);

}  // namespace skerry::controller
