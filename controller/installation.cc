#include "controller/installation.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <ifaddrs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>

#include "common/pki/secret_file.h"

namespace skerry::controller {

namespace {

constexpr const char* kIdentityFile = "/controller.pem";

void add(std::vector<std::string>& names, std::string name) {
  if (!name.empty() && std::ranges::find(names, name) == names.end()) {
    names.push_back(std::move(name));
  }
}

bool is_address(const std::string& name) {
  std::array<unsigned char, sizeof(in6_addr)> octets{};
  return ::inet_pton(AF_INET, name.c_str(), octets.data()) == 1 ||
         ::inet_pton(AF_INET6, name.c_str(), octets.data()) == 1;
}

void add_own_addresses(std::vector<std::string>& addresses) {
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) {
    return;
  }
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> owned(list, ::freeifaddrs);
  for (const ifaddrs* at = list; at != nullptr; at = at->ifa_next) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (at->ifa_addr == nullptr) {
      continue;
    }
    if (at->ifa_addr->sa_family == AF_INET) {
      const auto* const v4 = reinterpret_cast<const sockaddr_in*>(at->ifa_addr);
      ::inet_ntop(AF_INET, &v4->sin_addr, text.data(), text.size());
    } else if (at->ifa_addr->sa_family == AF_INET6) {
      const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(at->ifa_addr);
      ::inet_ntop(AF_INET6, &v6->sin6_addr, text.data(), text.size());
    }
    add(addresses, text.data());
  }
}

pki::ControllerNames names_of(const std::vector<std::string>& given) {
  pki::ControllerNames names{.dns_names = {"localhost"}, .addresses = {"127.0.0.1", "::1"}};
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  add(names.dns_names, host.data());
  add_own_addresses(names.addresses);
  for (const std::string& name : given) {
    add(is_address(name) ? names.addresses : names.dns_names, name);
  }
  return names;
}

// For everybody to read: whole or not at all.
Status write_public(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".part";
  std::error_code error;
  {
    std::ofstream file(temporary);
    file << text;
    if (!file.flush()) {
      return fail(ErrorCode::kIo, fmt::format("cannot write {}", temporary));
    }
  }
  using std::filesystem::perms;
  std::filesystem::permissions(
      temporary, perms::owner_read | perms::owner_write | perms::group_read | perms::others_read,
      error);
  std::filesystem::rename(temporary, path, error);
  return error ? fail(ErrorCode::kIo, fmt::format("cannot write {}: {}", path, error.message()))
               : Status();
}

}  // namespace

Installation::Installation(std::string folder, InstallationOptions options,
                           pki::Authorities authorities, Clock& clock, Log& log)
    : folder_(std::move(folder)),
      options_(std::move(options)),
      clock_(clock),
      log_(log),
      registry_(std::move(authorities)) {}

Result<std::unique_ptr<Installation>> Installation::open(const std::string& folder,
                                                         InstallationOptions options, Clock& clock,
                                                         Log& log) {
  auto authorities =
      options.authority_key_file.empty()
          ? pki::Authorities::open(folder + "/authorities", options.trust_domain, clock.now())
          : pki::Authorities::given(options.authority_key_file, options.authority_chain_file,
                                    options.trust_domain, options.authority_believed_file);
  if (!authorities) {
    return fail(std::move(authorities).error());
  }
  return std::unique_ptr<Installation>(
      new Installation(folder, std::move(options), *std::move(authorities), clock, log));
}

Result<door::DoorKeys> Installation::make_keys() {
  const Instant now = clock_.now();
  revision_ = registry_.revision();
  if (Status pruned = registry_.prune(now); !pruned) {
    log_.warn("an authority that is gone stays in its folder: {}", pruned.error().message);
  }
  auto identity = registry_.controller_identity(names_of(options_.names), now);
  if (!identity) {
    return fail(std::move(identity).error());
  }
  pki::TrustBundle trust = registry_.believed(now);
  for (Status written : {pki::write_secret_file(folder_ + kIdentityFile, pki::to_pem(*identity)),
                         write_public(folder_ + "/authorities.pem", trust.to_pem())}) {
    if (!written) {
      return fail(std::move(written).error());
    }
  }
  const Instant ends = identity->chain.front().not_after();
  renew_at_ = now + since(now, ends) / 2;
  log_.info("the controller's certificate of authority {} holds until {}",
            registry_.fingerprint(now), rfc3339(ends));
  return door::DoorKeys{.identity = *std::move(identity), .trust = std::move(trust)};
}

bool Installation::wants_keys() const {
  return clock_.now() >= renew_at_ || registry_.revision() != revision_;
}

tls::ServerFiles Installation::server_files() const {
  return {.certificate_file = folder_ + kIdentityFile, .key_file = folder_ + kIdentityFile};
}

metrics::Figure Installation::expiry_figure() const {
  metrics::Figure figure{.name = "skerry_authority_expiry_timestamp_seconds",
                         .help = "When an authority that signs for nodes ends, since 1970",
                         .kind = metrics::Figure::Kind::kGauge,
                         .samples = {}};
  for (const api::AuthorityState& authority : registry_.authorities(clock_.now())) {
    figure.samples.push_back(
        {.labels = {{"authority", authority.fingerprint}, {"state", authority.state}},
         .value = static_cast<double>(to_us(authority.expires_at)) * 1e-6});
  }
  return figure;
}

std::optional<std::string> Installation::heard(const core::AccessChanged& change) {
  if (!change.identity) {
    return std::nullopt;
  }
  return members_.put(*change.identity) ? std::optional(change.identity->node) : std::nullopt;
}

Status Installation::admit(const pki::Certificate& certificate) {
  return members_.check(certificate.node(), certificate.key_digest());
}

}  // namespace skerry::controller
