#include "agent/runner/inspect/checked_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "agent/runner/inspect/code.h"
#include "agent/runner/inspect/pickle.h"
#include "agent/runner/inspect/zip.h"

namespace skerry::inspect {

namespace {

constexpr std::uint64_t kLongestNote = 64;  // of a version, a byte order
// Smaller storages stay: their pages are not worth a system call, and a reader of archives looks through some
// kilobytes for the end.
constexpr std::uint64_t kWorthReleasing = 64 * 1024;

enum class Part {
  kUnknown,
  kIgnored,
  kVersion,
  kByteOrder,
  kPickle,
  kConstant,  // a storage of constants.pkl
  kData,      // a storage of data.pkl
  kCode,
  kDebug,
};

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 10 && (text.size() == 1 || text.front() != '0') &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// Segments that are identifiers, as the names of Python's modules are.
bool is_module_path(std::string_view path) {
  return !path.empty() && std::ranges::all_of(path, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '/';
  });
}

// The rest of a name behind its front; empty if it has another.
std::string_view behind(std::string_view name, std::string_view front) {
  return name.starts_with(front) ? name.substr(front.size()) : std::string_view();
}

Part code_part(std::string_view path) {
  constexpr std::string_view kSource = ".py";
  constexpr std::string_view kTable = ".py.debug_pkl";
  const bool debug = path.ends_with(kTable);
  const std::string_view end = debug ? kTable : kSource;
  if (!path.ends_with(end) || !is_module_path(path.substr(0, path.size() - end.size()))) {
    return Part::kUnknown;
  }
  return debug ? Part::kDebug : Part::kCode;
}

Part part_of(std::string_view name) {
  for (const std::string_view ignored :
       {".data/serialization_id", ".format_version", ".storage_alignment", "traced_inputs.pkl",
        "bytecode.pkl", "mobile_debug_handles.pkl"}) {
    if (name == ignored) {
      return Part::kIgnored;
    }
  }
  if (name == "version" || name == ".data/version") {
    return Part::kVersion;
  }
  if (name == "byteorder") {
    return Part::kByteOrder;
  }
  if (name == "data.pkl" || name == "constants.pkl") {
    return Part::kPickle;
  }
  if (!behind(name, "extra/").empty() || is_number(behind(name, "traced_inputs/")) ||
      is_number(behind(name, "bytecode/"))) {
    return Part::kIgnored;
  }
  if (is_number(behind(name, "data/"))) {
    return Part::kData;
  }
  if (is_number(behind(name, "constants/"))) {
    return Part::kConstant;
  }
  return name.starts_with("code/") ? code_part(behind(name, "code/")) : Part::kUnknown;
}

std::unexpected<Error> refuse(std::string what) {
  return fail(ErrorCode::kModelFailed, std::move(what));
}

std::string where(const ZipEntry& entry) {
  return fmt::format("entry '{}'", printable(entry.name));
}

// The entries, sorted by what they are.
struct Parts {
  const ZipEntry* version = nullptr;
  const ZipEntry* data = nullptr;
  const ZipEntry* constants = nullptr;
  std::vector<const ZipEntry*> code;
  std::vector<const ZipEntry*> debug;
  Storages data_storages;
  Storages constant_storages;
  std::vector<const ZipEntry*> storages;
};

Status sort_in(const ZipEntry& entry, Parts& parts) {
  const Part part = part_of(entry.name);
  const bool code = part == Part::kCode || part == Part::kDebug;
  if (entry.deflated && !code && part != Part::kIgnored) {
    return refuse(fmt::format("{} is deflated, which PyTorch does to code alone", where(entry)));
  }
  switch (part) {
    case Part::kUnknown:
      return refuse(
          fmt::format("{} is none that PyTorch writes into a TorchScript model", where(entry)));
    case Part::kIgnored:
      return {};
    case Part::kVersion:
      if (parts.version != nullptr || entry.data.size() > 4 ||
          !is_number(entry.data.substr(0, entry.data.find('\n')))) {
        return refuse(fmt::format("{} is no version", where(entry)));
      }
      parts.version = &entry;
      return {};
    case Part::kByteOrder:
      return entry.data == "little"
                 ? Status()
                 : refuse(fmt::format("{} says '{}', and only 'little' can be read", where(entry),
                                      printable(entry.data.substr(0, kLongestNote))));
    case Part::kPickle:
      (entry.name == "data.pkl" ? parts.data : parts.constants) = &entry;
      return {};
    case Part::kConstant:
    case Part::kData: {
      const bool data = part == Part::kData;
      const std::string_view key = behind(entry.name, data ? "data/" : "constants/");
      (data ? parts.data_storages : parts.constant_storages)[key] = entry.data.size();
      parts.storages.push_back(&entry);
      return {};
    }
    case Part::kCode:
      parts.code.push_back(&entry);
      return {};
    case Part::kDebug:
      parts.debug.push_back(&entry);
      return {};
  }
  return {};
}

Result<Parts> sort(const std::vector<ZipEntry>& entries) {
  Parts parts;
  for (const ZipEntry& entry : entries) {
    if (Status fine = sort_in(entry, parts); !fine) {
      return fail(std::move(fine).error());
    }
  }
  if (parts.version == nullptr || parts.data == nullptr || parts.constants == nullptr) {
    return refuse(
        "it lacks data.pkl, constants.pkl or version: PyTorch 1.4 or later writes them with "
        "torch.jit.save, and torch.save does not");
  }
  return parts;
}

Status within(const Parts& parts, const Limits& limits) {
  std::uint64_t code_bytes = 0;
  for (const auto* list : {&parts.code, &parts.debug}) {
    for (const ZipEntry* entry : *list) {
      code_bytes += std::min<std::uint64_t>(entry->size_bytes, limits.code_bytes + 1);
    }
  }
  if (code_bytes > limits.code_bytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("its code has more than the {} bytes that are allowed "
                            "(models.max_code)",
                            limits.code_bytes));
  }
  const std::uint64_t pickle_bytes = parts.data->data.size() + parts.constants->data.size();
  if (pickle_bytes > limits.pickle_bytes) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("its pickles have {} bytes; {} are allowed (models.max_pickle)",
                            pickle_bytes, limits.pickle_bytes));
  }
  return {};
}

}  // namespace

CheckedModel::CheckedModel(Artifact artifact, const Policy& policy)
    : artifact_(std::move(artifact)), operators_(policy) {
  archive_.when_read([this](std::string_view content) { artifact_.release(content); });
}

Status CheckedModel::check(const Limits& limits) {
  const auto entries = read_directory(artifact_.bytes(), limits);
  const auto parts = entries ? sort(*entries) : fail(entries.error());
  if (!parts) {
    return fail(parts.error());
  }
  if (Status fine = within(*parts, limits); !fine) {
    return fine;
  }
  // Code comes first: what unpickles runs it.
  for (const auto* list : {&parts->code, &parts->debug}) {
    for (const ZipEntry* entry : *list) {
      std::string_view content = entry->data;
      if (entry->deflated) {
        auto inflated = inflate(*entry, limits);
        if (!inflated) {
          return fail(std::move(inflated).error());
        }
        content = inflated_.emplace_back(std::move(*inflated));
      }
      Status fine = list == &parts->code ? check_code(content, where(*entry), operators_)
                                         : check_debug_pickle(content, where(*entry));
      if (!fine) {
        return fine;
      }
      archive_.add(entry->name, content, entry->crc);
    }
  }
  for (const auto& [pickle, storages] : {std::pair(parts->constants, &parts->constant_storages),
                                         std::pair(parts->data, &parts->data_storages)}) {
    if (Status fine = check_pickle(pickle->data, where(*pickle), *storages, operators_); !fine) {
      return fine;
    }
    archive_.add(pickle->name, pickle->data, pickle->crc);
  }
  archive_.add("version", parts->version->data, parts->version->crc);
  for (const ZipEntry* entry : parts->storages) {
    if (entry->data.size() >= kWorthReleasing) {
      archive_.add_once(entry->name, entry->data, entry->crc);
    } else {
      archive_.add(entry->name, entry->data, entry->crc);
    }
  }
  archive_.finish();
  return {};
}

Result<std::unique_ptr<CheckedModel>> CheckedModel::inspect(Artifact artifact,
                                                            const Policy& policy) {
  std::unique_ptr<CheckedModel> model(new CheckedModel(std::move(artifact), policy));
  if (Status fine = model->check(policy.limits); !fine) {
    Error error = std::move(fine).error();
    error.code = ErrorCode::kModelFailed;  // whatever is wrong, it is the model's
    error.message = "the model is refused: " + error.message;
    return fail(std::move(error));
  }
  return model;
}

}  // namespace skerry::inspect
