// task.h: the coroutine type of this folder, and how a coroutine waits for something that answers
// by callback.
//
// Every connection has a strand of its own, and its coroutines run there and nowhere else. What
// runs elsewhere (the core, the file pool) hands its answer over by posting to that strand.

#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "common/error.h"

namespace skerry::api {

namespace asio = boost::asio;

using Executor = asio::strand<asio::io_context::executor_type>;
using Socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
template <typename T = void>
using Task = asio::awaitable<T, Executor>;

inline constexpr asio::use_awaitable_t<Executor> kAwait;
inline constexpr auto kAwaitTuple = asio::as_tuple(asio::use_awaitable_t<Executor>());

// Resumes a waiting coroutine with a result: call it once, from any thread. If it is destroyed
// uncalled, because whoever should have answered is gone, the coroutine resumes with kUnavailable.
template <typename T, typename Handler>
class Handover {
 public:
  explicit Handover(Handler handler)
      : executor_(asio::prefer(asio::get_associated_executor(handler),
                               asio::execution::outstanding_work.tracked)),
        handler_(std::move(handler)) {}
  Handover(Handover&& other) noexcept
      : executor_(other.executor_), handler_(std::exchange(other.handler_, std::nullopt)) {}
  Handover& operator=(Handover&&) = delete;
  ~Handover() {
    if (handler_) {
      (*this)(fail(ErrorCode::kUnavailable, "the controller is stopping"));
    }
  }

  void operator()(Result<T> result) {
    asio::post(executor_,
               [handler = std::move(*std::exchange(handler_, std::nullopt)),
                result = std::move(result)]() mutable { std::move(handler)(std::move(result)); });
  }

 private:
  using Tracked =
      decltype(asio::prefer(asio::get_associated_executor(std::declval<const Handler&>()),
                            asio::execution::outstanding_work.tracked));
  Tracked executor_;
  std::optional<Handler> handler_;
};

// co_await await_callback<T>([…](auto done) { … }): suspends, runs the lambda, and yields what
// `done` is called with.
template <typename T, typename Start>
Task<Result<T>> await_callback(Start start) {
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void(Result<T>)>(
      [start = std::move(start)]<typename Handler>(Handler handler) mutable {
        start(Handover<T, Handler>(std::move(handler)));
      },
      kAwait);
}

}  // namespace skerry::api
