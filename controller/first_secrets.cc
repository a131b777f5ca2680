#include "controller/first_secrets.h"

#include <fmt/format.h>

#include <filesystem>

#include "common/digest.h"
#include "common/pki/secret_file.h"

namespace skerry::controller {

namespace {

constexpr std::size_t kKeyBytes = 32;

}  // namespace

Result<std::string> audit_key(const std::string& folder) {
  const std::string path = folder + "/audit.key";
  auto key = pki::read_secret_file(path);
  if (!key && key.error().code == ErrorCode::kNotFound) {
    std::error_code ignored;  // writing says what is wrong with the folder
    std::filesystem::create_directories(folder, ignored);
    std::string fresh = to_hex(random_bytes(kKeyBytes));
    if (Status written = pki::write_secret_file(path, fresh); !written) {
      return fail(std::move(written).error());
    }
    return fresh;
  }
  if (key && key->size() != 2 * kKeyBytes) {
    return fail(
        ErrorCode::kCorrupt,
        fmt::format("{} is not the key that this controller made; restore it from a backup, "
                    "or remove it: the audit trail's older seals then read as broken",
                    path));
  }
  return key;
}

Status make_first_token(Gateway& gateway, const std::string& folder, Log& log,
                        std::function<void()> known) {
  const auth::FreshToken fresh = auth::make_token(auth::TokenKind::kCaller);
  const std::string path = folder + "/admin.token";
  if (Status written = pki::write_secret_file(path, fresh.text + "\n"); !written) {
    return written;
  }
  gateway.ask(core::PutToken{.token = {.id = fresh.token.id,
                                       .secret_hash = fresh.token.secret_hash,
                                       .grants = {{.role = core::Role::kClusterAdmin}},
                                       .description = "made at the first start"}},
              [&log, path, known = std::move(known)](const Result<core::Reply>& reply) {
                if (reply) {
                  log.info("nobody had a token: that of the first admin is in {}", path);
                  known();
                } else {
                  log.error("the first admin's token was not taken: {}", reply.error().message);
                }
              });
  return {};
}

}  // namespace skerry::controller
