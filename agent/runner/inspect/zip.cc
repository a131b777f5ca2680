#include "agent/runner/inspect/zip.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "common/bytes.h"
#include "common/utf8.h"

namespace skerry::inspect {

namespace {

constexpr std::uint32_t kLocalMark = 0x04034b50;
constexpr std::uint32_t kDescriptorMark = 0x08074b50;
constexpr std::uint32_t kCentralMark = 0x02014b50;
constexpr std::uint32_t kWideEndMark = 0x06064b50;
constexpr std::uint32_t kWideLocatorMark = 0x07064b50;
constexpr std::uint32_t kEndMark = 0x06054b50;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kWideEndBytes = 56;
constexpr std::size_t kWideLocatorBytes = 20;
constexpr std::size_t kCentralBytes = 46;  // of a header, without its name and what follows
constexpr std::uint16_t kInUtf8 = 0x0800;
constexpr std::uint16_t kHasDescriptor = 0x0008;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
constexpr std::uint16_t kWideField = 0x0001;     // an extra field: sizes and offsets of 64 bits
constexpr std::uint16_t kPaddingField = 0x4246;  // PyTorch's, to align the data
constexpr std::uint32_t kWide32 = 0xffffffff;    // stands where 32 bits are too few
constexpr std::size_t kLongestName = 1024;

std::unexpected<Error> corrupt(std::string what) {
  return fail(ErrorCode::kCorrupt, "it is not laid out as PyTorch writes a model: " + what);
}

// What of a header both of its places say.
struct Header {
  std::uint16_t needs = 0;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;
  std::uint32_t changed = 0;

  bool operator==(const Header&) const = default;
};

Header read_header(ByteReader& in) {
  Header header;
  header.needs = in.number<std::uint16_t>();
  header.flags = in.number<std::uint16_t>();
  header.method = in.number<std::uint16_t>();
  header.changed = in.number<std::uint32_t>();
  return header;
}

struct Directory {
  std::uint64_t entries = 0;
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
};

// The end of 64 bits, which PyTorch writes whether it is needed or not; nullopt if there is none.
Result<std::optional<Directory>> read_wide_end(std::string_view archive) {
  constexpr std::size_t kBoth = kWideEndBytes + kWideLocatorBytes;
  if (archive.size() < kEndBytes + kBoth) {
    return std::nullopt;
  }
  const std::uint64_t at = archive.size() - kEndBytes - kBoth;
  ByteReader locator(archive.substr(at + kWideEndBytes, kWideLocatorBytes));
  if (locator.number<std::uint32_t>() != kWideLocatorMark) {
    return std::nullopt;
  }
  const bool points_there = locator.number<std::uint32_t>() == 0 &&
                            locator.number<std::uint64_t>() == at &&
                            locator.number<std::uint32_t>() == 1;
  ByteReader in(archive.substr(at, kWideEndBytes));
  const bool is_end = in.number<std::uint32_t>() == kWideEndMark &&
                      in.number<std::uint64_t>() == kWideEndBytes - 12;
  in.number<std::uint32_t>();  // versions
  const bool one_disk = in.number<std::uint64_t>() == 0;
  Directory directory;
  directory.entries = in.number<std::uint64_t>();
  const bool complete = in.number<std::uint64_t>() == directory.entries;
  directory.size_bytes = in.number<std::uint64_t>();
  directory.offset = in.number<std::uint64_t>();
  if (!points_there || !is_end || !one_disk || !complete) {
    return corrupt("its 64-bit end does not fit its place");
  }
  return directory;
}

Result<Directory> find_directory(std::string_view archive, const Limits& limits) {
  if (archive.size() < kEndBytes) {
    return corrupt(fmt::format("{} bytes are too few", archive.size()));
  }
  ByteReader in(archive.substr(archive.size() - kEndBytes));
  if (in.number<std::uint32_t>() != kEndMark) {
    return corrupt("it does not end with the end of an archive, without a comment");
  }
  const bool one_disk = in.number<std::uint32_t>() == 0;
  const auto entries_here = in.number<std::uint16_t>();
  const auto entries = in.number<std::uint16_t>();
  const auto size_bytes = in.number<std::uint32_t>();
  const auto offset = in.number<std::uint32_t>();
  const bool no_comment = in.number<std::uint16_t>() == 0;
  if (!one_disk || entries_here != entries || !no_comment) {
    return corrupt("its end speaks of several disks, or of a comment");
  }
  const auto wide = read_wide_end(archive);
  if (!wide) {
    return fail(wide.error());
  }
  const Directory directory =
      wide->value_or(Directory{.entries = entries, .offset = offset, .size_bytes = size_bytes});
  const auto agrees = [&wide](std::uint64_t narrow, std::uint64_t full, std::uint64_t too_few) {
    return narrow == full || (wide->has_value() && narrow == too_few && full >= too_few);
  };
  if (!agrees(entries, directory.entries, 0xffff) ||
      !agrees(size_bytes, directory.size_bytes, kWide32) ||
      !agrees(offset, directory.offset, kWide32)) {
    return corrupt("its two ends disagree");
  }
  if (directory.entries > limits.entries) {
    return fail(ErrorCode::kTooLarge,
                fmt::format("it has {} entries; {} are allowed (models.max_entries)",
                            directory.entries, limits.entries));
  }
  const std::uint64_t ends =
      kEndBytes + (wide->has_value() ? kWideEndBytes + kWideLocatorBytes : 0);
  const std::uint64_t room = archive.size() - ends;
  if (directory.offset > room || directory.size_bytes != room - directory.offset ||
      directory.size_bytes / kCentralBytes < directory.entries || directory.entries == 0) {
    return corrupt("its directory does not lie where its end says");
  }
  return directory;
}

// One entry of the directory, with what its local header must repeat.
struct Listed {
  Header header;
  std::string_view name;
  std::uint32_t crc = 0;
  std::uint64_t stored_bytes = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t offset = 0;
};

// Takes the 64-bit forms of the fields that say kWide32 out of the extra field, which must hold them and
// nothing else.
bool widen(Listed& entry, std::string_view extra) {
  ByteReader in(extra);
  const bool any =
      entry.size_bytes == kWide32 || entry.stored_bytes == kWide32 || entry.offset == kWide32;
  if (!any) {
    return extra.empty();
  }
  const bool is_wide =
      in.number<std::uint16_t>() == kWideField && in.number<std::uint16_t>() + 4u == extra.size();
  for (std::uint64_t* field : {&entry.size_bytes, &entry.stored_bytes, &entry.offset}) {
    if (*field == kWide32) {
      *field = in.number<std::uint64_t>();
    }
  }
  return is_wide && in.ok() && in.at_end();
}

Result<Listed> read_listed(ByteReader& in) {
  Listed entry;
  const bool marked = in.number<std::uint32_t>() == kCentralMark;
  in.number<std::uint16_t>();  // version made by
  entry.header = read_header(in);
  entry.crc = in.number<std::uint32_t>();
  entry.stored_bytes = in.number<std::uint32_t>();
  entry.size_bytes = in.number<std::uint32_t>();
  const auto name_bytes = in.number<std::uint16_t>();
  const auto extra_bytes = in.number<std::uint16_t>();
  const auto comment_bytes = in.number<std::uint16_t>();
  const auto disk = in.number<std::uint16_t>();
  in.number<std::uint16_t>();  // internal attributes
  const auto attributes = in.number<std::uint32_t>();
  entry.offset = in.number<std::uint32_t>();
  entry.name = in.raw(name_bytes);
  const std::string_view extra = in.raw(extra_bytes);
  if (!in.ok() || !marked) {
    return corrupt("its directory ends in the middle of an entry");
  }
  if (comment_bytes != 0 || disk != 0 || attributes != 0 || !widen(entry, extra)) {
    return corrupt(fmt::format("entry '{}' has a comment, attributes, or fields of others",
                               printable(entry.name)));
  }
  return entry;
}

// Whether extra fields are PyTorch's alone: padding, and sizes of 64 bits.
struct LocalExtra {
  bool known = true;
  bool wide = false;
};
LocalExtra read_local_extra(std::string_view bytes) {
  LocalExtra extra;
  ByteReader in(bytes);
  while (in.ok() && !in.at_end()) {
    const auto id = in.number<std::uint16_t>();
    in.text<std::uint16_t>();
    extra.known = extra.known && (id == kPaddingField || id == kWideField);
    extra.wide = extra.wide || id == kWideField;
  }
  extra.known = extra.known && in.ok();
  return extra;
}

bool descriptor_agrees(ByteReader& in, const Listed& entry, bool wide) {
  const bool marked = in.number<std::uint32_t>() == kDescriptorMark;
  const bool crc = in.number<std::uint32_t>() == entry.crc;
  const std::uint64_t stored =
      wide ? in.number<std::uint64_t>() : std::uint64_t{in.number<std::uint32_t>()};
  const std::uint64_t size =
      wide ? in.number<std::uint64_t>() : std::uint64_t{in.number<std::uint32_t>()};
  return marked && crc && stored == entry.stored_bytes && size == entry.size_bytes;
}

// Reads an entry where the directory says it is; `in` stands there, and then behind it.
Result<std::string_view> read_local(ByteReader& in, const Listed& entry) {
  const bool marked = in.number<std::uint32_t>() == kLocalMark;
  const Header header = read_header(in);
  const auto crc = in.number<std::uint32_t>();
  const auto stored_bytes = in.number<std::uint32_t>();
  const auto size_bytes = in.number<std::uint32_t>();
  const auto name_bytes = in.number<std::uint16_t>();
  const auto extra_bytes = in.number<std::uint16_t>();
  const std::string_view name = in.raw(name_bytes);
  const LocalExtra extra = read_local_extra(in.raw(extra_bytes));
  const std::string_view data = in.raw(entry.stored_bytes);
  const bool later = (header.flags & kHasDescriptor) != 0;
  const auto says = [later](std::uint32_t field, std::uint64_t truth) {
    return later ? field == 0 : field == std::min<std::uint64_t>(truth, kWide32);
  };
  const bool same = marked && header == entry.header && name == entry.name && extra.known &&
                    says(crc, entry.crc) && says(stored_bytes, entry.stored_bytes) &&
                    says(size_bytes, entry.size_bytes);
  const bool wide = extra.wide || entry.size_bytes >= kWide32 || entry.stored_bytes >= kWide32;
  if (!same || (later && !descriptor_agrees(in, entry, wide)) || !in.ok()) {
    return corrupt(fmt::format("entry '{}' is not at byte {} what the directory says",
                               printable(entry.name), entry.offset));
  }
  return data;
}

// The folder's name may be any text that is a name: it is that of the file when it was saved.
bool is_folder_name(std::string_view name) {
  const auto forbidden = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '\\';
  };
  return is_utf8(name) && std::ranges::none_of(name, forbidden) && !name.empty() && name != "." &&
         name != "..";
}

// Printable ASCII in segments that are none of "", ".", "..".
bool is_inner_path(std::string_view path) {
  const auto plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '\\'; };
  if (!std::ranges::all_of(path, plain)) {
    return false;
  }
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view segment = path.substr(begin, end - begin);
    if (segment.empty() || segment == "." || segment == "..") {
      return false;
    }
    begin = end + 1;
  }
  return true;
}

Result<std::string_view> inner_name(std::string_view name, std::string_view& folder) {
  const std::size_t slash = name.find('/');
  const std::string_view top = name.substr(0, slash);
  if (name.size() > kLongestName || slash == std::string_view::npos || !is_folder_name(top) ||
      !is_inner_path(name.substr(slash + 1))) {
    return corrupt(fmt::format("'{}' is no name for an entry of a model", printable(name)));
  }
  if (folder.empty()) {
    folder = top;
  }
  if (top != folder) {
    return corrupt(
        fmt::format("'{}' lies outside of the folder '{}'", printable(name), printable(folder)));
  }
  return name.substr(slash + 1);
}

bool has_known_form(const Header& header) {
  const auto flags = header.flags & ~(kInUtf8 | kHasDescriptor);
  return flags == 0 && (header.method == kStored || header.method == kDeflated);
}

}  // namespace

std::string printable(std::string_view name) {
  constexpr std::size_t kShown = 120;
  std::string text(name.substr(0, kShown));
  std::ranges::replace_if(text, [](char c) { return c < 0x20 || c >= 0x7f || c == '\''; }, '?');
  return name.size() > kShown ? text + "..." : text;
}

Result<std::vector<ZipEntry>> read_directory(std::string_view archive, const Limits& limits) {
  const auto directory = find_directory(archive, limits);
  if (!directory) {
    return fail(directory.error());
  }
  ByteReader central(archive.substr(directory->offset, directory->size_bytes));
  ByteReader local(archive.substr(0, directory->offset));
  std::vector<ZipEntry> entries;
  entries.reserve(directory->entries);
  std::unordered_set<std::string_view> names;
  std::string_view folder;
  for (std::uint64_t i = 0; i < directory->entries; ++i) {
    const auto entry = read_listed(central);
    if (!entry) {
      return fail(entry.error());
    }
    const auto name = inner_name(entry->name, folder);
    if (!name) {
      return fail(name.error());
    }
    if (!names.insert(*name).second) {
      return corrupt(fmt::format("'{}' is there twice", printable(*name)));
    }
    const bool deflated = entry->header.method == kDeflated;
    if (!has_known_form(entry->header) || (!deflated && entry->size_bytes != entry->stored_bytes)) {
      return corrupt(fmt::format("entry '{}' is packed in another way", printable(*name)));
    }
    if (entry->offset != directory->offset - local.remaining()) {
      return corrupt(fmt::format("entry '{}' does not follow the one before it", printable(*name)));
    }
    const auto data = read_local(local, *entry);
    if (!data) {
      return fail(data.error());
    }
    entries.push_back({.name = *name,
                       .data = *data,
                       .size_bytes = entry->size_bytes,
                       .crc = entry->crc,
                       .deflated = deflated});
  }
  if (!central.at_end() || !local.at_end()) {
    return corrupt("there is more in it than its entries");
  }
  return entries;
}

}  // namespace skerry::inspect
