#include "common/pki/authorities.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "common/check.h"
#include "common/pki/secret_file.h"
#include "common/secrets/given_file.h"

namespace skerry::pki {
namespace {

constexpr std::string_view kPrefix = "authority-";
constexpr std::string_view kSuffix = ".pem";

Result<Authority> read_authority(const std::string& key_pem, const std::string& chain_pem,
                                 const std::string& trust_domain) {
  auto key = PrivateKey::from_pem(key_pem);
  if (!key) {
    return fail(std::move(key).error());
  }
  auto chain = parse_chain(chain_pem);
  if (!chain) {
    return fail(std::move(chain).error());
  }
  return Authority::of(trust_domain, *std::move(key), *std::move(chain));
}

std::unexpected<Error> about_file(Error error, const std::string& path) {
  if (!error.message.contains(path)) {
    error.message = fmt::format("{}: {}", path, error.message);
  }
  return fail(std::move(error));
}

// Certificates are for everybody to read, so whoever else may read the file does not matter.
Result<std::string> read_certificates(const std::string& path) {
  std::ifstream in(path);
  std::string pem(kMaxChainBytes + 1, '\0');
  in.read(pem.data(), static_cast<std::streamsize>(pem.size()));
  pem.resize(static_cast<std::size_t>(in.gcount()));
  return pem.empty() ? fail(ErrorCode::kNotFound,
                            fmt::format("cannot read the authority's certificates from {}", path))
                     : Result<std::string>(std::move(pem));
}

// Those in the file that are not `known`.
Result<Chain> read_believed(const std::string& path, const Certificate& known) {
  const auto pem = read_certificates(path);
  if (!pem) {
    return fail(pem.error());
  }
  auto chain = parse_chain(*pem);
  if (!chain) {
    return about_file(std::move(chain).error(), path);
  }
  std::erase_if(*chain,
                [&](const Certificate& one) { return one.fingerprint() == known.fingerprint(); });
  for (const Certificate& one : *chain) {
    if (one.role() != Role::kAuthority) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("{}: '{}' is no authority", path, one.subject()));
    }
  }
  if (chain->size() >= kMaxAuthorities) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{}: at most {} authorities are believed", path, kMaxAuthorities));
  }
  return chain;
}

}  // namespace

Result<Authorities> Authorities::open(std::string folder, std::string trust_domain, Instant now) {
  if (Status valid = validate_trust_domain(trust_domain); !valid) {
    return fail(std::move(valid).error());
  }
  if (Status made = make_secret_folder(folder); !made) {
    return fail(std::move(made).error());
  }
  Authorities authorities(std::move(folder), std::move(trust_domain));
  Status ready = authorities.load();
  if (ready && authorities.members_.empty()) {
    ready = authorities.add(Authority::make(authorities.trust_domain_, now));
  }
  return ready ? Result<Authorities>(std::move(authorities)) : fail(std::move(ready).error());
}

Result<Authorities> Authorities::given(const std::string& key_file, const std::string& chain_file,
                                       std::string trust_domain, const std::string& believed_file) {
  const auto pem = read_certificates(chain_file);
  if (!pem) {
    return fail(pem.error());
  }
  const auto key_pem = secrets::read_given_file(key_file);
  if (!key_pem) {
    return fail(key_pem.error());
  }
  auto authority = read_authority(*key_pem, *pem, trust_domain);
  if (!authority) {
    return about_file(std::move(authority).error(), key_file);
  }
  Authorities authorities({}, std::move(trust_domain));
  if (!believed_file.empty()) {
    auto believed = read_believed(believed_file, authority->certificate());
    if (!believed) {
      return fail(std::move(believed).error());
    }
    authorities.also_believed_ = *std::move(believed);
  }
  authorities.members_.push_back({.authority = *std::move(authority), .file = {}});
  return authorities;
}

Status Authorities::load() {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) {
      continue;  // what a write left that never ended
    }
    const auto both_pem = read_secret_file(entry.path().string());
    if (!both_pem) {
      return fail(both_pem.error());
    }
    auto authority = read_authority(*both_pem, *both_pem, trust_domain_);
    if (!authority) {
      return about_file(std::move(authority).error(), entry.path().string());
    }
    members_.push_back({.authority = *std::move(authority), .file = entry.path().string()});
  }
  if (error) {
    return fail(ErrorCode::kIo, fmt::format("cannot list {}: {}", folder_, error.message()));
  }
  if (members_.size() > kMaxAuthorities) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} has more than {} authorities", folder_, kMaxAuthorities));
  }
  sort();
  return {};
}

void Authorities::sort() {
  std::ranges::sort(members_, {}, [](const Member& member) {
    return std::pair(member.authority.signs_from(), member.file);
  });
}

Status Authorities::add(Authority authority) {
  std::string file = fmt::format(
      "{}/{}{}{}", folder_, kPrefix,
      authority.certificate().fingerprint().substr(std::string_view("sha256:").size(), 16),
      kSuffix);
  if (Status written =
          write_secret_file(file, authority.key().to_pem() + to_pem(authority.chain()));
      !written) {
    return written;
  }
  members_.push_back({.authority = std::move(authority), .file = std::move(file)});
  sort();
  return {};
}

Status Authorities::remove(std::size_t index) {
  if (Status removed = remove_secret_file(members_[index].file); !removed) {
    return removed;
  }
  members_.erase(members_.begin() + static_cast<std::ptrdiff_t>(index));
  return {};
}

const Authority& Authorities::signer(Instant now) const {
  const auto next = std::ranges::find_if(
      members_, [now](const Member& member) { return member.authority.signs_from() > now; });
  // Before the time of the first, which a clock that was set back can tell, it is still the first.
  return next == members_.begin() ? next->authority : std::prev(next)->authority;
}

Instant Authorities::believed_until(std::size_t index) const {
  const Instant own_end = members_[index].authority.certificate().not_after() + kRenewalGrace;
  if (index + 1 == members_.size()) {
    return own_end;
  }
  return std::min(own_end,
                  members_[index + 1].authority.signs_from() + kLongestLife + kRenewalGrace);
}

TrustBundle Authorities::believed(Instant now) const {
  Chain chain = also_believed_;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (now <= believed_until(i) || i + 1 == members_.size()) {
      chain.push_back(members_[i].authority.certificate());
    }
  }
  auto bundle = TrustBundle::make(trust_domain_, std::move(chain));
  check(bundle.has_value(), "the authorities of an installation make a trust bundle");
  return *std::move(bundle);
}

std::vector<const Authority*> Authorities::all() const {
  std::vector<const Authority*> all;
  for (const Member& member : members_) {
    all.push_back(&member.authority);
  }
  return all;
}

Status Authorities::rotate(Instant now, Duration announcement) {
  if (folder_.empty()) {
    return fail(ErrorCode::kUnsupported,
                "the authority was given: replace its files, and let authority.believed_file name "
                "the old certificate meanwhile (docs/access.md)");
  }
  if (members_.size() == kMaxAuthorities) {
    return fail(ErrorCode::kConflict,
                fmt::format("there are {} authorities already: wait until old ones are gone, or "
                            "forget one",
                            kMaxAuthorities));
  }
  // Later than the last one by what a certificate's time can tell.
  const Instant soonest = members_.back().authority.signs_from() + seconds(1);
  return add(Authority::make(trust_domain_, std::max(now + announcement, soonest)));
}

Status Authorities::forget(std::string_view fingerprint) {
  const auto found = std::ranges::find_if(members_, [&](const Member& member) {
    return member.authority.certificate().fingerprint() == fingerprint;
  });
  if (found == members_.end()) {
    return fail(ErrorCode::kNotFound,
                fmt::format("no authority has the fingerprint {}", fingerprint.substr(0, 80)));
  }
  if (members_.size() == 1) {
    return fail(ErrorCode::kConflict, "it is the only authority: rotate first");
  }
  return remove(static_cast<std::size_t>(found - members_.begin()));
}

Status Authorities::prune(Instant now) {
  for (std::size_t i = 0; i + 1 < members_.size();) {
    if (now <= believed_until(i)) {
      ++i;
      continue;
    }
    if (Status removed = remove(i); !removed) {
      return removed;
    }
  }
  return {};
}

}  // namespace skerry::pki
