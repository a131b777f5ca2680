// code_tokens.h: the tokens of serialised TorchScript: the small part of Python's grammar that PyTorch
// writes when it saves a model.
//
// Whatever two readers might tell apart differently is refused: characters beyond ASCII, tabs, comments
// (one of which changes what PyTorch reads), backslashes outside of texts, texts of several lines, numbers
// that touch what follows. So PyTorch's lexer sees the same tokens. The signs + and - are taken in front
// of numbers alone, keywords only where PyTorch writes them: this keeps its parser from recursing deeply.

#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace skerry::inspect {

struct Token {
  enum class Kind : std::uint8_t { kName, kKeyword, kNumber, kText, kMark };
  Kind kind = Kind::kMark;
  bool first = false;      // of its line, outside of all brackets
  std::uint32_t line = 0;  // from 1
  std::string_view text;   // a text with its quotes; "->" or one character for a mark

  bool is(std::string_view mark) const { return kind == Kind::kMark && text == mark; }
};

// kModelFailed: what is wrong, at which line. `where` begins the sentence.
Result<std::vector<Token>> code_tokens(std::string_view source, std::string_view where);

}  // namespace skerry::inspect
