#include "cli/verdict.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <ctime>
#include <memory>

namespace skerry::cli {

namespace {

std::string text_of(const X509_NAME* name) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
  X509_NAME_print_ex(bio.get(), name, 0, XN_FLAG_ONELINE & ~ASN1_STRFLGS_ESC_MSB);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

std::string text_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02} UTC", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min);
}

std::string text_of(const GENERAL_NAME* name) {
  int kind = 0;
  const void* const value = GENERAL_NAME_get0_value(name, &kind);
  if (kind != GEN_DNS && kind != GEN_IPADD) {
    return "";
  }
  const auto* const string = static_cast<const ASN1_STRING*>(value);
  const auto* const data = ASN1_STRING_get0_data(string);
  const int size = ASN1_STRING_length(string);
  if (kind == GEN_DNS) {
    return {reinterpret_cast<const char*>(data), static_cast<std::size_t>(size)};
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = size == sizeof(in_addr);
  const bool known = v4 || size == sizeof(in6_addr);
  return known && ::inet_ntop(v4 ? AF_INET : AF_INET6, data, text.data(), text.size()) != nullptr
             ? text.data()
             : "";
}

std::string names_of(const X509* certificate) {
  std::string names;
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> list(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; i < sk_GENERAL_NAME_num(list.get()); ++i) {
    const std::string name = text_of(sk_GENERAL_NAME_value(list.get(), i));
    names += (names.empty() || name.empty() ? "" : ", ") + name;
  }
  return names;
}

std::string fingerprint_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), digest.data(), &size);
  std::string text;
  for (unsigned i = 0; i < size; ++i) {
    text += fmt::format("{}{:02X}", i == 0 ? "" : ":", digest.at(i));
  }
  return text;
}

int index_of_verdicts() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

int note(int good, X509_STORE_CTX* context) {
  auto* const connection =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(context, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* const verdict = static_cast<Verdict*>(SSL_get_ex_data(connection, index_of_verdicts()));
  if (good == 1 || verdict == nullptr || verdict->code != X509_V_OK) {
    return good;
  }
  verdict->code = X509_STORE_CTX_get_error(context);
  const X509* const own = X509_STORE_CTX_get0_cert(context);
  STACK_OF(X509)* const shown = X509_STORE_CTX_get0_untrusted(context);
  const X509* top = sk_X509_num(shown) > 0 ? sk_X509_value(shown, sk_X509_num(shown) - 1) : own;
  const X509* const bad = X509_STORE_CTX_get_current_cert(context);
  verdict->names = names_of(own);
  verdict->issuer = text_of(X509_get_issuer_name(top));
  if (X509_NAME_cmp(X509_get_issuer_name(top), X509_get_subject_name(top)) == 0) {
    verdict->authority_fingerprint = fingerprint_of(top);
  }
  verdict->not_before = text_of(X509_get0_notBefore(bad != nullptr ? bad : own));
  verdict->not_after = text_of(X509_get0_notAfter(bad != nullptr ? bad : own));
  return good;
}

std::string how_to_pin(const Verdict& verdict) {
  std::string hint =
      "\nhint: if this is the server you mean, have its authority's certificate brought to you on "
      "a "
      "way that you trust, such as `ssh`, and name it with --ca-file FILE, SKERRY_CA_FILE or "
      "`ca_file:` in the configuration file";
  if (!verdict.authority_fingerprint.empty()) {
    hint += fmt::format(
        "\nhint: what the server shows has the SHA-256 fingerprint {}; compare it with that of "
        "`openssl x509 -in FILE -noout -fingerprint -sha256`",
        verdict.authority_fingerprint);
  }
  return hint;
}

}  // namespace

void note_verdict(SSL* connection, Verdict& verdict) {
  SSL_set_ex_data(connection, index_of_verdicts(), &verdict);
  SSL_set_verify(connection, SSL_get_verify_mode(connection), note);
}

Error untrusted(const Verdict& verdict, const Url& url, const std::string& ca_file) {
  Error error{.code = ErrorCode::kUnauthenticated, .message = {}};
  switch (verdict.code) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_CERT_UNTRUSTED:
      error.message = fmt::format("{} shows a certificate of an authority that {} ({})", url.text(),
                                  ca_file.empty() ? "this machine does not know"
                                                  : fmt::format("'{}' does not hold", ca_file),
                                  verdict.issuer);
      error.message += how_to_pin(verdict);
      break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
      error.message = fmt::format(
          "{} shows a certificate that expired on {}\n"
          "hint: have it renewed, or set this machine's clock if that is wrong",
          url.text(), verdict.not_after);
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      error.message = fmt::format(
          "{} shows a certificate that begins on {} only\n"
          "hint: set this machine's clock if that is wrong",
          url.text(), verdict.not_before);
      break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      error.message = fmt::format(
          "{} shows a certificate of another host's: it is for {}\n"
          "hint: call the server by a name that its certificate has",
          url.text(), verdict.names.empty() ? "no name or address at all" : verdict.names);
      break;
    default:
      error.message = fmt::format(
          "{} shows a certificate that cannot be trusted: {}\n"
          "hint: have it issued anew, for a server",
          url.text(), X509_verify_cert_error_string(verdict.code));
  }
  return error;
}

Error no_handshake(unsigned long code, const std::string& words, const Url& url) {
  const int reason = code == 0 ? 0 : ERR_GET_REASON(code);
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return {
          .code = ErrorCode::kUnauthenticated,
          .message = fmt::format("{} does not speak TLS\nhint: if that is as it should be, write "
                                 "http:// instead; its calls can then be read by others",
                                 url.text())};
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
      return {.code = ErrorCode::kUnauthenticated,
              .message = fmt::format("{} refuses the certificate that it was shown, or that it was "
                                     "not shown ({})\nhint: name yours with certificate_file and "
                                     "key_file in the configuration file",
                                     url.text(), words)};
    default:
      return {.code = ErrorCode::kUnavailable,
              .message = fmt::format("{} breaks the TLS handshake off ({})\n"
                                     "hint: does it speak TLS at all?",
                                     url.text(), words)};
  }
}

}  // namespace skerry::cli
