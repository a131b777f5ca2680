#include "common/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "common/bytes.h"

namespace skerry {

namespace {

constexpr std::string_view kMagic = "SKV1";
constexpr std::uint32_t kMaxValues = 64;
constexpr std::size_t kMaxRank = 8;

enum class Kind : std::uint8_t { kTensor = 0, kMedia = 1, kLabels = 2 };

struct DTypeFacts {
  std::string_view name;
  std::size_t size_bytes;
};
constexpr std::array<DTypeFacts, 9> kDTypes = {{{"f32", 4},
                                                {"f64", 8},
                                                {"f16", 2},
                                                {"i64", 8},
                                                {"i32", 4},
                                                {"i16", 2},
                                                {"i8", 1},
                                                {"u8", 1},
                                                {"bool", 1}}};

// Never refuses: what is over a limit (more values, a higher rank) is written so that decode_values
// refuses it.
void encode_body(ByteWriter& out, const Tensor& tensor) {
  out.number(static_cast<std::uint8_t>(std::min<std::size_t>(tensor.shape.size(), 255)));
  for (const std::int64_t dimension : tensor.shape) {
    out.number(dimension);
  }
  out.text<std::uint64_t>(tensor.data);
}

void encode_body(ByteWriter& out, const Media& media) {
  out.text<std::uint16_t>(media.type);
  out.text<std::uint64_t>(media.data);
}

void encode_body(ByteWriter& out, const Labels& labels) {
  out.number(static_cast<std::uint32_t>(labels.size()));
  for (const Label& label : labels) {
    out.number(label.score);
    out.text<std::uint16_t>(label.text);
  }
}

std::unexpected<Error> malformed(std::string_view name, std::string_view what) {
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("value '{}' of the encoded inputs or outputs {}", name.substr(0, 64), what));
}

enum class Content : std::uint8_t { kCopied, kLeft };  // of tensors and media

Result<Tensor> decode_tensor(ByteReader& in, std::string_view name, std::uint8_t dtype,
                             Content content) {
  if (dtype >= kDTypes.size()) {
    return malformed(name, fmt::format("has the unknown element type {}", dtype));
  }
  Tensor tensor{.dtype = static_cast<DType>(dtype), .shape = {}, .data = {}};
  const auto rank = in.number<std::uint8_t>();
  if (rank > kMaxRank) {
    return malformed(name, fmt::format("has {} dimensions; {} are allowed", rank, kMaxRank));
  }
  for (std::uint8_t i = 0; i < rank; ++i) {
    tensor.shape.push_back(in.number<std::int64_t>());
  }
  const std::string_view data = in.text<std::uint64_t>();
  if (!in.ok()) {
    return malformed(name, "is cut short");
  }
  const auto elements = element_count(tensor.shape);
  if (!elements) {
    return malformed(name, fmt::format("has a bad shape: {}", elements.error().message));
  }
  const auto element_bytes = size_bytes(tensor.dtype);
  if (data.size() % element_bytes != 0 ||
      static_cast<std::uint64_t>(*elements) != data.size() / element_bytes) {
    return malformed(name, fmt::format("has {} bytes, but {} elements of {} by its shape",
                                       data.size(), *elements, to_string(tensor.dtype)));
  }
  tensor.data = content == Content::kCopied ? data : std::string_view();
  return tensor;
}

Result<Media> decode_media(ByteReader& in, std::string_view name, Content content) {
  Media media;
  media.type = in.text<std::uint16_t>();
  const std::string_view data = in.text<std::uint64_t>();
  media.data = content == Content::kCopied ? data : std::string_view();
  if (!in.ok()) {
    return malformed(name, "is cut short");
  }
  return media;
}

Result<Labels> decode_labels(ByteReader& in, std::string_view name) {
  constexpr std::size_t kSmallestLabelBytes = 6;
  const auto count = in.number<std::uint32_t>();
  if (count > in.remaining() / kSmallestLabelBytes) {  // before anything is allocated for them
    return malformed(name, "is cut short");
  }
  Labels labels;
  labels.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto score = in.number<float>();
    labels.push_back({.text = std::string(in.text<std::uint16_t>()), .score = score});
  }
  if (!in.ok()) {
    return malformed(name, "is cut short");
  }
  return labels;
}

template <typename T>
Result<NamedValue> named(std::string_view name, Result<T> value) {
  if (!value) {
    return fail(std::move(value).error());
  }
  return NamedValue{.name = std::string(name), .value = std::move(*value)};
}

Result<NamedValue> decode_value(ByteReader& in, Content content) {
  const auto kind = in.number<std::uint8_t>();
  const auto dtype = in.number<std::uint8_t>();
  const std::string_view name = in.text<std::uint16_t>();
  if (!in.ok()) {
    return malformed(name, "is cut short");
  }
  if (kind == static_cast<std::uint8_t>(Kind::kTensor)) {
    return named(name, decode_tensor(in, name, dtype, content));
  }
  if (dtype != 0) {
    return malformed(name, "is no tensor and yet has an element type");
  }
  if (kind == static_cast<std::uint8_t>(Kind::kMedia)) {
    return named(name, decode_media(in, name, content));
  }
  if (kind == static_cast<std::uint8_t>(Kind::kLabels)) {
    return named(name, decode_labels(in, name));
  }
  return malformed(name, fmt::format("is of the unknown kind {}", kind));
}

}  // namespace

std::string_view to_string(DType dtype) { return kDTypes[static_cast<std::size_t>(dtype)].name; }

std::size_t size_bytes(DType dtype) { return kDTypes[static_cast<std::size_t>(dtype)].size_bytes; }

Result<DType> parse_dtype(std::string_view name) {
  const auto found = std::ranges::find(kDTypes, name, &DTypeFacts::name);
  if (found == kDTypes.end()) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format(
            "'{}' is no element type; known are f32, f64, f16, i64, i32, i16, i8, u8 and bool",
            name.substr(0, 32)));
  }
  return static_cast<DType>(found - kDTypes.begin());
}

std::string encode_values(const Values& values) {
  ByteWriter out;
  out.raw(kMagic);
  out.number(static_cast<std::uint32_t>(values.size()));
  for (const NamedValue& named_value : values) {
    const auto* tensor = std::get_if<Tensor>(&named_value.value);
    out.number(static_cast<std::uint8_t>(named_value.value.index()));  // in the order of Kind
    out.number(tensor != nullptr ? static_cast<std::uint8_t>(tensor->dtype) : std::uint8_t{0});
    out.text<std::uint16_t>(named_value.name);
    std::visit([&](const auto& value) { encode_body(out, value); }, named_value.value);
  }
  return out.take();
}

namespace {

Result<Values> decode(std::string_view encoded, Content content) {
  ByteReader in(encoded);
  if (in.raw(kMagic.size()) != kMagic) {
    return fail(ErrorCode::kInvalidArgument,
                "these bytes are not encoded values: they do not begin with SKV1");
  }
  const auto count = in.number<std::uint32_t>();
  if (!in.ok() || count > kMaxValues) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the encoded values are cut short or more than {}", kMaxValues));
  }
  Values values;
  for (std::uint32_t i = 0; i < count; ++i) {
    auto value = decode_value(in, content);
    if (!value) {
      return fail(std::move(value).error());
    }
    values.push_back(std::move(*value));
  }
  if (!in.at_end()) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("{} bytes follow the last of {} encoded values", in.remaining(), count));
  }
  return values;
}

}  // namespace

Result<Values> decode_values(std::string_view encoded) { return decode(encoded, Content::kCopied); }

Status check_values(std::string_view encoded) {
  const auto values = decode(encoded, Content::kLeft);
  return values ? Status() : fail(values.error());
}

Result<std::int64_t> element_count(std::span<const std::int64_t> shape) {
  // A zero makes the product zero whatever the others say, so signs are looked at before anything
  // is multiplied.
  if (const auto negative = std::ranges::find_if(shape, [](auto d) { return d < 0; });
      negative != shape.end()) {
    return fail(ErrorCode::kInvalidArgument, fmt::format("dimension {} is negative", *negative));
  }
  std::int64_t count = 1;
  for (const std::int64_t dimension : shape) {
    if (__builtin_mul_overflow(count, dimension, &count)) {
      return fail(ErrorCode::kInvalidArgument, "the product of the dimensions overflows 64 bits");
    }
  }
  return count;
}

}  // namespace skerry
