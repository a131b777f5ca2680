// openssl.h: OpenSSL's objects as owners, and its errors as text: for the sources of this folder.
//
// OpenSSL keeps errors in a queue of the thread. Whoever calls it ends by emptying that queue
// (openssl_reason), or the next caller would report a failure that is not its own.

#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>

#include "common/time.h"

namespace skerry::pki {

template <auto Free>
struct Freeing {
  template <typename Object>
  void operator()(Object* object) const {
    Free(object);
  }
};

using BioPtr = std::unique_ptr<BIO, Freeing<BIO_free_all>>;
using PkeyPtr = std::unique_ptr<EVP_PKEY, Freeing<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Freeing<X509_free>>;
using RequestPtr = std::unique_ptr<X509_REQ, Freeing<X509_REQ_free>>;
using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, Freeing<GENERAL_NAMES_free>>;

// Why OpenSSL refused last, for people; empties the thread's queue of errors. "no reason given" if
// there is none.
std::string openssl_reason();

// A view of bytes, which must outlive it.
BioPtr reading(std::string_view bytes);
// What was written to a memory BIO.
std::string written(BIO& bio);

std::string_view text_of(const ASN1_STRING* text);

// Times of certificates have seconds; what is finer is cut off.
Instant instant_of(const ASN1_TIME* time);
std::int64_t unix_seconds(Instant t);
std::string to_text(Instant t);  // 2026-01-31T12:00:00Z

}  // namespace skerry::pki
