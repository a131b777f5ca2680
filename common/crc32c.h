// crc32c.h: CRC-32C (Castagnoli), by which files tell whether they are as they were written.

#pragma once

#include <cstdint>
#include <string_view>

namespace skerry {

std::uint32_t crc32c(std::string_view bytes);

}  // namespace skerry
