#include "agent/runner/inspect/code_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace skerry::inspect {

namespace {

using Kind = Token::Kind;

// PyTorch's parser and compiler recurse along each of these.
constexpr std::size_t kDeepestBrackets = 200;
constexpr std::size_t kDeepestIndent = 400;  // spaces; PyTorch writes two for each block
constexpr std::size_t kLongestChain = 1000;  // of calls, indices and members of one statement
constexpr std::size_t kLongestName = 100;    // parts, with dots between them

constexpr std::array<std::string_view, 10> kBeginLines = {"class", "def", "return", "if",   "else",
                                                          "elif",  "for", "while",  "with", "pass"};
constexpr std::array<std::string_view, 3> kValues = {"True", "False", "None"};
// Keywords of PyTorch's lexer that it does not write when it saves.
constexpr std::array<std::string_view, 12> kRefused = {"import", "global", "del",      "raise",
                                                       "assert", "not",    "and",      "or",
                                                       "is",     "break",  "continue", "Ellipsis"};
constexpr std::string_view kMarks = "()[]{}.,:=";

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <std::size_t n>
bool is_one_of(const std::array<std::string_view, n>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

class Lexer {
 public:
  Lexer(std::string_view source, std::string_view where) : source_(source), where_(where) {}

  Result<std::vector<Token>> all() {
    while (skip_blanks() && at_ < source_.size()) {
      if (!one()) {
        break;
      }
    }
    if (problem_.empty() && depth_ != 0) {
      problem_ = "a bracket is not closed";
    }
    if (!problem_.empty()) {
      return fail(ErrorCode::kModelFailed, fmt::format("{}, line {}: {}", where_, line_, problem_));
    }
    return std::move(tokens_);
  }

 private:
  bool refuse(std::string problem) {
    problem_ = std::move(problem);
    return false;
  }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }

  bool skip_blanks() {
    for (; at_ < source_.size() && (source_[at_] == ' ' || source_[at_] == '\n'); ++at_) {
      if (source_[at_] == '\n') {
        ++line_;
        begin_line();
      } else {
        ++indent_;
      }
    }
    return !line_begins_ || indent_ <= kDeepestIndent || refuse("its blocks are nested too deeply");
  }

  void begin_line() {
    indent_ = 0;
    line_begins_ = true;
    if (depth_ == 0) {
      chain_ = 0;
      statement_ = {};
    }
  }

  void add(Kind kind, std::size_t length) {
    tokens_.push_back({.kind = kind,
                       .first = line_begins_ && depth_ == 0,
                       .line = line_,
                       .text = source_.substr(at_, length)});
    const bool of_number =
        kind == Kind::kNumber || tokens_.back().is("-") || tokens_.back().is("+");
    signs_ = of_number ? signs_ : 0;
    dots_ = tokens_.back().is(".") ? dots_ + 1 : (kind == Kind::kName ? dots_ : 0);
    at_ += length;
    line_begins_ = false;
  }

  bool one() {
    const char c = source_[at_];
    if (is_letter(c)) {
      return name();
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      return number();
    }
    if (c == '"' || c == '\'') {
      return text();
    }
    return mark();
  }

  bool name() {
    std::size_t length = 1;
    while (is_letter(peek(length)) || is_digit(peek(length))) {
      ++length;
    }
    const std::string_view word = source_.substr(at_, length);
    if (peek(length) == '"' || peek(length) == '\'') {
      return refuse("a name touches a text");
    }
    if (is_one_of(kRefused, word)) {
      return refuse(fmt::format("PyTorch does not write '{}'", word));
    }
    const bool begins = is_one_of(kBeginLines, word);
    const bool joins = word == "in" || word == "as";
    if ((begins && !(line_begins_ && depth_ == 0)) || (joins && !takes(word))) {
      return refuse(fmt::format("'{}' stands where PyTorch does not write it", word));
    }
    statement_ = begins ? word : (joins ? std::string_view() : statement_);
    add(begins || joins || is_one_of(kValues, word) ? Kind::kKeyword : Kind::kName, length);
    return true;
  }

  // Whether the statement on this line goes on with that word, which it does once.
  bool takes(std::string_view word) const { return statement_ == (word == "in" ? "for" : "with"); }

  std::size_t digits(std::size_t from) const {
    std::size_t length = 0;
    while (is_digit(peek(from + length))) {
      ++length;
    }
    return length;
  }

  bool number() {
    std::size_t length = digits(0);
    if (peek(length) == '.') {
      length += 1 + digits(length + 1);
    }
    if (peek(length) == 'e' || peek(length) == 'E') {
      const std::size_t sign = peek(length + 1) == '-' || peek(length + 1) == '+' ? 1 : 0;
      const std::size_t power = digits(length + 1 + sign);
      length += power > 0 ? 1 + sign + power : 0;
    }
    length += peek(length) == 'j' ? 1 : 0;
    const char next = peek(length);
    if (is_letter(next) || is_digit(next) || next == '.' || next == '"' || next == '\'') {
      return refuse("a number touches what follows it");
    }
    add(Kind::kNumber, length);
    return true;
  }

  bool text() {
    const char quote = source_[at_];
    if (peek(1) == quote && peek(2) == quote) {
      return refuse("a text has three quotes");
    }
    std::size_t length = 1;
    for (; peek(length) != quote; ++length) {
      length += peek(length) == '\\' ? 1 : 0;
      const char c = peek(length);
      if (c < 0x20 || c >= 0x7f) {
        return refuse("a text does not end on its line, or holds what is not printable ASCII");
      }
    }
    add(Kind::kText, length + 1);
    return true;
  }

  bool follows_closing() const {
    return !tokens_.empty() &&
           (tokens_.back().is(")") || tokens_.back().is("]") || tokens_.back().is("}"));
  }

  bool sign() {
    if (peek(1) == '>' && peek() == '-') {
      add(Kind::kMark, 2);
      return true;
    }
    const bool alone = tokens_.empty() || tokens_.back().kind == Kind::kKeyword ||
                       (tokens_.back().kind == Kind::kMark && !follows_closing());
    const bool complex = !tokens_.empty() && tokens_.back().kind == Kind::kNumber && signs_ < 2;
    const std::string_view rest = source_.substr(at_ + 1);
    const bool number = is_digit(peek(1)) || (peek(1) == '.' && is_digit(peek(2))) ||
                        rest.starts_with("inf") || rest.starts_with("nan");
    if (!number || !(alone || complex)) {
      return refuse("a sign stands elsewhere than in front of a number");
    }
    ++signs_;
    add(Kind::kMark, 1);
    return true;
  }

  bool mark() {
    const char c = source_[at_];
    if (c == '-' || c == '+') {
      return sign();
    }
    if (kMarks.find(c) == std::string_view::npos) {
      return refuse(fmt::format("PyTorch does not write the character 0x{:02x} outside of texts",
                                static_cast<unsigned char>(c)));
    }
    if (c == '=' && peek(1) == '=') {
      return refuse("PyTorch does not write '=='");
    }
    const bool opens = c == '(' || c == '[' || c == '{';
    const bool closes = c == ')' || c == ']' || c == '}';
    if ((opens || c == '.') && follows_closing() && ++chain_ > kLongestChain) {
      return refuse(fmt::format("a statement has more than {} calls in a chain", kLongestChain));
    }
    if (closes && depth_ == 0) {
      return refuse("a bracket is closed that was not opened");
    }
    add(Kind::kMark, 1);
    if (dots_ >= kLongestName) {
      return refuse(fmt::format("a name has more than {} parts", kLongestName));
    }
    depth_ += opens ? 1 : 0;
    depth_ -= closes ? 1 : 0;
    return depth_ <= kDeepestBrackets || refuse("its brackets are nested too deeply");
  }

  const std::string_view source_;
  const std::string_view where_;
  std::vector<Token> tokens_;
  std::string problem_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;   // of brackets
  std::size_t indent_ = 0;  // blanks since the line's start, or since the last token
  std::size_t chain_ = 0;
  std::size_t dots_ = 0;        // in the name that is being read
  std::size_t signs_ = 0;       // in front of the numbers that stand in a row
  std::string_view statement_;  // the keyword that began this one, until it was joined
  std::uint32_t line_ = 1;
  bool line_begins_ = true;
};

}  // namespace

Result<std::vector<Token>> code_tokens(std::string_view source, std::string_view where) {
  return Lexer(source, where).all();
}

}  // namespace skerry::inspect
