// model_cache.h: Blobs over a directory of content-addressed files and a source to fill it from.
//
// One download per digest at a time, two at once; each goes on where an interrupted one stopped, is
// verified before it gets its name, and is tried again with a growing delay while the source cannot
// be reached. Files that were there before this process are verified at their first use. What
// nobody holds is removed, least recently used first, when the directory grows beyond its bound.
//
// Lives on the strand; blocking file work runs on `files`, one job at a time. Answers go to
// `events` on the strand. close() gives up what is under way; then the files executor is to be
// drained before the cache is destroyed.

#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/blob_source.h"
#include "agent/blobs.h"
#include "agent/part_file.h"
#include "common/log.h"
#include "common/random.h"

namespace skerry::agent {

struct ModelCacheOptions {
  std::string directory;  // exists
  std::uint64_t limit_bytes = 4ull << 30;
  std::size_t transfers = 2;
  Duration retry_base = milliseconds(200);
  Duration retry_cap = seconds(5);
  Duration give_up = minutes(2);  // without any progress
};

class BlobEvents {
 public:
  virtual ~BlobEvents() = default;
  virtual void blob_fetched(Fetched fetched) = 0;
  virtual void blob_stored(Stored stored) = 0;
  virtual void bandwidth_measured(double bytes_per_s) = 0;  // by a transfer of 64 KiB or more
};

class ModelCache final : public Blobs {
 public:
  // Lists the directory. All referents outlive the cache.
  ModelCache(ModelCacheOptions options, BlobSource& source, BlobEvents& events, Clock& clock,
             boost::asio::any_io_executor strand, boost::asio::any_io_executor files, Random random,
             Log& log);
  ~ModelCache() override;

  void fetch(BlobTicket ticket, const std::string& digest, bool want_bytes) override;
  void release(const std::string& digest) override;
  void distrust(const std::string& digest) override;
  void store(BlobTicket ticket, std::shared_ptr<const std::string> bytes, Master to) override;
  void close();

  std::uint64_t size_bytes() const;

 private:
  struct Waiter {
    BlobTicket ticket = 0;
    bool want_bytes = false;
    Instant since;
  };
  enum class State { kAbsent, kUnverified, kVerifying, kFetching, kPresent };
  struct Entry {
    State state = State::kAbsent;
    std::uint64_t size_bytes = 0;
    int holds = 0;
    Instant used;
    std::vector<Waiter> waiters;
  };
  struct Download;
  struct Upload;

  void list_directory();
  void answer(const std::string& digest, const Waiter& waiter, const Status& status,
              std::uint64_t transferred);
  void answer_all(const std::string& digest, const Status& status, std::uint64_t transferred);
  void verify(const std::string& digest);
  void begin_downloads();
  void attempt(std::shared_ptr<Download> download);
  void chunk(std::shared_ptr<Download> download, BlobSource::Chunk chunk,
             const BlobSource::Next& next);
  void attempt_ended(std::shared_ptr<Download> download, Status status);
  void download_ended(const std::shared_ptr<Download>& download, const Status& status);
  void attempt(std::shared_ptr<Upload> upload);
  void retry(std::shared_ptr<boost::asio::steady_timer> timer, std::uint32_t failures,
             std::function<void()> again);
  void evict();

  const ModelCacheOptions options_;
  BlobSource& source_;
  BlobEvents& events_;
  Clock& clock_;
  boost::asio::any_io_executor strand_;
  boost::asio::any_io_executor files_;
  Random random_;
  Log& log_;
  bool closed_ = false;
  std::map<std::string, Entry> entries_;
  std::deque<std::string> wanted_;  // downloads not begun
  std::size_t downloading_ = 0;
  std::vector<std::weak_ptr<boost::asio::steady_timer>> timers_;
};

}  // namespace skerry::agent
