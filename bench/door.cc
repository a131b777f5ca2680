// skerry-bench-door: what TLS costs on the agents' port: plain text, gRPC's own TLS, and the door in front
// of gRPC, one after the other.
//
// A server of its own process (this program again, as `serve WAY FOLDER`) echoes frames, takes uploads and
// answers fetches. For each way:
//   rtt_us      of a frame of a heartbeat's size, there and back, one at a time: median and 99th percentile
//   connect_ms  from nothing to the first echo: median
//   upload, fetch  of one connection, MB/s
//   kb_per_connection  resident memory of the server, for each of 200 connections with an open stream
// Prints one JSON object.

#include "controller/hub/door/door.h"

#include <fmt/core.h>
#include <grpcpp/grpcpp.h>
#include <grpcpp/server_posix.h>
#include <spdlog/sinks/null_sink.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "common/pki/authority.h"
#include "common/pki/secret_file.h"
#include "common/pki/tls_context.h"
#include "skerry/v1/agent.grpc.pb.h"

namespace skerry::bench {
namespace {

namespace fs = std::filesystem;
using std::chrono::steady_clock;

constexpr const char* kDomain = "bench.skerry";
constexpr const char* kHost = "controller.bench";
constexpr std::array kWays = {"plain", "grpc_tls", "door"};
constexpr int kWarmUp = 2000;
constexpr int kEchoes = 20'000;
constexpr int kConnects = 50;
constexpr int kIdle = 200;
constexpr std::uint64_t kBulkBytes = 512ull << 20;
constexpr std::size_t kChunkBytes = 128 << 10;

std::string content_of(const fs::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// ---- the server's process

class Echo final : public v1::AgentLink::CallbackService {
 public:
  class Session final : public grpc::ServerBidiReactor<v1::AgentFrame, v1::ControllerFrame> {
   public:
    Session() { StartRead(&in_); }
    void OnReadDone(bool ok) override {
      if (!ok) {
        return Finish(grpc::Status::OK);
      }
      out_.Clear();
      out_.add_messages()->mutable_heartbeat_ack()->set_sent_us(
          in_.messages(0).heartbeat().sent_us());
      StartWrite(&out_);
    }
    void OnWriteDone(bool ok) override {
      if (!ok) {
        return Finish(grpc::Status::OK);
      }
      StartRead(&in_);
    }
    void OnDone() override { delete this; }

   private:
    v1::AgentFrame in_;
    v1::ControllerFrame out_;
  };
  class Fetch final : public grpc::ServerWriteReactor<v1::Chunk> {
   public:
    explicit Fetch(std::uint64_t bytes) : left_(bytes) {
      chunk_.set_data(std::string(kChunkBytes, 'x'));
      next();
    }
    void OnWriteDone(bool) override { next(); }
    void OnDone() override { delete this; }

   private:
    void next() {
      if (left_ < kChunkBytes) {
        return Finish(grpc::Status::OK);
      }
      left_ -= kChunkBytes;
      StartWrite(&chunk_);
    }
    std::uint64_t left_;
    v1::Chunk chunk_;
  };
  class Upload final : public grpc::ServerReadReactor<v1::UploadChunk> {
   public:
    explicit Upload(v1::UploadReply& reply) : reply_(reply) { StartRead(&chunk_); }
    void OnReadDone(bool ok) override {
      if (!ok) {
        return Finish(grpc::Status::OK);
      }
      reply_.set_size_bytes(reply_.size_bytes() + chunk_.data().size());
      StartRead(&chunk_);
    }
    void OnDone() override { delete this; }

   private:
    v1::UploadReply& reply_;
    v1::UploadChunk chunk_;
  };

 private:
  grpc::ServerBidiReactor<v1::AgentFrame, v1::ControllerFrame>* Session(
      grpc::CallbackServerContext*) override {
    return new class Session();
  }
  grpc::ServerWriteReactor<v1::Chunk>* Fetch(grpc::CallbackServerContext*,
                                             const v1::FetchRequest* request) override {
    return new class Fetch(request->offset());
  }
  grpc::ServerReadReactor<v1::UploadChunk>* Upload(grpc::CallbackServerContext*,
                                                   v1::UploadReply* reply) override {
    return new class Upload(*reply);
  }
};

class Everybody final : public door::Admission {
  Status admit(const pki::Certificate&) override { return {}; }
};

std::shared_ptr<grpc::ServerCredentials> grpc_tls(const fs::path& folder) {
  grpc::SslServerCredentialsOptions options(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  const std::string identity = content_of(folder / "controller.pem");
  options.pem_root_certs = content_of(folder / "trust.pem");
  options.pem_key_cert_pairs.push_back({identity, identity});
  return grpc::SslServerCredentials(options);
}

// Serves until the parent ends; prints the port.
int serve(const std::string& way, const fs::path& folder) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  Echo service;
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);  // as the hub
  builder.AddChannelArgument(GRPC_ARG_HTTP2_STREAM_LOOKAHEAD_BYTES, 512 << 10);
  int port = 0;
  if (way != "door") {
    builder.AddListeningPort("127.0.0.1:0",
                             way == "plain" ? grpc::InsecureServerCredentials() : grpc_tls(folder),
                             &port);
  }
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  SystemClock clock;
  Everybody everybody;
  const auto log =
      make_log({.part = "bench"}, std::make_shared<spdlog::sinks::null_sink_mt>(), false);
  std::unique_ptr<door::Door> door;
  if (way == "door") {
    door::DoorOptions options;
    options.per_node = 10'000;
    options.handshakes.of_address = {.per_s = 10'000, .burst = 10'000};
    auto opened = door::Door::open(
        "127.0.0.1", 0, options,
        {.identity = *pki::identity_from_pem(content_of(folder / "controller.pem")),
         .trust = *pki::TrustBundle::from_pem(kDomain, content_of(folder / "trust.pem"))},
        [&](int fd) { grpc::AddInsecureChannelFromFd(server.get(), fd); }, everybody, clock, *log);
    if (!opened) {
      fmt::print(stderr, "skerry-bench-door: {}\n", opened.error().message);
      return 1;
    }
    door = *std::move(opened);
    port = door->port();
  }
  fmt::print("{}\n", port);
  std::fflush(stdout);
  server->Wait();
  return 0;
}

// ---- the agents' process

struct Server {
  pid_t pid = 0;
  int port = 0;

  double resident_kb() const {
    std::ifstream in(fmt::format("/proc/{}/statm", pid));
    double pages = 0;
    in >> pages >> pages;
    return pages * static_cast<double>(::sysconf(_SC_PAGESIZE)) / 1024;
  }
};

Server start_server(const std::string& way, const fs::path& folder) {
  int ends[2];
  if (::pipe(ends) != 0) {
    std::exit(1);
  }
  const pid_t pid = ::fork();
  if (pid == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execl("/proc/self/exe", "skerry-bench-door", "serve", way.c_str(), folder.c_str(), nullptr);
    ::_exit(127);
  }
  ::close(ends[1]);
  Server server{.pid = pid};
  std::FILE* const in = ::fdopen(ends[0], "r");
  if (std::fscanf(in, "%d", &server.port) != 1) {
    fmt::print(stderr, "skerry-bench-door: the server did not start\n");
    std::exit(1);
  }
  std::fclose(in);
  return server;
}

struct Agent {
  explicit Agent(int port, const std::shared_ptr<grpc::ChannelCredentials>& credentials) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    arguments.SetSslTargetNameOverride(kHost);
    stub = v1::AgentLink::NewStub(
        grpc::CreateCustomChannel(fmt::format("127.0.0.1:{}", port), credentials, arguments));
    stream = stub->Session(&context);
    v1::Heartbeat& heartbeat = *frame.add_messages()->mutable_heartbeat();
    heartbeat.set_sent_us(1'767'225'600'000'000);
    heartbeat.mutable_telemetry()->set_power_source(std::string(80, 'x'));
  }
  // Microseconds, there and back.
  double echo() {
    const auto start = steady_clock::now();
    v1::ControllerFrame answer;
    if (!stream->Write(frame) || !stream->Read(&answer)) {
      fmt::print(stderr, "skerry-bench-door: no echo: {}\n", stream->Finish().error_message());
      std::exit(1);
    }
    return std::chrono::duration<double, std::micro>(steady_clock::now() - start).count();
  }

  grpc::ClientContext context;
  std::unique_ptr<v1::AgentLink::Stub> stub;
  std::unique_ptr<grpc::ClientReaderWriter<v1::AgentFrame, v1::ControllerFrame>> stream;
  v1::AgentFrame frame;
};

double percentile(std::vector<double>& values, double fraction) {
  const auto at = values.begin() +
                  static_cast<std::ptrdiff_t>(fraction * static_cast<double>(values.size() - 1));
  std::ranges::nth_element(values, at);
  return *at;
}

double mb_per_s(std::uint64_t bytes, steady_clock::time_point since) {
  return static_cast<double>(bytes) / 1e6 /
         std::chrono::duration<double>(steady_clock::now() - since).count();
}

double fetch(v1::AgentLink::Stub& stub) {
  grpc::ClientContext context;
  v1::FetchRequest request;
  request.set_offset(kBulkBytes);
  const auto start = steady_clock::now();
  const auto stream = stub.Fetch(&context, request);
  v1::Chunk chunk;
  std::uint64_t got = 0;
  while (stream->Read(&chunk)) {
    got += chunk.data().size();
  }
  return mb_per_s(got, start);
}

double upload(v1::AgentLink::Stub& stub) {
  grpc::ClientContext context;
  v1::UploadReply reply;
  const auto start = steady_clock::now();
  const auto stream = stub.Upload(&context, &reply);
  v1::UploadChunk chunk;
  chunk.set_data(std::string(kChunkBytes, 'x'));
  for (std::uint64_t sent = 0; sent < kBulkBytes && stream->Write(chunk); sent += kChunkBytes) {
  }
  stream->WritesDone();
  stream->Finish();
  return mb_per_s(reply.size_bytes(), start);
}

std::string measure(const std::string& way, const fs::path& folder) {
  const Server server = start_server(way, folder);
  const std::string identity = content_of(folder / "node.pem");
  const auto credentials =
      way == "plain" ? grpc::InsecureChannelCredentials()
                     : grpc::SslCredentials({content_of(folder / "trust.pem"), identity, identity});
  Agent agent(server.port, credentials);
  for (int i = 0; i < kWarmUp; ++i) {
    agent.echo();
  }
  std::vector<double> echoes;
  for (int i = 0; i < kEchoes; ++i) {
    echoes.push_back(agent.echo());
  }
  std::vector<double> connects;
  for (int i = 0; i < kConnects; ++i) {
    const auto start = steady_clock::now();
    Agent(server.port, credentials).echo();
    connects.push_back(
        std::chrono::duration<double, std::milli>(steady_clock::now() - start).count());
  }
  const double upload_mb_per_s = upload(*agent.stub);
  const double fetch_mb_per_s = fetch(*agent.stub);
  const double before_kb = server.resident_kb();
  std::vector<std::unique_ptr<Agent>> idle;
  for (int i = 0; i < kIdle; ++i) {
    idle.push_back(std::make_unique<Agent>(server.port, credentials));
    idle.back()->echo();
  }
  const double connection_kb = (server.resident_kb() - before_kb) / kIdle;
  for (const auto& one : idle) {
    one->context.TryCancel();
  }
  agent.context.TryCancel();
  ::kill(server.pid, SIGKILL);
  ::waitpid(server.pid, nullptr, 0);
  return fmt::format(
      "\"{}\": {{\"rtt_us_p50\": {:.1f}, \"rtt_us_p99\": {:.1f}, \"connect_ms_p50\": {:.2f}, "
      "\"upload_mb_per_s\": {:.0f}, \"fetch_mb_per_s\": {:.0f}, \"kb_per_connection\": {:.1f}}}",
      way, percentile(echoes, 0.5), percentile(echoes, 0.99), percentile(connects, 0.5),
      upload_mb_per_s, fetch_mb_per_s, connection_kb);
}

void write_certificates(const fs::path& folder) {
  const Instant now = SystemClock().now();
  const pki::Authority authority = pki::Authority::make(kDomain, now);
  const pki::PrivateKey controller = pki::PrivateKey::generate();
  const pki::PrivateKey node = pki::PrivateKey::generate();
  const pki::TlsIdentity theirs{
      .key = controller,
      .chain = *authority.sign_controller(controller.public_key(), {.dns_names = {kHost}}, now)};
  const pki::TlsIdentity ours{.key = node,
                              .chain = *authority.sign_node(node.public_key(), "bench", now)};
  std::ofstream(folder / "trust.pem") << authority.certificate().to_pem();
  if (!pki::write_secret_file(folder / "controller.pem", pki::to_pem(theirs)) ||
      !pki::write_secret_file(folder / "node.pem", pki::to_pem(ours))) {
    fmt::print(stderr, "skerry-bench-door: cannot write to {}\n", folder.string());
    std::exit(1);
  }
}

int run() {
  std::string pattern = (fs::temp_directory_path() / "skerry-bench-door-XXXXXX").string();
  const fs::path folder = ::mkdtemp(pattern.data());
  write_certificates(folder);
  std::string report;
  for (const char* way : kWays) {
    report += (report.empty() ? "" : ", ") + measure(way, folder);
  }
  fs::remove_all(folder);
  fmt::print("{{{}}}\n", report);
  return 0;
}

}  // namespace
}  // namespace skerry::bench

int main(int argc, char** argv) {
  return argc == 4 && std::string(argv[1]) == "serve" ? skerry::bench::serve(argv[2], argv[3])
                                                      : skerry::bench::run();
}
