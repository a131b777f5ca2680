#include "common/pki/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <utility>

#include "common/check.h"
#include "common/pki/openssl.h"

namespace skerry::pki {
namespace {

// Authenticated encryption and ephemeral keys only (RFC 7525 4.2, RFC 8446 B.4). ECDSA and RSA, since the
// API may show a public authority's certificate.
constexpr const char* kTls12Ciphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kTls13Ciphers =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
constexpr const char* kGroups = "X25519:P-256";

// What a context carries for its callbacks, freed with it.
struct Carried {
  PeerCheck check_peer;
  std::string alpn;  // with its length in front, as on the wire
};

void free_carried(void*, void* carried, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Carried*>(carried);
}
void free_outcome(void*, void* outcome, CRYPTO_EX_DATA*, int, long, void*) {
  delete static_cast<Result<Chain>*>(outcome);
}
int carried_slot() {
  static const int slot = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, free_carried);
  return slot;
}
int outcome_slot() {
  static const int slot = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, free_outcome);
  return slot;
}

// The chain as it was shown, whatever it is worth.
Result<Chain> shown_chain(X509_STORE_CTX* verification) {
  Chain chain;
  const auto add = [&chain](X509* native) -> Status {
    auto certificate = Certificate::from_native(native);
    if (!certificate) {
      return fail(ErrorCode::kUnauthenticated, std::move(certificate).error().message);
    }
    chain.push_back(*std::move(certificate));
    return {};
  };
  X509* const leaf = X509_STORE_CTX_get0_cert(verification);
  STACK_OF(X509)* const shown = X509_STORE_CTX_get0_untrusted(verification);
  if (sk_X509_num(shown) > static_cast<int>(kMaxChain)) {
    return fail(ErrorCode::kUnauthenticated, "it shows more certificates than a chain has");
  }
  if (Status added = add(leaf); !added) {
    return fail(std::move(added).error());
  }
  for (int i = 0; i < sk_X509_num(shown); ++i) {
    X509* const one = sk_X509_value(shown, i);
    if (X509_cmp(one, leaf) != 0) {  // OpenSSL's list begins with it
      if (Status added = add(one); !added) {
        return fail(std::move(added).error());
      }
    }
  }
  return chain;
}

// 1: the other end is believed.
int check_shown(X509_STORE_CTX* verification, void*) {
  auto* const ssl = static_cast<SSL*>(
      X509_STORE_CTX_get_ex_data(verification, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const auto* const carried =
      static_cast<const Carried*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), carried_slot()));
  Result<Chain> outcome = shown_chain(verification);
  if (outcome) {
    if (Status believed = carried->check_peer(*outcome); !believed) {
      outcome = fail(std::move(believed).error());
    }
  }
  const bool believed = outcome.has_value();
  // The other end learns no more than "bad certificate" from the alert.
  X509_STORE_CTX_set_error(verification, believed ? X509_V_OK : X509_V_ERR_CERT_REJECTED);
  delete static_cast<Result<Chain>*>(SSL_get_ex_data(ssl, outcome_slot()));
  check(SSL_set_ex_data(ssl, outcome_slot(), new Result<Chain>(std::move(outcome))) == 1,
        "a handshake keeps its outcome");
  return believed ? 1 : 0;
}

int choose_protocol(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                    const unsigned char* offered, unsigned int offered_size, void*) {
  const auto* const carried =
      static_cast<const Carried*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), carried_slot()));
  const auto* const ours = reinterpret_cast<const unsigned char*>(carried->alpn.data());
  const int outcome =
      SSL_select_next_proto(const_cast<unsigned char**>(chosen), chosen_size, ours,
                            static_cast<unsigned int>(carried->alpn.size()), offered, offered_size);
  return outcome == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

// ALPN is optional for a client; this demands that it was used.
int demand_protocol(SSL* ssl, int*, void*) {
  const unsigned char* offered = nullptr;
  std::size_t size = 0;
  return SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation,
                                   &offered, &size) == 1
             ? SSL_CLIENT_HELLO_SUCCESS
             : SSL_CLIENT_HELLO_ERROR;
}

void set_rules(SSL_CTX* context) {
  SSL_CTX_set_security_level(context, 2);  // 112 bits: no SHA-1, no small keys
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                                   SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_clear_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_max_cert_list(context, 32 << 10);  // bytes that the other end may show
  // Writes go on from another buffer and may be partial; a connection at rest holds no buffers.
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  check(SSL_CTX_set_cipher_list(context, kTls12Ciphers) == 1 &&
            SSL_CTX_set_ciphersuites(context, kTls13Ciphers) == 1 &&
            SSL_CTX_set1_groups_list(context, kGroups) == 1,
        "OpenSSL has the ciphers");
}

Status show(SSL_CTX* context, const TlsIdentity& identity) {
  check(!identity.chain.empty(), "an identity has a certificate");
  bool taken = SSL_CTX_use_certificate(context, identity.chain.front().native()) == 1 &&
               SSL_CTX_use_PrivateKey(context, identity.key.native()) == 1;
  for (std::size_t i = 1; taken && i < identity.chain.size(); ++i) {
    taken = SSL_CTX_add1_chain_cert(context, identity.chain[i].native()) == 1;
  }
  const std::string reason = openssl_reason();
  return taken ? Status()
               : fail(ErrorCode::kInvalidArgument,
                      "the key and the certificate cannot be used together: " + reason);
}

}  // namespace

std::string to_pem(const TlsIdentity& identity) {
  return identity.key.to_pem() + to_pem(identity.chain);
}

Result<TlsIdentity> identity_from_pem(std::string_view pem) {
  auto key = PrivateKey::from_pem(pem);
  if (!key) {
    return fail(std::move(key).error());
  }
  auto chain = parse_chain(pem);
  if (!chain) {
    return fail(std::move(chain).error());
  }
  if (chain->front().key_digest() != key->public_key().digest()) {
    return fail(ErrorCode::kInvalidArgument,
                "the key is not that of the first certificate beside it");
  }
  return TlsIdentity{.key = *std::move(key), .chain = *std::move(chain)};
}

Result<TlsContext> TlsContext::make(TlsOptions options, int verify_mode) {
  const std::shared_ptr<SSL_CTX> context(SSL_CTX_new(TLS_method()), SSL_CTX_free);
  check(context != nullptr, "a TLS context can be made");
  set_rules(context.get());
  if (options.identity) {
    if (Status shown = show(context.get(), *options.identity); !shown) {
      return fail(std::move(shown).error());
    }
  }
  SSL_CTX_set_verify(context.get(), verify_mode, nullptr);
  if (options.check_peer) {
    SSL_CTX_set_cert_verify_callback(context.get(), check_shown, nullptr);
  }
  auto* const carried = new Carried{.check_peer = std::move(options.check_peer),
                                    .alpn = static_cast<char>(options.alpn.size()) + options.alpn};
  check(SSL_CTX_set_ex_data(context.get(), carried_slot(), carried) == 1,
        "a TLS context carries what its callbacks need");
  if (!options.alpn.empty()) {
    SSL_CTX_set_alpn_protos(context.get(),
                            reinterpret_cast<const unsigned char*>(carried->alpn.data()),
                            static_cast<unsigned int>(carried->alpn.size()));
    SSL_CTX_set_alpn_select_cb(context.get(), choose_protocol, nullptr);
    SSL_CTX_set_client_hello_cb(context.get(), demand_protocol, nullptr);
  }
  return TlsContext(context);
}

Result<TlsContext> TlsContext::server(TlsOptions options) {
  if (!options.identity) {
    return fail(ErrorCode::kInvalidArgument, "a TLS server needs a certificate and its key");
  }
  const int mode = options.check_peer
                       ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT | SSL_VERIFY_CLIENT_ONCE
                       : SSL_VERIFY_NONE;
  return make(std::move(options), mode);
}

Result<TlsContext> TlsContext::client(TlsOptions options) {
  if (!options.check_peer) {
    return fail(ErrorCode::kInvalidArgument, "a TLS client needs to know whom to believe");
  }
  return make(std::move(options), SSL_VERIFY_PEER);
}

Result<Chain> checked_peer(const SSL* ssl) {
  const auto* const outcome =
      static_cast<const Result<Chain>*>(SSL_get_ex_data(ssl, outcome_slot()));
  return outcome == nullptr
             ? fail(ErrorCode::kUnauthenticated, "the other end showed no certificate")
             : *outcome;
}

}  // namespace skerry::pki
