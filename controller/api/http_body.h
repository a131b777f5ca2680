// http_body.h: a Beast body whose bytes are taken out piece by piece, so that a request's body is
// collected or streamed with the same parser.

#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional.hpp>
#include <cstdint>
#include <string>

namespace skerry::api {

struct PieceBody {
  using value_type = std::string;

  class reader {  // NOLINT(readability-identifier-naming): the name that Beast asks for
   public:
    template <bool isRequest, class Fields>
    explicit reader(boost::beast::http::header<isRequest, Fields>&, value_type& bytes)
        : bytes_(bytes) {}

    void init(const boost::optional<std::uint64_t>&, boost::beast::error_code& error) {
      error = {};
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, boost::beast::error_code& error) {
      error = {};
      for (const auto piece : boost::beast::buffers_range_ref(buffers)) {
        bytes_.append(static_cast<const char*>(piece.data()), piece.size());
      }
      return boost::beast::buffer_bytes(buffers);
    }
    void finish(boost::beast::error_code& error) { error = {}; }

   private:
    value_type& bytes_;
  };
};

}  // namespace skerry::api
