// file_io.h: the few system calls under blob_dir.cc, each with its errors turned into kIo with path
// and reason.

#pragma once

#include <filesystem>
#include <string_view>

#include "common/error.h"
#include "controller/blobs/blob_dir.h"

namespace skerry::blobs {

std::unexpected<Error> io_error(std::string_view what, const std::filesystem::path& path,
                                int error_number);
Result<File> create_file(const std::filesystem::path& path);  // must not exist yet
Status write_all(const File& file, std::string_view bytes, const std::filesystem::path& path);
Status sync_file(const File& file, const std::filesystem::path& path);
Status sync_directory(const std::filesystem::path& path);

}  // namespace skerry::blobs
