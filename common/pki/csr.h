// csr.h: certificate signing requests (PKCS#10, RFC 2986): how a node shows the key that it has.
//
// A request proves possession of a key, and that is all that is taken from it. Whatever names, usages
// or other wishes it carries are not even read: the authority sets every field itself, so nothing can be
// smuggled in. Pure; call from anywhere.

#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "common/error.h"
#include "common/pki/key.h"

namespace skerry::pki {

constexpr std::size_t kMaxCsrBytes = 4096;  // ours have 300

// PEM, signed with the key, without any name.
std::string make_csr(const PrivateKey& key);

// The key whose owner signed the request. kTooLarge above kMaxCsrBytes; kInvalidArgument: not one PEM
// block of a request, a key that is not ECDSA on P-256, a signature that is not that key's or not made
// with SHA-256.
Result<PublicKey> read_csr(std::string_view pem);

}  // namespace skerry::pki
