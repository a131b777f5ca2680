#include "tests/relay/pipe.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <utility>

namespace skerry::relay {

namespace {
constexpr auto kAsTuple = asio::as_tuple(asio::use_awaitable);
}  // namespace

double steady_now_s() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

Pipe::Pipe(Socket& source, Socket& sink, Shaper& shaper, std::function<void()> on_failed)
    : source_(source),
      sink_(sink),
      shaper_(shaper),
      on_failed_(std::move(on_failed)),
      buffer_(kMaxChunkBytes),
      wake_reader_(source.get_executor(), asio::steady_timer::time_point::max()),
      wake_writer_(source.get_executor(), asio::steady_timer::time_point::max()) {}

asio::awaitable<void> Pipe::read_side() {
  while (!closed_) {
    if (stalled_ || in_flight_bytes_ >= kMaxInFlightBytes) {
      co_await wake_reader_.async_wait(kAsTuple);
      continue;
    }
    const auto [error, count] = co_await source_.async_read_some(
        asio::buffer(buffer_, shaper_.chunk_bytes(buffer_.size())), kAsTuple);
    if (closed_) {
      break;
    }
    if (error && error != asio::error::eof) {
      fail();
      break;
    }
    std::string bytes(buffer_.data(), count);
    const double left_s = shaper_.reserve(steady_now_s(), count);
    co_await sleep_until(left_s);
    push(std::move(bytes), left_s);
    if (error) {
      break;  // the end is under way
    }
  }
}

asio::awaitable<void> Pipe::write_side() {
  while (!closed_) {
    if (stalled_ || in_flight_.empty()) {
      co_await wake_writer_.async_wait(kAsTuple);
      continue;
    }
    if (in_flight_.front().arrives_s > steady_now_s()) {
      co_await sleep_until(in_flight_.front().arrives_s);
      continue;  // it may have been stalled or closed meanwhile
    }
    Chunk chunk = std::move(in_flight_.front());
    in_flight_.pop_front();
    const std::size_t size = chunk.bytes.size();
    const bool more = co_await deliver(std::move(chunk));
    in_flight_bytes_ -= size;
    wake_reader_.cancel();
    if (!more) {
      break;
    }
  }
}

asio::awaitable<bool> Pipe::deliver(Chunk chunk) {
  if (chunk.bytes.empty()) {
    boost::system::error_code ignored;  // the sink may be gone already
    sink_.shutdown(Socket::shutdown_send, ignored);
    co_return false;
  }
  const std::size_t size =
      std::min(chunk.bytes.size(), allowance_bytes_.value_or(chunk.bytes.size()));
  const auto [error, count] =
      co_await asio::async_write(sink_, asio::buffer(chunk.bytes.data(), size), kAsTuple);
  delivered_bytes_ += count;
  if (allowance_bytes_) {
    *allowance_bytes_ -= std::min(count, *allowance_bytes_);
  }
  if (closed_) {
    co_return false;
  }
  if (error || allowance_bytes_ == 0U) {
    fail();
    co_return false;
  }
  co_return true;
}

void Pipe::stall(bool stalled) {
  stalled_ = stalled;
  wake_reader_.cancel();
  wake_writer_.cancel();
}

void Pipe::truncate(std::size_t after_bytes) {
  allowance_bytes_ = after_bytes;
  if (after_bytes == 0) {
    fail();
  }
}

void Pipe::half_close() {
  boost::system::error_code ignored;
  sink_.shutdown(Socket::shutdown_send, ignored);
  close();
}

void Pipe::close() {
  closed_ = true;
  wake_reader_.cancel();
  wake_writer_.cancel();
}

asio::awaitable<void> Pipe::sleep_until(double at_s) {
  using Clock = std::chrono::steady_clock;
  const auto due = Clock::time_point(
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(at_s)));
  asio::steady_timer timer(source_.get_executor(), due);
  co_await timer.async_wait(kAsTuple);
}

void Pipe::push(std::string bytes, double left_s) {
  last_arrival_s_ = std::max(last_arrival_s_, shaper_.arrival(left_s));
  in_flight_bytes_ += bytes.size();
  in_flight_.push_back({.arrives_s = last_arrival_s_, .bytes = std::move(bytes)});
  wake_writer_.cancel();
}

void Pipe::fail() {
  close();
  on_failed_();
}

}  // namespace skerry::relay
