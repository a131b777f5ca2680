// stream.h: the bytes of one connection: a socket as it is, or TLS over it.
//
// What is above does not know which of the two, and neither do its templates: the choice is made at run
// time, in stream.cc, which alone knows Asio's TLS. A stream starts as it is; secure() makes it TLS.
//
// Owned by its Connection and used on its strand: one read and one write may be under way at a time,
// none while secure() or finish() is. cancel() ends them with operation_aborted; a read may then be
// repeated, a write may not, since some of it has left.

#pragma once

#include <boost/asio/buffer.hpp>
#include <cstddef>
#include <functional>
#include <memory>
#include <tuple>

#include "common/error.h"
#include "common/tls/context.h"
#include "controller/api/task.h"

namespace skerry::api {

class Stream {
 public:
  using Done = std::move_only_function<void(boost::system::error_code, std::size_t)>;

  explicit Stream(Socket socket);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  Executor executor() { return socket_.get_executor(); }

  // The server's side of a handshake, begun by the client's first byte. kUnsupported: it does not speak
  // TLS, and may be answered as it is; kUnauthenticated: the handshake failed, or was cancelled, and
  // nothing more can be said.
  Task<Status> secure(tls::Context context);

  // Some bytes, at least one, or an error: eof if the other side has said all.
  void read_some(asio::mutable_buffer into, Done done);
  void write_all(asio::const_buffer bytes, Done done);
  // The same, to be awaited.
  using Transfer = std::tuple<boost::system::error_code, std::size_t>;
  Task<Transfer> read_some(asio::mutable_buffer into);
  Task<Transfer> write_all(asio::const_buffer bytes);

  // Tells the other side that this one has said all. What is read from then on are bytes of the socket,
  // good for nothing but noticing its end.
  Task<void> finish();

  void cancel();
  void close();

 private:
  struct Tls;

  Socket socket_;
  std::unique_ptr<Tls> tls_;
};

}  // namespace skerry::api
