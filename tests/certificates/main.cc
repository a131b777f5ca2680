// skerry-test-certificates: writes an authority's certificate (ca.pem) and a server's certificate and key
// (server.pem, server.key) for loopback into a folder, for process tests and benchmarks.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "tests/certificates/certificates.h"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.empty()) {
    fmt::print(stderr, "usage: skerry-test-certificates FOLDER [HOST...]\n");
    return 2;
  }
  const std::filesystem::path folder = words.front();
  const auto write = [&](const char* name, const std::string& text) {
    const auto path = folder / name;
    std::ofstream(path).close();
    std::filesystem::permissions(
        path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    std::ofstream file(path);
    file << text;
    return file.good();
  };
  skerry::tests::Authority authority;
  skerry::tests::Wish wish;
  wish.hosts.insert(wish.hosts.end(), words.begin() + 1, words.end());
  const skerry::tests::Issued server = authority.issue(wish);
  const bool written = write("ca.pem", authority.pem()) &&
                       write("server.pem", server.certificate_pem) &&
                       write("server.key", server.key_pem);
  if (!written) {
    fmt::print(stderr, "skerry-test-certificates: cannot write into {}\n", folder.string());
  }
  return written ? 0 : 1;
}
