#include "agent/model_cache.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <filesystem>
#include <optional>

namespace skerry::agent {
namespace {

constexpr std::uint64_t kBandwidthSampleBytes = 64 * 1024;
constexpr auto kAbandonedPart = std::chrono::hours(24);

bool worth_retrying(const Status& status) { return status.error().code == ErrorCode::kUnavailable; }

// "sha256-<hex>" -> "sha256:<hex>"; empty if the file is no blob.
std::string digest_of(const std::string& file_name) {
  std::string digest = file_name;
  if (const std::size_t dash = digest.find('-'); dash != std::string::npos) {
    digest[dash] = ':';
  }
  return is_digest(digest) ? digest : "";
}

}  // namespace

// Shared between the strand and the files thread; each member belongs to one of them.
struct ModelCache::Download {
  std::string digest;

  // Files.
  std::optional<PartFile> part;
  Status file_status;  // the first error of ours during an attempt
  Instant first_chunk;
  std::uint64_t after_first_bytes = 0;
  std::uint64_t received_bytes = 0;
  double bytes_per_s = 0;

  // Strand.
  std::uint32_t failures = 0;
  std::uint32_t corrupt = 0;
  std::uint64_t known_bytes = 0;  // received when progress was last seen
  Instant progress;
};

struct ModelCache::Upload {
  BlobTicket ticket = 0;
  std::shared_ptr<const std::string> bytes;
  std::string digest;
  std::uint32_t failures = 0;
  Instant begun;
};

ModelCache::ModelCache(ModelCacheOptions options, BlobSource& source, BlobEvents& events,
                       Clock& clock, boost::asio::any_io_executor strand,
                       boost::asio::any_io_executor files, Random random, Log& log)
    : options_(std::move(options)),
      source_(source),
      events_(events),
      clock_(clock),
      strand_(std::move(strand)),
      files_(std::move(files)),
      random_(random),
      log_(log) {
  list_directory();
}

ModelCache::~ModelCache() = default;

void ModelCache::list_directory() {
  std::error_code ignored;
  for (const auto& file : std::filesystem::directory_iterator(options_.directory, ignored)) {
    const std::string name = file.path().filename().string();
    const auto age = std::filesystem::file_time_type::clock::now() - file.last_write_time(ignored);
    if (name.ends_with(".part") && age > kAbandonedPart) {
      std::filesystem::remove(file.path(), ignored);
    } else if (const std::string digest = digest_of(name); !digest.empty()) {
      entries_[digest] = {.state = State::kUnverified,
                          .size_bytes = file.file_size(ignored),
                          .used = clock_.now() - std::chrono::duration_cast<Duration>(age)};
    }
  }
}

std::uint64_t ModelCache::size_bytes() const {
  std::uint64_t all = 0;
  for (const auto& [digest, entry] : entries_) {
    all += entry.size_bytes;
  }
  return all;
}

void ModelCache::fetch(BlobTicket ticket, const std::string& digest, bool want_bytes) {
  const Instant now = clock_.now();
  const Waiter waiter{.ticket = ticket, .want_bytes = want_bytes, .since = now};
  if (!is_digest(digest)) {
    return answer(digest, waiter,
                  fail(ErrorCode::kInvalidArgument, fmt::format("'{}' is no digest", digest)), 0);
  }
  Entry& entry = entries_[digest];
  ++entry.holds;
  entry.used = now;
  switch (entry.state) {
    case State::kPresent:
      return answer(digest, waiter, {}, 0);
    case State::kUnverified:
      entry.state = State::kVerifying;
      verify(digest);
      break;
    case State::kAbsent:
      entry.state = State::kFetching;
      wanted_.push_back(digest);
      break;
    case State::kVerifying:
    case State::kFetching:
      break;
  }
  entry.waiters.push_back(waiter);
  begin_downloads();
}

void ModelCache::release(const std::string& digest) {
  const auto entry = entries_.find(digest);
  if (entry == entries_.end()) {
    return;
  }
  --entry->second.holds;
  if (entry->second.holds == 0 && entry->second.state == State::kAbsent) {
    entries_.erase(entry);
  }
  evict();
}

void ModelCache::distrust(const std::string& digest) {
  const auto entry = entries_.find(digest);
  if (entry != entries_.end() && entry->second.state == State::kPresent) {
    entry->second.state = State::kUnverified;
  }
}

void ModelCache::answer(const std::string& digest, const Waiter& waiter, const Status& status,
                        std::uint64_t transferred) {
  Fetched fetched{.ticket = waiter.ticket, .status = status, .transferred_bytes = transferred};
  fetched.took = transferred > 0 ? clock_.now() - waiter.since : Duration(0);
  if (status) {
    fetched.path = blob_path(options_.directory, digest);
  }
  if (!status || !waiter.want_bytes) {
    boost::asio::post(strand_, [this, fetched] { events_.blob_fetched(fetched); });
    return;
  }
  boost::asio::post(files_, [this, digest, fetched]() mutable {
    auto bytes = read_blob(options_.directory, digest);
    if (bytes) {
      fetched.bytes = std::make_shared<const std::string>(*std::move(bytes));
    } else {
      fetched.status = fail(std::move(bytes).error());
    }
    boost::asio::post(strand_, [this, fetched] { events_.blob_fetched(fetched); });
  });
}

void ModelCache::answer_all(const std::string& digest, const Status& status,
                            std::uint64_t transferred) {
  for (const Waiter& waiter : std::exchange(entries_.at(digest).waiters, {})) {
    answer(digest, waiter, status, transferred);
  }
}

void ModelCache::verify(const std::string& digest) {
  boost::asio::post(files_, [this, digest] {
    const Status status = verify_blob(options_.directory, digest);
    boost::asio::post(strand_, [this, digest, status] {
      Entry& entry = entries_.at(digest);
      if (status) {
        entry.state = State::kPresent;
        return answer_all(digest, status, 0);
      }
      log_.warn("a cached blob is fetched again: {}", status.error().message);
      entry.state = State::kFetching;
      entry.size_bytes = 0;
      wanted_.push_back(digest);
      begin_downloads();
    });
  });
}

void ModelCache::begin_downloads() {
  while (downloading_ < options_.transfers && !wanted_.empty() && !closed_) {
    auto download = std::make_shared<Download>();
    download->digest = std::move(wanted_.front());
    download->progress = clock_.now();
    wanted_.pop_front();
    ++downloading_;
    attempt(download);
  }
}

void ModelCache::attempt(std::shared_ptr<Download> download) {
  boost::asio::post(files_, [this, download] {
    if (!download->part) {
      auto part = PartFile::open(options_.directory, download->digest);
      if (!part) {
        const Status status = fail(std::move(part).error());
        boost::asio::post(strand_, [this, download, status] { attempt_ended(download, status); });
        return;
      }
      download->part.emplace(*std::move(part));
    }
    download->file_status = {};
    download->after_first_bytes = 0;
    download->first_chunk = {};
    source_.fetch(
        download->digest, download->part->size_bytes(),
        [this, download](BlobSource::Chunk piece, const BlobSource::Next& next) {
          auto held = std::make_shared<BlobSource::Chunk>(std::move(piece));
          boost::asio::post(
              files_, [this, download, held, next] { chunk(download, std::move(*held), next); });
        },
        [this, download](Status status) {
          boost::asio::post(files_, [this, download, status] {
            Status end = download->file_status ? status : download->file_status;
            if (end) {
              end = download->part->commit();
              download->part.reset();
            }
            boost::asio::post(strand_, [this, download, end] { attempt_ended(download, end); });
          });
        });
  });
}

void ModelCache::chunk(std::shared_ptr<Download> download, BlobSource::Chunk chunk,
                       const BlobSource::Next& next) {
  const Instant now = clock_.now();
  if (download->first_chunk == Instant{}) {
    download->first_chunk = now;
    if (chunk.total_bytes > options_.limit_bytes) {
      download->file_status =
          fail(ErrorCode::kTooLarge,
               fmt::format("{} has {} bytes and the cache holds {}", download->digest,
                           chunk.total_bytes, options_.limit_bytes));
      return next(false);
    }
  } else {
    download->after_first_bytes += chunk.data.size();
    const double spent_s = to_seconds(now - download->first_chunk);
    if (download->after_first_bytes >= kBandwidthSampleBytes && spent_s > 0) {
      download->bytes_per_s = static_cast<double>(download->after_first_bytes) / spent_s;
    }
  }
  download->received_bytes += chunk.data.size();
  download->file_status = download->part->append(chunk.data);
  next(download->file_status.has_value());
}

void ModelCache::attempt_ended(std::shared_ptr<Download> download, Status status) {
  const Instant now = clock_.now();
  if (download->received_bytes > download->known_bytes) {
    download->known_bytes = download->received_bytes;
    download->progress = now;
    download->failures = 0;
  }
  if (status || closed_) {
    return download_ended(download, status);
  }
  const bool corrupt = status.error().code == ErrorCode::kCorrupt && download->corrupt++ == 0;
  const bool wait = worth_retrying(status) && now - download->progress < options_.give_up;
  const bool wanted = entries_.at(download->digest).holds > 0;
  if (!wanted || !(corrupt || wait)) {
    return download_ended(download, status);
  }
  log_.debug("download of {} goes on later: {}", download->digest, status.error().message);
  auto timer = std::make_shared<boost::asio::steady_timer>(strand_);
  retry(timer, download->failures++, [this, download] { attempt(download); });
}

void ModelCache::download_ended(const std::shared_ptr<Download>& download, const Status& status) {
  Entry& entry = entries_.at(download->digest);
  --downloading_;
  if (status) {
    std::error_code ignored;
    entry.state = State::kPresent;
    entry.size_bytes =
        std::filesystem::file_size(blob_path(options_.directory, download->digest), ignored);
    log_.info("fetched {}: {} bytes", download->digest, download->received_bytes);
  } else {
    entry.state = State::kAbsent;
    log_.warn("{} could not be fetched: {}", download->digest, status.error().message);
  }
  if (download->bytes_per_s > 0) {
    events_.bandwidth_measured(download->bytes_per_s);
  }
  answer_all(download->digest, status, download->received_bytes);
  evict();
  begin_downloads();
}

void ModelCache::store(BlobTicket ticket, std::shared_ptr<const std::string> bytes, Master) {
  auto upload = std::make_shared<Upload>(Upload{.ticket = ticket, .bytes = std::move(bytes)});
  boost::asio::post(files_, [this, upload] {
    upload->digest = sha256_digest(*upload->bytes);
    boost::asio::post(strand_, [this, upload] { attempt(upload); });
  });
}

void ModelCache::attempt(std::shared_ptr<Upload> upload) {
  upload->begun = clock_.now();
  source_.upload(upload->digest, upload->bytes, [this, upload](Status status) {
    boost::asio::post(strand_, [this, upload, status] {
      if (!status && worth_retrying(status) && !closed_) {
        auto timer = std::make_shared<boost::asio::steady_timer>(strand_);
        return retry(timer, upload->failures++, [this, upload] { attempt(upload); });
      }
      const double spent_s = to_seconds(clock_.now() - upload->begun);
      if (status && upload->bytes->size() >= kBandwidthSampleBytes && spent_s > 0) {
        events_.bandwidth_measured(static_cast<double>(upload->bytes->size()) / spent_s);
      }
      Stored stored{.ticket = upload->ticket, .digest = upload->digest};
      if (!status) {
        stored.digest = fail(status.error());
      }
      events_.blob_stored(stored);
    });
  });
}

void ModelCache::retry(std::shared_ptr<boost::asio::steady_timer> timer, std::uint32_t failures,
                       std::function<void()> again) {
  const Duration grown = options_.retry_base * (std::int64_t{1} << std::min(failures, 16u));
  const Duration longest = std::min(grown, options_.retry_cap);
  std::erase_if(timers_, [](const auto& old) { return old.expired(); });
  timers_.push_back(timer);
  timer->expires_after(Duration(
      static_cast<std::int64_t>(random_.uniform() * static_cast<double>(longest.count()))));
  timer->async_wait([timer, again = std::move(again)](const boost::system::error_code& stopped) {
    if (!stopped) {
      again();
    }
  });
}

void ModelCache::close() {
  closed_ = true;
  for (const auto& held : timers_) {
    if (const auto timer = held.lock()) {
      timer->cancel();
    }
  }
}

void ModelCache::evict() {
  while (size_bytes() > options_.limit_bytes) {
    auto oldest = entries_.end();
    for (auto at = entries_.begin(); at != entries_.end(); ++at) {
      const bool kept =
          at->second.state == State::kPresent || at->second.state == State::kUnverified;
      const bool free = kept && at->second.holds == 0 && at->second.size_bytes > 0;
      if (free && (oldest == entries_.end() || at->second.used < oldest->second.used)) {
        oldest = at;
      }
    }
    if (oldest == entries_.end()) {
      return;
    }
    log_.info("{} is removed from the cache: {} bytes", oldest->first, oldest->second.size_bytes);
    ::unlink(blob_path(options_.directory, oldest->first).c_str());
    entries_.erase(oldest);
  }
}

}  // namespace skerry::agent
