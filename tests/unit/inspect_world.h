// inspect_world.h: models to inspect, written byte by byte in the form that PyTorch gives them, so that a
// test can depart from it in one place.

#pragma once

#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "agent/runner/inspect/checked_model.h"
#include "common/bytes.h"
#include "common/digest.h"

namespace skerry::inspect {

struct TestEntry {
  std::string name;
  std::string content;
  bool deflate = false;
};

// Where the parts of an entry lie.
struct EntryPlace {
  std::size_t local = 0;
  std::size_t data = 0;
  std::size_t descriptor = 0;
  std::size_t central = 0;
};
struct TestArchive {
  std::string bytes;
  std::vector<EntryPlace> entries;
  std::size_t directory = 0;
  std::size_t wide_end = 0;
  std::size_t end = 0;

  // Overwrites a number.
  template <typename T>
  TestArchive& set(std::size_t at, T number) {
    std::memcpy(bytes.data() + at, &number, sizeof(number));
    return *this;
  }
};

inline std::string deflated(std::string_view content) {
  std::string out(content.size() + 1024, '\0');
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, -MAX_WBITS, 9, Z_DEFAULT_STRATEGY) !=
      Z_OK) {
    throw std::runtime_error("zlib does not start");
  }
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}

inline std::uint32_t crc_of(std::string_view content) {
  return static_cast<std::uint32_t>(
      crc32(0, reinterpret_cast<const Bytef*>(content.data()), static_cast<uInt>(content.size())));
}

// As PyTorch 1.13 writes: sizes behind the data, padding up to a multiple of 64, both ends.
inline TestArchive archive_of(const std::vector<TestEntry>& entries,
                              const std::string& folder = "model/") {
  TestArchive archive;
  std::string directory;
  for (const TestEntry& entry : entries) {
    const std::string name = folder + entry.name;
    const std::string data = entry.deflate ? deflated(entry.content) : entry.content;
    const bool later = !data.empty();
    EntryPlace place{.local = archive.bytes.size()};
    ByteWriter header;
    header.number(std::uint16_t(entry.deflate ? 20 : 0));
    header.number(std::uint16_t(later ? 0x0808 : 0x0800));
    header.number(std::uint16_t(entry.deflate ? 8 : 0));
    header.number(std::uint32_t{0});
    const std::string common = header.take();
    ByteWriter local;
    local.number(std::uint32_t{0x04034b50});
    local.raw(common + std::string(12, '\0'));
    local.number(static_cast<std::uint16_t>(name.size()));
    const std::size_t unpadded = place.local + 30 + name.size() + 4;
    const std::size_t padding = (64 - unpadded % 64) % 64;
    local.number(static_cast<std::uint16_t>(padding + 4));
    local.raw(name);
    local.number(std::uint16_t{0x4246});
    local.text<std::uint16_t>(std::string(padding, 'Z'));
    archive.bytes += local.take();
    place.data = archive.bytes.size();
    archive.bytes += data;
    place.descriptor = archive.bytes.size();
    ByteWriter sizes;
    sizes.number(crc_of(entry.content));
    sizes.number(static_cast<std::uint32_t>(data.size()));
    sizes.number(static_cast<std::uint32_t>(entry.content.size()));
    const std::string facts = sizes.take();
    archive.bytes += later ? "PK\x07\x08" + facts : "";
    place.central = directory.size();
    ByteWriter central;
    central.number(std::uint32_t{0x02014b50});
    central.number(std::uint16_t{0});
    central.raw(common + facts);
    central.number(static_cast<std::uint16_t>(name.size()));
    central.raw(std::string(12, '\0'));
    central.number(static_cast<std::uint32_t>(place.local));
    central.raw(name);
    directory += central.take();
    archive.entries.push_back(place);
  }
  archive.directory = archive.bytes.size();
  for (EntryPlace& place : archive.entries) {
    place.central += archive.directory;
  }
  archive.wide_end = archive.directory + directory.size();
  archive.end = archive.wide_end + 76;
  const std::uint64_t count = entries.size();
  ByteWriter ends;
  ends.number(std::uint32_t{0x06064b50});
  ends.number(std::uint64_t{44});
  ends.number(std::uint32_t{0x032d001e});
  ends.number(std::uint64_t{0});
  ends.number(count);
  ends.number(count);
  ends.number(std::uint64_t{directory.size()});
  ends.number(std::uint64_t{archive.directory});
  ends.number(std::uint32_t{0x07064b50});
  ends.number(std::uint32_t{0});
  ends.number(std::uint64_t{archive.wide_end});
  ends.number(std::uint32_t{1});
  ends.number(std::uint32_t{0x06054b50});
  ends.number(std::uint32_t{0});
  ends.number(static_cast<std::uint16_t>(std::min<std::uint64_t>(count, 0xffff)));
  ends.number(static_cast<std::uint16_t>(std::min<std::uint64_t>(count, 0xffff)));
  ends.number(static_cast<std::uint32_t>(directory.size()));
  ends.number(static_cast<std::uint32_t>(archive.directory));
  ends.number(std::uint16_t{0});
  archive.bytes += directory + ends.take();
  return archive;
}

// A pickle, operation by operation.
class Pickle {
 public:
  Pickle& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  Pickle& global(std::string_view module, std::string_view name) {
    return raw("c").raw(module).raw("\n").raw(name).raw("\n");
  }
  Pickle& text(std::string_view content) {
    ByteWriter out;
    out.number('X');
    out.text<std::uint32_t>(content);
    return raw(out.take());
  }
  Pickle& number(std::int64_t value) {
    ByteWriter out;
    out.number(std::uint8_t{0x8a});
    out.number(std::uint8_t{8});
    out.number(value);
    return raw(out.take());
  }
  Pickle& numbers(const std::vector<std::int64_t>& values) {
    raw("(");
    for (const std::int64_t value : values) {
      number(value);
    }
    return raw("t");
  }
  Pickle& storage(std::string_view key, std::int64_t elements,
                  std::string_view type = "FloatStorage") {
    raw("(").text("storage").global("torch", type).text(key).text("cpu").number(elements);
    return raw("tQ");
  }
  Pickle& no_hooks() { return raw("\x89").global("collections", "OrderedDict").raw(")R"); }
  // A tensor over a whole storage, or what is said about it.
  Pickle& tensor(std::string_view key, std::int64_t elements, std::int64_t offset,
                 const std::vector<std::int64_t>& sizes, const std::vector<std::int64_t>& strides) {
    global("torch._utils", "_rebuild_tensor_v2").raw("(").storage(key, elements).number(offset);
    return numbers(sizes).numbers(strides).no_hooks().raw("tR");
  }
  // An object of a class without attributes.
  Pickle& object(std::string_view module, std::string_view name) {
    return global(module, name).raw(")\x81}(ub");
  }
  std::string done() const { return "\x80\x02" + bytes_ + "."; }

 private:
  std::string bytes_;
};

inline std::string small_code() {
  return "class Model(Module):\n"
         "  __parameters__ = [\"weight\", ]\n"
         "  __buffers__ = []\n"
         "  weight : Tensor\n"
         "  def forward(self: __torch__.Model,\n"
         "    x: Tensor) -> Tensor:\n"
         "    weight = self.weight\n"
         "    return torch.add(x, weight)\n";
}

inline std::string small_data() {
  return Pickle()
      .global("__torch__", "Model")
      .raw(")\x81}(")
      .text("weight")
      .tensor("0", 4, 0, {2, 2}, {2, 1})
      .raw("ub")
      .done();
}

// A model of one weight; tests replace an entry, or add one.
inline std::vector<TestEntry> small_model() {
  return {{"data/0", std::string(16, 'w')},
          {"data.pkl", small_data()},
          {"code/__torch__.py", small_code(), true},
          {"constants.pkl", Pickle().raw(")").done()},
          {"version", "3\n"}};
}
inline std::vector<TestEntry> small_model_with(TestEntry entry) {
  std::vector<TestEntry> entries = small_model();
  for (TestEntry& old : entries) {
    if (old.name == entry.name) {
      old = std::move(entry);
      return entries;
    }
  }
  entries.push_back(std::move(entry));
  return entries;
}

// Bytes as a file without a name.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view bytes) : fd_(memfd_create("model", MFD_CLOEXEC)) {
    if (fd_ < 0 || write(fd_, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) {
      throw std::runtime_error("no file in memory");
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { close(fd_); }
  int fd() const { return fd_; }

 private:
  int fd_;
};

// What inspection says: "" if the model may be loaded, or the sentence that refuses it.
inline std::string verdict(const std::string& bytes, const Policy& policy = {}) {
  const MemoryFile file(bytes);
  auto artifact = Artifact::read(file.fd(), sha256_digest(bytes), policy.limits.artifact_bytes);
  if (!artifact) {
    return artifact.error().message;
  }
  const auto model = CheckedModel::inspect(std::move(*artifact), policy);
  return model ? "" : model.error().message;
}
inline std::string verdict(const std::vector<TestEntry>& entries, const Policy& policy = {}) {
  return verdict(archive_of(entries).bytes, policy);
}

}  // namespace skerry::inspect
