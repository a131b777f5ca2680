#include "controller/make_secrets.h"

#include <filesystem>

#include "common/digest.h"
#include "common/pki/authority.h"
#include "common/pki/secret_file.h"

namespace skerry::controller {

namespace {

constexpr std::size_t kSecretBytes = 32;

bool is_there(const std::string& path) {
  std::error_code error;
  return std::filesystem::exists(path, error);
}

// The certificate comes first, so that a key is never without it.
Status make_authority(const std::string& folder, Instant now) {
  const pki::Authority authority = pki::Authority::make("skerry", now);
  if (Status written = pki::write_secret_file(folder + "/ca.pem", authority.certificate().to_pem());
      !written) {
    return written;
  }
  return pki::write_secret_file(folder + "/authority.key", authority.key().to_pem());
}

}  // namespace

Result<std::vector<std::string>> make_secrets(const std::string& folder, Instant now) {
  for (const std::string& one : {folder, folder + "/tokens"}) {
    if (Status made = pki::make_secret_folder(one); !made) {
      return fail(std::move(made).error());
    }
  }
  std::vector<std::string> made;
  if (std::string path = folder + "/authority.key"; !is_there(path)) {
    if (Status written = make_authority(folder, now); !written) {
      return fail(std::move(written).error());
    }
    made.push_back(std::move(path));
  }
  for (const char* name : {"/tokens/admin", "/tokens/metrics", "/tokens/test", "/join.key"}) {
    std::string path = folder + name;
    if (is_there(path)) {
      continue;
    }
    if (Status written = pki::write_secret_file(path, to_hex(random_bytes(kSecretBytes)) + "\n");
        !written) {
      return fail(std::move(written).error());
    }
    made.push_back(std::move(path));
  }
  return made;
}

Status share_secrets(const std::string& folder, const std::vector<std::string>& files,
                     const std::string& into) {
  if (Status made = pki::make_secret_folder(into); !made) {
    return made;
  }
  for (const std::string& file : files) {
    const auto content = pki::read_secret_file(folder + "/" + file);
    if (!content) {
      return fail(content.error());
    }
    const std::string name = std::filesystem::path(file).filename().string();
    if (Status written = pki::write_secret_file(into + "/" + name, *content); !written) {
      return written;
    }
  }
  return {};
}

}  // namespace skerry::controller
