// load.h: many keep-alive connections that each send a request, wait for its answer, and send the
// next.
//
// A closed loop: what it finds is the service's latency at this concurrency, and its throughput. With
// a rate, requests are due at fixed times instead, spread over the connections, and their latency
// counts from when they were due; what a connection cannot send in time it sends late.
// Requests are written from bytes prepared once; bodies are taken in turn. An answer with another
// status than expected counts as an error, and its time does not; so does a connection that breaks,
// which is opened again.

#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "bench/load/histogram.h"

namespace skerry::bench {

struct LoadOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::string ca_file;  // not empty: over TLS, to a server of this authority
  std::string method = "GET";
  std::string target = "/";
  std::vector<std::string> headers;        // "Name: value"
  std::vector<std::string> bodies = {""};  // in turn
  std::string key_prefix;  // not empty: each request gets Idempotency-Key: <prefix><number>
  std::string source;      // address to connect from; empty = the kernel's choice
  unsigned connections = 1;
  double rate_per_s = 0;  // of all connections together; 0 = as fast as answers come
  std::chrono::duration<double> warmup{0};  // not counted
  std::chrono::duration<double> measured{10};
  std::uint64_t requests = 0;  // stop after that many answers, warm-up included; 0 = no such limit
  unsigned expect_status = 200;
};

struct LoadReport {
  std::uint64_t answers = 0;  // as expected, within the measured time
  std::uint64_t errors = 0;
  double seconds = 0;  // the measured time
  std::uint64_t received_bytes = 0;
  Histogram latency;
  std::map<unsigned, std::uint64_t> by_status;  // 0: no answer
  std::string first_error;                      // the body or reason of the first error
};

// Throws std::runtime_error if the authority cannot be read.
LoadReport run_load(const LoadOptions& options);

}  // namespace skerry::bench
