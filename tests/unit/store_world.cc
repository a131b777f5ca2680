#include "tests/unit/store_world.h"

#include <fmt/core.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <thread>
#include <utility>

#include "common/check.h"
#include "common/digest.h"
#include "tests/unit/store_files.h"

namespace skerry::store::testing {
namespace fs = std::filesystem;

int rounds(int count) {
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
  return count / 10;
#else
  return count;
#endif
}

TempDirectory::TempDirectory() {
  const fs::path base = fs::exists("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
  std::string name = (base / "skerry-store-XXXXXX").string();
  check(::mkdtemp(name.data()) != nullptr, "a temporary directory can be made");
  root_ = name;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

void copy_directory(const std::string& from, const std::string& to) {
  fs::remove_all(to);
  fs::copy(from, to, fs::copy_options::recursive);
}

std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

std::vector<std::string> files_ending(const std::string& directory, const std::string& suffix) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(suffix)) {
      names.push_back(name);
    }
  }
  std::ranges::sort(names);
  return names;
}

std::string fingerprint(const std::string& directory) {
  std::string all;
  for (const std::string& name : files_ending(directory, "")) {
    all += fmt::format("{} {}\n", name, sha256_digest(read_file(directory + "/" + name)));
  }
  return all;
}

namespace {

std::string task_key(Position position) { return fmt::format("task-{:08}", position); }

std::string task_value(Position position) {
  const std::size_t length = position % 7 == 0 ? 40'000 : 20 + position * 13 % 300;
  std::string value = fmt::format("value of {} ", position);
  value.resize(length, static_cast<char>('a' + position % 26));
  return value;
}

}  // namespace

Batch known_batch(Position position) {
  Batch batch{{Table::kTask, task_key(position), task_value(position)},
              {Table::kNode, "newest", fmt::format("{}", position)}};
  if (position > 3) {
    batch.push_back({Table::kTask, task_key(position - 3), std::nullopt});
  }
  return batch;
}

std::string difference_from_known(const Store& store) {
  const Position durable = store.durable();
  const Result<std::vector<Entry>> tasks = store.scan(Table::kTask, "", 100);
  if (!tasks) {
    return tasks.error().message;
  }
  const Position oldest = durable > 3 ? durable - 2 : 1;
  if (tasks->size() != durable - oldest + 1) {
    return fmt::format("{} tasks at position {}", tasks->size(), durable);
  }
  for (std::size_t i = 0; i < tasks->size(); ++i) {
    if ((*tasks)[i].key != task_key(oldest + i) || (*tasks)[i].value != task_value(oldest + i)) {
      return fmt::format("task {} reads {}", oldest + i, (*tasks)[i].key);
    }
  }
  const Result<std::string> newest = store.get(Table::kNode, "newest");
  const std::string expected = durable == 0 ? "" : fmt::format("{}", durable);
  if (newest.value_or("") != expected) {
    return fmt::format("newest is '{}' at position {}", newest.value_or(""), durable);
  }
  return "";
}

RocksOptions Reports::options(const std::string& path) {
  RocksOptions options{.path = path, .files = std::make_shared<ScriptedFiles>()};
  options.on_durable = [this](Position position) {
    const std::lock_guard lock(mutex_);
    durable_.push_back(position);
    changed_.notify_all();
  };
  options.on_commit = [this](const CommitInfo& commit) {
    const std::lock_guard lock(mutex_);
    commits_.push_back(commit);
  };
  options.on_fatal = [this](const Error& error) {
    const std::lock_guard lock(mutex_);
    fatal_.push_back(error);
    changed_.notify_all();
  };
  options.log = [this](std::string_view sentence) {
    const std::lock_guard lock(mutex_);
    logged_ += std::string(sentence) + "\n";
  };
  options.on_recovered = [this](const RecoveryReport& report) {
    const std::lock_guard lock(mutex_);
    recovery_ = report;
  };
  return options;
}

void Reports::wait_durable(Position position) {
  std::unique_lock lock(mutex_);
  changed_.wait(
      lock, [&] { return !fatal_.empty() || (!durable_.empty() && durable_.back() >= position); });
}

void Reports::wait_durable_or(const std::function<bool()>& otherwise, Position position) {
  wait_until([&] {
    const std::lock_guard lock(mutex_);
    return !fatal_.empty() || (!durable_.empty() && durable_.back() >= position) || otherwise();
  });
}

void Reports::wait_until(const std::function<bool()>& is_so) {
  while (!is_so()) {
    std::this_thread::yield();
  }
}

void Reports::wait_fatal() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return !fatal_.empty(); });
}

std::vector<Position> Reports::durable() const {
  const std::lock_guard lock(mutex_);
  return durable_;
}

std::vector<CommitInfo> Reports::commits() const {
  const std::lock_guard lock(mutex_);
  return commits_;
}

std::string Reports::logged() const {
  const std::lock_guard lock(mutex_);
  return logged_;
}

std::vector<Error> Reports::fatal() const {
  const std::lock_guard lock(mutex_);
  return fatal_;
}

RecoveryReport Reports::recovery() const {
  const std::lock_guard lock(mutex_);
  return recovery_;
}

std::unique_ptr<Store> known_store(const std::string& path, Reports& reports, Position count) {
  Result<std::unique_ptr<Store>> store = open_rocks_store(reports.options(path));
  if (!store) {
    ADD_FAILURE() << store.error().message;
    return nullptr;
  }
  for (Position position = 1; position <= count; ++position) {
    reports.wait_durable((*store)->append(known_batch(position)));
  }
  return *std::move(store);
}

}  // namespace skerry::store::testing
