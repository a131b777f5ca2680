// api_smuggling_vectors.h: requests that two parsers could read differently, as data.
//
// Each is followed by another request, which must never be served. kBody stands where the body or what
// pretends to be one follows; sections are those of RFC 9112.

#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace skerry::api {

struct SmugglingVector {
  std::string_view name;
  std::string bytes;
  int status = 400;  // that refuses it
};

inline std::string repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) {
    all += text;
  }
  return all;
}

// A POST with these header lines, and what follows them.
inline std::string post(std::string_view headers, std::string_view body) {
  return "POST /first HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n" + std::string(body);
}
inline std::string chunked(std::string_view body) {
  return post("Transfer-Encoding: chunked\r\n", body);
}
inline std::string get(std::string_view headers) {
  return "GET /first HTTP/1.1\r\nHost: x\r\n" + std::string(headers) + "\r\n";
}

inline std::vector<SmugglingVector> smuggling_vectors() {
  using std::string_view_literals::operator""sv;
  constexpr std::string_view kChunks = "5\r\nhello\r\n0\r\n\r\n";
  constexpr std::string_view kHello = "hello";
  const auto coding = [&](std::string_view value) {
    return post("Transfer-Encoding:" + std::string(value) + "\r\n", kChunks);
  };
  const auto length = [&](std::string_view value) {
    return post("Content-Length:" + std::string(value) + "\r\n", kHello);
  };
  const auto trailer = [&](std::string_view fields) {
    return chunked("5\r\nhello\r\n0\r\n" + std::string(fields) + "\r\n");
  };
  return {
      // 6.1: where a transfer coding and a length meet
      {"a length, then a coding",
       post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", kChunks)},
      {"a coding, then a length",
       post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", kChunks)},
      {"an unknown coding and a length",
       post("Transfer-Encoding: x\r\nContent-Length: 5\r\n", kHello)},
      {"a coding in HTTP/1.0",
       "POST /first HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n"
       "Transfer-Encoding: chunked\r\n\r\n" +
           std::string(kChunks)},
      // codings that only look like chunked
      {"coding xchunked", coding(" xchunked")},
      {"coding identity", coding(" identity")},
      {"coding gzip", coding(" gzip")},
      {"coding gzip, chunked", coding(" gzip, chunked")},
      {"coding chunked, identity", coding(" chunked, identity")},
      {"coding chunked, chunked", coding(" chunked, chunked")},
      {"coding chunked with an empty one", coding(" chunked,")},
      {"coding chunked with a parameter", coding(" chunked;q=1")},
      {"coding in quotes", coding(" \"chunked\"")},
      {"coding left out", coding("")},
      {"coding behind a vertical tab", coding(" \vchunked")},
      {"coding behind a NUL", coding(" \0chunked"sv)},
      {"coding with a NUL in it", coding(" chun\0ked"sv)},
      {"coding with a non-ASCII space", coding(" \xa0"
                                               "chunked")},
      {"coding in a folded line", coding("\r\n chunked")},
      {"coding in a line folded by a tab", coding(" identity,\r\n\tchunked")},
      {"two codings",
       post("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", kChunks)},
      {"two codings, the good one last",
       post("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", kChunks)},
      {"a space before the coding's colon", post("Transfer-Encoding : chunked\r\n", kChunks)},
      {"a tab before the coding's colon", post("Transfer-Encoding\t: chunked\r\n", kChunks)},
      {"a NUL before the coding's colon", post("Transfer-Encoding\0: chunked\r\n"sv, kChunks)},
      {"a space before the coding's name", post(" Transfer-Encoding: chunked\r\n", kChunks)},
      {"a coding with an underscore", post("Transfer_Encoding: chunked\r\n", kChunks)},
      {"a coding behind a bare LF", post("X: y\nTransfer-Encoding: chunked\r\n", kChunks)},
      {"a coding behind a bare CR", post("X: y\rTransfer-Encoding: chunked\r\n", kChunks)},
      // 6.2: lengths
      {"two lengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", kHello)},
      {"the same length twice", post("Content-Length: 5\r\nContent-Length: 5\r\n", kHello)},
      {"a list of lengths", length(" 5, 6")},
      {"a list of equal lengths", length(" 5, 5")},
      {"a positive length", length(" +5")},
      {"a negative length", length(" -5")},
      {"a hexadecimal length", length(" 0x5")},
      {"an octal length", length(" 05")},
      {"a fraction of a length", length(" 5.0")},
      {"a length with an exponent", length(" 5e0")},
      {"two numbers as a length", length(" 5 5")},
      {"a length in quotes", length(" \"5\"")},
      {"a length in words", length(" five")},
      {"no length", length("")},
      {"a length beyond 64 bits", length(" 18446744073709551621")},
      {"a length of a hundred digits", length(" " + repeat("9", 100))},
      {"a length with a NUL", length(" 5\0"sv)},
      {"a length in a folded line", length("\r\n 5")},
      {"a length with an underscore", post("Content_Length: 5\r\n", kHello)},
      {"a space before the length's colon", post("Content-Length : 5\r\n", kHello)},
      // 7.1: chunks
      {"a chunk of positive size", chunked("+5\r\nhello\r\n0\r\n\r\n")},
      {"a chunk of negative size", chunked("-5\r\nhello\r\n0\r\n\r\n")},
      {"a chunk's size as 0x5", chunked("0x5\r\nhello\r\n0\r\n\r\n")},
      {"a chunk's size as 0X5", chunked("0X5\r\nhello\r\n0\r\n\r\n")},
      {"a space before a chunk's size", chunked(" 5\r\nhello\r\n0\r\n\r\n")},
      {"a space behind a chunk's size", chunked("5 \r\nhello\r\n0\r\n\r\n")},
      {"a space before a chunk's extension", chunked("5 ;a=b\r\nhello\r\n0\r\n\r\n")},
      {"a chunk's size in words", chunked("five\r\nhello\r\n0\r\n\r\n")},
      {"a chunk without a size", chunked("\r\nhello\r\n0\r\n\r\n")},
      {"a chunk of more than 64 bits", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n")},
      {"a chunk's size with a NUL", chunked("5\0\r\nhello\r\n0\r\n\r\n"sv)},
      {"a chunk's size behind a bare LF", chunked("5\nhello\r\n0\r\n\r\n")},
      {"a chunk's size behind a bare CR", chunked("5\rhello\r\n0\r\n\r\n")},
      {"a chunk that is longer than its size", chunked("5\r\nhelloo\r\n0\r\n\r\n")},
      {"a chunk that ends in a bare LF", chunked("5\r\nhello\n0\r\n\r\n")},
      {"a last chunk that ends in bare LFs", chunked("5\r\nhello\r\n0\n\n")},
      {"no last chunk", chunked("5\r\nhello\r\n")},
      {"an extension without a name", chunked("5;\r\nhello\r\n0\r\n\r\n")},
      {"an extension over two lines", chunked("5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n")},
      {"a flood of extensions in one chunk",
       chunked("5" + repeat(";a=b", 5000) + "\r\nhello\r\n0\r\n\r\n")},
      {"a flood of extensions over many chunks",
       chunked(repeat("1;ext=" + repeat("e", 90) + "\r\nx\r\n", 200) + "0\r\n\r\n")},
      {"an extension without an end", chunked("5;a=" + repeat("b", 20'000))},
      // 7.1.2: trailers
      {"a length in the trailer", trailer("Content-Length: 5\r\n")},
      {"a coding in the trailer", trailer("Transfer-Encoding: chunked\r\n")},
      {"a Host in the trailer", trailer("Host: y\r\n")},
      {"a token in the trailer", trailer("Authorization: Bearer x\r\n")},
      {"a Connection in the trailer", trailer("Connection: close\r\n")},
      {"a folded trailer", trailer("A: b\r\n c\r\n")},
      {"a trailer with a bare LF", trailer("A: b\nC: d\r\n")},
      {"a trailer of many fields", trailer(repeat("A: b\r\n", 17))},
      {"a trailer of many bytes", trailer("A: " + repeat("b", 5000) + "\r\n")},
      {"a trailer without an end", chunked("0\r\nA: " + repeat("b", 20'000))},
      // 2.3, 3: the first line
      {"HTTP/0.9", "GET /first\r\n"},
      {"HTTP/0.9 in a header's clothes", "GET /first HTTP/0.9\r\nHost: x\r\n\r\n"},
      {"HTTP/1.2", "GET /first HTTP/1.2\r\nHost: x\r\n\r\n"},
      {"HTTP/1.10", "GET /first HTTP/1.10\r\nHost: x\r\n\r\n"},
      {"HTTP/2's first words", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"},
      {"a version in lower case", "GET /first http/1.1\r\nHost: x\r\n\r\n"},
      {"a space behind the version", "GET /first HTTP/1.1 \r\nHost: x\r\n\r\n"},
      {"two spaces before the target", "GET  /first HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a tab before the target", "GET\t/first HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a first line that ends in a bare LF", "GET /first HTTP/1.1\nHost: x\n\n"},
      {"an empty line first", "\r\nGET /first HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a method in lower case", "get /first HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a method that nobody knows", "SMUGGLE /first HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a very long method", repeat("M", 10'000) + " /first HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a method that is longer than a header", repeat("M", 20'000), 431},
      {"a method with a NUL", std::string("GE\0T /first HTTP/1.1\r\nHost: x\r\n\r\n"sv)},
      // 3.2: targets
      {"a whole URL", "GET http://x/first HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a whole URL of another host", "GET http://y/first HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a host and port", "CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"an asterisk", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a target without a slash", "GET first HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a fragment", "GET /first#x HTTP/1.1\r\nHost: x\r\n\r\n"},
      {"a target with a NUL", std::string("GET /fi\0rst HTTP/1.1\r\nHost: x\r\n\r\n"sv)},
      {"no target", "GET HTTP/1.1\r\nHost: x\r\n\r\n"},
      // 3.2, 9110 7.2: Host
      {"no Host", "GET /first HTTP/1.1\r\nX: y\r\n\r\n"},
      {"two Hosts", get("Host: y\r\n")},
      {"the same Host twice", get("Host: x\r\n")},
      {"an empty Host", "GET /first HTTP/1.1\r\nHost:\r\n\r\n"},
      {"a list of Hosts", "GET /first HTTP/1.1\r\nHost: x, y\r\n\r\n"},
      {"a Host with a user", "GET /first HTTP/1.1\r\nHost: y@x\r\n\r\n"},
      {"a Host with a path", "GET /first HTTP/1.1\r\nHost: x/y\r\n\r\n"},
      {"a Host with a port that is none", "GET /first HTTP/1.1\r\nHost: x:80x\r\n\r\n"},
      {"a Host in brackets that are not closed", "GET /first HTTP/1.1\r\nHost: [::1\r\n\r\n"},
      {"a folded Host", "GET /first HTTP/1.1\r\nHost:\r\n x\r\n\r\n"},
      // 5: fields
      {"a folded field", get("X: y\r\n z\r\n")},
      {"a folded field of blanks", get("X: y\r\n  \r\n")},
      {"a field that goes on after the first line",
       "GET /first HTTP/1.1\r\n X: y\r\nHost: x\r\n\r\n"},
      {"a field without a name", get(": y\r\n")},
      {"a field without a colon", get("X y\r\n")},
      {"a field with a NUL", get("X: \0\r\n"sv)},
      {"a field with a DEL", get("X: \x7f\r\n")},
      {"a name with a non-ASCII letter", get("X\xc3\xa9: y\r\n")},
      {"a header that ends in bare LFs", "GET /first HTTP/1.1\r\nHost: x\r\nX: y\n\n"},
      // 9110 7.6.1: what Connection names, a proxy takes out
      {"Connection names the length",
       post("Connection: close, Content-Length\r\nContent-Length: 5\r\n", kHello)},
      {"Connection names the coding",
       post("Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n", kChunks)},
      {"Connection names the Host", get("Connection: Host\r\n")},
      {"Connection names the token", get("Connection: keep-alive, Authorization\r\n")},
      {"Connection is no list", get("Connection: close;x\r\n")},
      {"Proxy-Connection names the length", get("Proxy-Connection: Content-Length\r\n")},
      // 9110 10.1.1
      {"an expectation that nobody knows", post("Expect: 200-ok\r\nContent-Length: 5\r\n", kHello),
       417},
      {"an expectation and another",
       post("Expect: 100-continue, x\r\nContent-Length: 5\r\n", kHello), 417},
      {"two expectations",
       post("Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 5\r\n", kHello), 417},
      {"an expectation of a body without a length's end",
       post("Expect: 100-continue\r\nTransfer-Encoding: chunked, x\r\n", kChunks)},
  };
}

}  // namespace skerry::api
