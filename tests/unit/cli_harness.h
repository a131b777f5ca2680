// cli_harness.h: what tests of skerryctl's commands need: a small HTTP server that answers as the
// test says, and a run of the real program against it.
//
// The server listens on a loopback port that the kernel picks, and takes one connection after
// another on a thread of its own. Run programs to their end before it goes.

#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/tls/context.h"

namespace skerry::cli {

struct ServedRequest {
  std::string method;
  std::string target;
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;

  std::string line() const { return method + " " + target; }
};

struct ServedAnswer {
  int status = 200;
  std::string body;
  std::map<std::string, std::string> headers = {};
  // Instead of a body: sent one by one as an answer without a length, which ends with the
  // connection.
  std::vector<std::string> pieces = {};
  bool hang_up = false;  // closes the connection after the answer, without having said so
  bool silent = false;   // closes the connection instead of answering
};

class ScriptedServer {
 public:
  using Handler = std::function<ServedAnswer(const ServedRequest&)>;
  // With a context, over TLS.
  explicit ScriptedServer(Handler handler, tls::Context context = {});
  // Answers "METHOD /target" from a table; anything else is a 404 problem.
  explicit ScriptedServer(std::map<std::string, ServedAnswer> answers);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  std::string url() const;
  std::string port() const;
  std::vector<ServedRequest> requests() const;     // so far
  std::vector<std::string> request_lines() const;  // of them

 private:
  struct State;
  std::unique_ptr<State> state_;
};

ServedAnswer problem(int status, std::string_view code, std::string_view detail);

struct Finished {
  int exit_code = -1;
  std::string out;
  std::string err;
};
// Runs skerryctl in a clean environment plus `environment` ("NAME=value"), with nothing on standard
// input.
Finished run_skerryctl(const std::vector<std::string>& arguments,
                       const std::vector<std::string>& environment = {});

// A folder that goes with the object.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  std::string path(std::string_view name) const;
  std::string write(std::string_view name, std::string_view bytes) const;  // returns the path

 private:
  std::string folder_;
};

}  // namespace skerry::cli
