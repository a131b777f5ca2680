// secret_folder.h: a folder for files of given modes, which goes with the object.

#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "common/digest.h"

namespace skerry::tests {

class SecretFolder {
 public:
  SecretFolder()
      : path_(std::filesystem::path(testing::TempDir()) / ("secrets-" + to_hex(random_bytes(8)))) {
    std::filesystem::create_directories(path_);
  }
  ~SecretFolder() { std::filesystem::remove_all(path_); }
  SecretFolder(const SecretFolder&) = delete;
  SecretFolder& operator=(const SecretFolder&) = delete;

  std::string path(std::string_view name) const { return path_ / name; }
  std::string write(std::string_view name, std::string_view text, mode_t mode = 0600) const {
    std::filesystem::remove(path(name));
    std::ofstream(path(name)) << text;
    ::chmod(path(name).c_str(), mode);
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

}  // namespace skerry::tests
