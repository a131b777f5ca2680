#include "common/tls/context.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <string_view>

#include "common/secrets/given_file.h"

namespace skerry::tls {
namespace {

constexpr std::size_t kMostPemBytes = 1 << 20;  // the system's authorities are a third of that
constexpr int kSecurityLevel = 2;               // 112 bits
constexpr long kMostPeerChainBytes = 32 * 1024;

// Those of TLS 1.2; all of 1.3's have what we ask for.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
constexpr const char* kGroups = "X25519:P-256:P-384";

// The names of ALPN (RFC 7301), each behind its length.
constexpr std::array<unsigned char, 9> kHttp11 = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

using BioPtr = std::unique_ptr<BIO, decltype(&BIO_free)>;
using KeyPtr = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using CertificatePtr = std::unique_ptr<X509, decltype(&X509_free)>;

// Empties the thread's queue of errors, or the next caller would tell of ours.
std::string reason() {
  const unsigned long first = ERR_peek_error();
  const char* const text = first == 0 ? nullptr : ERR_reason_error_string(first);
  ERR_clear_error();
  return text == nullptr ? "no reason given" : text;
}

std::unexpected<Error> refuse(const std::string& path, std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("'{}' {} ({})", path, what, reason()));
}

BioPtr reading(std::string_view bytes) {
  return {BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())), BIO_free};
}

// OpenSSL would ask the terminal.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<std::string> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return fail(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                fmt::format("cannot read '{}': {}", path, std::strerror(errno)));
  }
  std::string text(kMostPemBytes + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (file.bad() || text.size() > kMostPemBytes) {
    return fail(
        file.bad() ? ErrorCode::kIo : ErrorCode::kTooLarge,
        fmt::format("cannot read '{}', or it is larger than {} bytes", path, kMostPemBytes));
  }
  return text;
}

Status use_certificate(SSL_CTX* context, const std::string& path) {
  const auto pem = read_file(path);
  if (!pem) {
    return fail(pem.error());
  }
  const BioPtr bio = reading(*pem);
  const CertificatePtr own(PEM_read_bio_X509_AUX(bio.get(), nullptr, no_passphrase, nullptr),
                           X509_free);
  if (!own) {
    return refuse(path, "holds no PEM certificate");
  }
  if (SSL_CTX_use_certificate(context, own.get()) != 1) {
    return refuse(path, "has a certificate that cannot be used");
  }
  while (X509* const next = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) != 1) {
      X509_free(next);
      return refuse(path, "has a chain that cannot be used");
    }
  }
  ERR_clear_error();  // the end of the file is one
  return {};
}

Status use_key(SSL_CTX* context, const std::string& path, const std::string& certificate_path) {
  auto pem = secrets::read_given_file(path);
  if (!pem) {
    return fail(std::move(pem).error());
  }
  const KeyPtr key(PEM_read_bio_PrivateKey(reading(*pem).get(), nullptr, no_passphrase, nullptr),
                   EVP_PKEY_free);
  OPENSSL_cleanse(pem->data(), pem->size());
  if (!key) {
    return refuse(path, "holds no PEM private key without a passphrase");
  }
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return refuse(path, fmt::format("is not the key of the certificate in '{}'", certificate_path));
  }
  return {};
}

// Every certificate of the file vouches for others.
Status trust(SSL_CTX* context, const std::string& path, bool name_to_clients) {
  const auto pem = read_file(path);
  if (!pem) {
    return fail(pem.error());
  }
  const BioPtr bio = reading(*pem);
  int count = 0;
  while (X509* const one = PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr)) {
    const CertificatePtr owner(one, X509_free);
    const bool taken = X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one) == 1 &&
                       (!name_to_clients || SSL_CTX_add_client_CA(context, one) == 1);
    if (!taken) {
      return refuse(path, "has a certificate that cannot be trusted");
    }
    ++count;
  }
  if (count == 0) {
    return refuse(path, "holds no PEM certificate");
  }
  ERR_clear_error();  // the end of the file is one
  return {};
}

// What both sides have in common.
Result<Context> basic_context(const SSL_METHOD* method) {
  Context context(SSL_CTX_new(method), SSL_CTX_free);
  if (!context) {
    return fail(ErrorCode::kInternal, fmt::format("OpenSSL makes no context ({})", reason()));
  }
  SSL_CTX* const raw = context.get();
  SSL_CTX_set_security_level(raw, kSecurityLevel);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(raw, kMostPeerChainBytes);
  SSL_CTX_set_options(raw, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                               SSL_OP_CIPHER_SERVER_PREFERENCE);
  const bool taken = SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) == 1 &&
                     SSL_CTX_set_cipher_list(raw, kCiphers) == 1 &&
                     SSL_CTX_set1_groups_list(raw, kGroups) == 1;
  if (!taken) {
    return fail(ErrorCode::kInternal, fmt::format("OpenSSL lacks what we ask for ({})", reason()));
  }
  return context;
}

// A client that names protocols must name ours, or it would take our answers for another's.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_size, kHttp11.data(), kHttp11.size(), offered,
                            offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

Status use_own(SSL_CTX* context, const std::string& certificate_path, const std::string& key_path) {
  Status used = use_certificate(context, certificate_path);
  return used ? use_key(context, key_path, certificate_path) : used;
}

}  // namespace

Result<Context> server_context(const ServerFiles& files) {
  auto context = basic_context(TLS_server_method());
  if (!context) {
    return context;
  }
  SSL_CTX* const raw = context->get();
  SSL_CTX_set_num_tickets(raw, 0);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  if (Status used = use_own(raw, files.certificate_file, files.key_file); !used) {
    return fail(std::move(used).error());
  }
  if (!files.client_ca_file.empty()) {
    if (Status trusted = trust(raw, files.client_ca_file, true); !trusted) {
      return fail(std::move(trusted).error());
    }
    SSL_CTX_set_verify(raw, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  return context;
}

Result<Context> unverified_client_context(const ClientFiles& files) {
  auto context = basic_context(TLS_client_method());
  if (!context) {
    return context;
  }
  SSL_CTX_set_alpn_protos(context->get(), kHttp11.data(), kHttp11.size());  // 0 = it went well
  if (!files.certificate_file.empty()) {
    if (Status used = use_own(context->get(), files.certificate_file, files.key_file); !used) {
      return fail(std::move(used).error());
    }
  }
  return context;
}

Result<Context> client_context(const ClientFiles& files) {
  auto context = unverified_client_context(files);
  if (!context) {
    return context;
  }
  SSL_CTX_set_verify(context->get(), SSL_VERIFY_PEER, nullptr);
  if (files.ca_file.empty()) {
    SSL_CTX_set_default_verify_paths(context->get());  // without any, no server is trusted
    ERR_clear_error();
    return context;
  }
  // What is named here is trusted as it is: also an authority in between, or the server's own certificate.
  X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context->get()), X509_V_FLAG_PARTIAL_CHAIN);
  if (Status trusted = trust(context->get(), files.ca_file, false); !trusted) {
    return fail(std::move(trusted).error());
  }
  return context;
}

bool expect_host(SSL* connection, const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> address{};
  if (::inet_pton(AF_INET, host.c_str(), address.data()) == 1 ||
      ::inet_pton(AF_INET6, host.c_str(), address.data()) == 1) {
    return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), host.c_str()) == 1;
  }
  SSL_set_hostflags(connection, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return !host.empty() && SSL_set_tlsext_host_name(connection, host.c_str()) == 1 &&
         SSL_set1_host(connection, host.c_str()) == 1;
}

Instant not_after(const Context& context) {
  const X509* const own = SSL_CTX_get0_certificate(context.get());
  std::tm parts{};
  if (own == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(own), &parts) != 1) {
    return Instant();
  }
  return Instant(seconds(::timegm(&parts)));
}

}  // namespace skerry::tls
