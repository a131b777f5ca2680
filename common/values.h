// values.h: named values, the inputs and outputs of a model, and their compact binary form.
//
// A value is a tensor (element type, shape, little-endian row-major elements), encoded media (a PNG, JPEG or WAV file as
// it is), or labels with scores. REST turns JSON into values, agents pass the encoded bytes on unread, and the runner
// decodes them next to the model, so that no other process links an image library or libtorch.
//
// Encoded form, all integers little-endian: "SKV1", u32 count, then per value: u8 kind, u8 dtype, u16 name length, name,
// then u8 rank and rank x i64 (tensor) | u16 length and media type (media) | u32 count of (f32 score, u16 length, text)
// (labels), and for tensors and media u64 length and the bytes. decode_values refuses anything malformed or over limits
// (64 values, rank 8, and every length must fit the input) with kInvalidArgument and never reads beyond it.

#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/error.h"

namespace skerry {

enum class DType : std::uint8_t { kF32, kF64, kF16, kI64, kI32, kI16, kI8, kU8, kBool };

// "f32", "f64", "f16", "i64", "i32", "i16", "i8", "u8", "bool".
std::string_view to_string(DType dtype);
Result<DType> parse_dtype(std::string_view name);  // kInvalidArgument, listing what is known
std::size_t size_bytes(DType dtype);               // of one element

struct Tensor {
  DType dtype = DType::kF32;
  std::vector<std::int64_t> shape;
  std::string data;  // size_bytes(dtype) * product of shape

  bool operator==(const Tensor&) const = default;
};

struct Media {
  std::string type;  // "image/png", "image/jpeg", "audio/wav"; empty = tell from the first bytes
  std::string data;

  bool operator==(const Media&) const = default;
};

struct Label {
  std::string text;
  float score = 0;

  bool operator==(const Label&) const = default;
};
using Labels = std::vector<Label>;  // best first

struct NamedValue {
  std::string name;
  std::variant<Tensor, Media, Labels> value;

  bool operator==(const NamedValue&) const = default;
};
using Values = std::vector<NamedValue>;

std::string encode_values(const Values& values);
Result<Values> decode_values(std::string_view encoded);  // kInvalidArgument
// Whether decode_values would take them: what a process that passes them on asks of one that it does not trust. Copies no
// tensor and no media.
Status check_values(std::string_view encoded);  // kInvalidArgument

// Number of elements of a shape; kInvalidArgument on a negative dimension or overflow.
Result<std::int64_t> element_count(std::span<const std::int64_t> shape);

}  // namespace skerry
