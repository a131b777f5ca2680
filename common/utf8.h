// utf8.h: texts from outside, which may hold any bytes: where their characters end, and what of them may be shown. Pure.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace skerry {

// The length of the valid UTF-8 character at the front (Unicode 15, table 3-7); 0 if there is none.
std::size_t utf8_length(std::string_view text);

// Whether all of it is valid UTF-8.
bool is_utf8(std::string_view text);

// At most `limit` bytes of valid UTF-8 that a terminal takes for text: every byte that is none, and every control character but
// the end of a line and the tabulator, becomes '?'.
std::string printable(std::string_view text, std::size_t limit);

}  // namespace skerry
