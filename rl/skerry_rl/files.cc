#include "rl/skerry_rl/files.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace skerry::rl {

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::kNotFound, fmt::format("cannot open {}", path));
  }
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  return file.bad() ? Result<std::string>(fail(ErrorCode::kIo, fmt::format("cannot read {}", path)))
                    : std::move(text);
}

Status write_file(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  std::ofstream file(beside, std::ios::binary | std::ios::trunc);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  std::error_code failed;
  if (file) {
    std::filesystem::rename(beside, path, failed);
  }
  return file && !failed ? Status() : fail(ErrorCode::kIo, fmt::format("cannot write {}", path));
}

}  // namespace skerry::rl
