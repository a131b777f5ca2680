// utf8.h: where characters of a text end, for texts from outside that may hold any bytes. Pure.

#pragma once

#include <cstddef>
#include <string_view>

namespace skerry {

// The length of the valid UTF-8 character at the front (Unicode 15, table 3-7); 0 if there is none.
std::size_t utf8_length(std::string_view text);

}  // namespace skerry
