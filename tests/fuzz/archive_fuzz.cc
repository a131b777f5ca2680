// archive_fuzz.cc: a model's file as a runner inspects it before libtorch sees any of it: the archive, the
// pickles and the code in it (agent/runner/inspect).

#include <algorithm>

#include "agent/runner/inspect/checked_model.h"
#include "agent/runner/inspect/code.h"
#include "agent/runner/inspect/code_tokens.h"
#include "agent/runner/inspect/pickle.h"
#include "agent/runner/inspect/zip.h"
#include "tests/fuzz/harness.h"
#include "tests/unit/inspect_world.h"

namespace skerry::fuzz {

namespace {

using inspect::TestEntry;

// The list of operators, and what a test's archive stands on.
constexpr std::size_t kFixedBytes = 256 * 1024;
// A byte of a pickle makes a value of 40 bytes, in vectors that double while they grow; a byte of code a
// token of 32.
constexpr std::size_t kTimes = 200;
const inspect::Limits kLimits = {.entries = 200, .code_bytes = 64 * 1024};

enum class Kind : char { kArchive, kPickle, kDebugPickle, kCode };

const inspect::OperatorList& shipped() {
  static const inspect::OperatorList operators{inspect::Policy()};
  return operators;
}

std::string all_of(inspect::FreshArchive& archive) {
  std::string bytes(archive.size_bytes(), '\0');
  check(archive.read(0, bytes.data(), bytes.size()).has_value(), "what we wrote can be read");
  return bytes;
}

Result<std::unique_ptr<inspect::CheckedModel>> inspected(std::string_view bytes) {
  const inspect::MemoryFile file(bytes);
  auto artifact = inspect::Artifact::read(file.fd(), sha256_digest(bytes), bytes.size());
  check(artifact.has_value(), "a file that nobody touches has its digest");
  return inspect::CheckedModel::inspect(std::move(*artifact), {.limits = kLimits});
}

// What passes is written anew, and passes as that with the same in it.
void check_archive(std::string_view bytes) {
  const auto model = inspected(bytes);
  if (!model) {
    check(model.error().code == ErrorCode::kModelFailed, "whatever is wrong is the model's fault");
    return;
  }
  const std::string fresh = all_of((*model)->archive());
  const auto again = inspected(fresh);
  check(again.has_value(), "an archive of ours passes");
  const auto entries = inspect::read_directory(fresh, kLimits);
  const auto before = inspect::read_directory(bytes, kLimits);
  check(entries.has_value() && before.has_value(), "what passes can be listed");
  for (const inspect::ZipEntry& entry : *entries) {
    const auto old = std::ranges::find(*before, entry.name, &inspect::ZipEntry::name);
    check(entry.name == "version" || old != before->end(), "no entry is made up");
    check(entry.name == "version" || old->deflated || old->data == entry.data,
          "an entry is as it was");
  }
}

// No token is lost, and none is made up.
void check_tokens(std::string_view source) {
  const auto tokens = inspect::code_tokens(source, "it");
  if (!tokens) {
    check(!inspect::check_code(source, "it", shipped()), "code without tokens is refused");
    return;
  }
  std::size_t at = 0;
  for (const inspect::Token& token : *tokens) {
    while (at < source.size() && (source[at] == ' ' || source[at] == '\n')) {
      ++at;
    }
    check(source.substr(at, token.text.size()) == token.text && !token.text.empty(),
          "tokens follow each other in the source");
    at += token.text.size();
  }
  check(source.find_first_not_of(" \n", at) == std::string_view::npos, "nothing is left over");
}

void check_pickles(std::string_view pickle, bool debug) {
  const inspect::Storages storages = {{"0", 16}, {"1", 12}};
  const auto passes = [&](std::string_view bytes) {
    return debug ? inspect::check_debug_pickle(bytes, "it").has_value()
                 : inspect::check_pickle(bytes, "it", storages, shipped()).has_value();
  };
  if (passes(pickle)) {
    check(!passes(pickle.substr(0, pickle.size() - 1)), "a pickle without its end is none");
    check(!passes(std::string(pickle) + "."), "nothing follows a pickle's end");
  }
}

}  // namespace

// The first byte says what the rest is.
void run(std::string_view input) {
  if (input.empty()) {
    return;
  }
  shipped();
  const MemoryBound bound(input.size(), kFixedBytes, kTimes);
  const std::string_view rest = input.substr(1);
  switch (static_cast<Kind>(input.front())) {
    case Kind::kArchive:
      return check_archive(rest);
    case Kind::kPickle:
      return check_pickles(rest, false);
    case Kind::kDebugPickle:
      return check_pickles(rest, true);
    case Kind::kCode:
      check_tokens(rest);
      inspect::check_code(rest, "it", shipped());
      return;
  }
}

namespace {

std::string of_kind(Kind kind, std::string_view rest) {
  return std::string(1, static_cast<char>(kind)) + std::string(rest);
}

// Small changes of the content of one entry, in an archive whose headers agree with it again.
std::string changed_within(std::string_view archive, Random& random) {
  std::vector<TestEntry> entries;
  const auto listed = inspect::read_directory(archive, kLimits);
  if (!listed || random.chance(0.1)) {
    entries = inspect::small_model();
  } else {
    for (const inspect::ZipEntry& entry : *listed) {
      auto content =
          entry.deflated ? inspect::inflate(entry, kLimits).value_or("") : std::string(entry.data);
      entries.push_back({std::string(entry.name), std::move(content), entry.deflated});
    }
  }
  TestEntry& one = entries[random.below(entries.size())];
  if (random.chance(0.2)) {
    one.name = mutate_bytes(one.name, 20);
  } else {
    one.content = mutate_bytes(one.content, 200);
  }
  if (random.chance(0.1)) {
    entries.push_back(entries[random.below(entries.size())]);
  }
  return inspect::archive_of(entries).bytes;
}

}  // namespace

// Bytes of an archive, or of what is in one; now and then something that is well-formed.
std::optional<std::string> mutate(std::string_view input, Random& random) {
  if (input.empty() || random.chance(0.02)) {
    switch (random.below(4)) {
      case 0:
        return of_kind(Kind::kPickle, inspect::small_data());
      case 1:
        return of_kind(Kind::kCode, inspect::small_code());
      case 2:
        return of_kind(Kind::kDebugPickle, inspect::Pickle().text("a").done());
      default:
        return of_kind(Kind::kArchive, inspect::archive_of(inspect::small_model()).bytes);
    }
  }
  if (static_cast<Kind>(input.front()) == Kind::kArchive && random.chance(0.7)) {
    return of_kind(Kind::kArchive, changed_within(input.substr(1), random));
  }
  return std::nullopt;
}

}  // namespace skerry::fuzz
