#include "controller/store/directory.h"

#include <fmt/core.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "controller/store/engine.h"

namespace skerry::store {

Status make_directory(rocksdb::FileSystem& files, const std::string& path) {
  std::filesystem::path whole = std::filesystem::absolute(path).lexically_normal();
  whole = whole.has_filename() ? whole : whole.parent_path();  // "a/b/" is "a/b"
  const std::filesystem::path parent = whole.parent_path();
  std::error_code error;
  std::filesystem::create_directories(parent, error);
  if (!error && ::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    error = std::error_code(errno, std::generic_category());
  }
  if (!error && !std::filesystem::is_directory(path, error) && !error) {
    error = std::make_error_code(std::errc::not_a_directory);
  }
  if (error) {
    return fail(ErrorCode::kIo,
                fmt::format("cannot create store directory {}: {}", path, error.message()));
  }
  return status_of(sync_directory(files, parent.string()), "store directory");
}

rocksdb::IOStatus sync_directory(rocksdb::FileSystem& files, const std::string& path) {
  std::unique_ptr<rocksdb::FSDirectory> directory;
  rocksdb::IOStatus done = files.NewDirectory(path, {}, &directory, nullptr);
  return done.ok() ? directory->Fsync({}, nullptr) : done;
}

Result<DirectoryLock> DirectoryLock::take(std::shared_ptr<rocksdb::FileSystem> files,
                                          const std::string& path) {
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::IOStatus taken = files->LockFile(path + "/store.lock", {}, &lock, nullptr);
  if (!taken.ok()) {
    return fail(ErrorCode::kUnavailable,
                fmt::format("store directory {} is in use by another process, or cannot be locked: "
                            "{}. Stop the other controller, or give this one a directory of its "
                            "own",
                            path, taken.ToString()));
  }
  return DirectoryLock(std::unique_ptr<rocksdb::FileLock, Unlock>(lock, Unlock{std::move(files)}));
}

void DirectoryLock::Unlock::operator()(rocksdb::FileLock* lock) const {
  files->UnlockFile(lock, {}, nullptr).PermitUncheckedError();
}

}  // namespace skerry::store
