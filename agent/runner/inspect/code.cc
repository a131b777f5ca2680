#include "agent/runner/inspect/code.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "agent/runner/inspect/code_tokens.h"
#include "agent/runner/inspect/zip.h"

namespace skerry::inspect {

namespace {

using Kind = Token::Kind;
using Tokens = std::vector<Token>;

struct Word {
  std::string_view text;
  std::string_view stands_for;
};
// Words that stand for an operator when they are called.
constexpr std::array<Word, 2> kCalled = {{{"hash", "aten::hash"}, {"id", "prim::id"}}};
// Those that PyTorch keeps for it, so that nothing else of a model has such a name.
constexpr std::array<Word, 6> kReserved = {{{"fork", "prim::fork"},
                                            {"awaitable", "prim::awaitable"},
                                            {"awaitable_wait", "prim::awaitable_wait"},
                                            {"rpc_async", "prim::rpc_async"},
                                            {"rpc_sync", "prim::rpc_sync"},
                                            {"rpc_remote", "prim::rpc_remote"}}};

// Empty if it is none of them.
template <std::size_t n>
std::string_view stands_for(const std::array<Word, n>& words, std::string_view text) {
  const auto* found = std::ranges::find(words, text, &Word::text);
  return found == words.end() ? std::string_view() : found->stands_for;
}

class Checker {
 public:
  Checker(const Tokens& tokens, std::string_view where, const OperatorList& operators)
      : tokens_(tokens), where_(where), operators_(operators) {}

  Status all() {
    for (at_ = 0; at_ < tokens_.size(); ++at_) {
      const bool member = at_ > 0 && tokens_[at_ - 1].is(".");
      if (tokens_[at_].kind != Kind::kName || member || declares()) {
        continue;
      }
      if (Status fine = reference(); !fine) {
        return fine;
      }
    }
    return {};
  }

 private:
  const Token* token(std::size_t ahead) const {
    return at_ + ahead < tokens_.size() ? &tokens_[at_ + ahead] : nullptr;
  }
  bool is_mark(std::size_t ahead, std::string_view mark) const {
    const Token* found = token(ahead);
    return found != nullptr && found->is(mark);
  }
  std::string place() const { return fmt::format("{}, line {}", where_, tokens_[at_].line); }
  std::unexpected<Error> refuse(std::string_view what) const {
    return fail(ErrorCode::kModelFailed, fmt::format("{}: {}", place(), what));
  }

  // "ops : int" in a class names an attribute.
  bool declares() const { return tokens_[at_].first && is_mark(1, ":"); }

  Status reference() {
    const std::string_view word = tokens_[at_].text;
    if (word == "torch" || word == "ops") {
      return operator_of(word);
    }
    if (word == "__torch__") {
      return class_of();
    }
    if (word == "getattr") {
      return attribute();
    }
    if (word == "hasattr" || word == "setattr" || word == "eval" || word == "exec") {
      return refuse(fmt::format("PyTorch does not write '{}'", word));
    }
    std::string_view known = stands_for(kReserved, word);
    if (known.empty() && is_mark(1, "(")) {
      known = stands_for(kCalled, word);
    }
    return known.empty() ? Status() : operators_.check(known, place());
  }

  // The names of "a.b.c" from here on, and how many tokens they are.
  std::vector<std::string_view> members() const {
    std::vector<std::string_view> names = {tokens_[at_].text};
    for (std::size_t ahead = 1; is_mark(ahead, "."); ahead += 2) {
      const Token* next = token(ahead + 1);
      if (next == nullptr || next->kind != Kind::kName) {
        break;
      }
      names.push_back(next->text);
    }
    return names;
  }

  Status operator_of(std::string_view word) {
    const std::vector<std::string_view> names = members();
    std::size_t i = 1;
    std::string space = "aten";
    if (word == "ops") {
      space = names.size() > 1 ? std::string(names[1]) : std::string();
      i = 2;
    }
    // torch.autograd is torch once more; it is so for any space behind ops.
    while (i < names.size() && names[i] == "autograd") {
      space = "aten";
      ++i;
    }
    const bool complete = i + 1 == names.size() && is_mark(2 * i + 1, "(");
    if (!complete) {
      return refuse(
          fmt::format("'{}' stands there other than as torch.NAME(...) or "
                      "ops.SPACE.NAME(...)",
                      word));
    }
    return operators_.check(fmt::format("{}::{}", space, names[i]), place());
  }

  Status class_of() {
    const std::vector<std::string_view> names = members();
    const bool of_torch = names.size() == 1 || names[1] == "torch";
    if (of_torch && (names.size() < 3 || names[2] == "classes")) {
      if (names.size() < 5) {
        return refuse("a part of the name of a library's class stands alone");
      }
      return operators_.check(fmt::format("torch.classes.{}.{}", names[3], names[4]), place());
    }
    return {};
  }

  // getattr(EXPRESSION, "NAME"): how an attribute is read whose name is no identifier, such as "0".
  Status attribute() {
    if (!is_mark(1, "(")) {
      return refuse("'getattr' is not called");
    }
    std::size_t depth = 0;
    std::size_t ahead = 2;
    for (const Token* next = token(ahead); next != nullptr; next = token(++ahead)) {
      const bool opens = next->is("(") || next->is("[") || next->is("{");
      const bool closes = next->is(")") || next->is("]") || next->is("}");
      if (depth == 0 && (closes || next->is(","))) {
        break;
      }
      depth += opens ? 1 : 0;
      depth -= closes ? 1 : 0;
    }
    const Token* name = token(ahead + 1);
    const bool plain = is_mark(ahead, ",") && name != nullptr && name->kind == Kind::kText &&
                       name->text.find('\\') == std::string_view::npos && is_mark(ahead + 2, ")");
    return plain ? Status()
                 : refuse("'getattr' has other arguments than an object and a plain name");
  }

  const Tokens& tokens_;
  const std::string_view where_;
  const OperatorList& operators_;
  std::size_t at_ = 0;
};

}  // namespace

Status check_code(std::string_view source, std::string_view where, const OperatorList& operators) {
  const auto tokens = code_tokens(source, where);
  return tokens ? Checker(*tokens, where, operators).all() : fail(tokens.error());
}

Status check_type(std::string_view type, std::string_view where, const OperatorList& operators) {
  if (type.find('\n') != std::string_view::npos) {
    return fail(ErrorCode::kModelFailed, fmt::format("{}: a type has several lines", where));
  }
  return check_code(type, where, operators);
}

Status check_class(std::string_view module, std::string_view name, std::string_view where,
                   const OperatorList& operators) {
  constexpr std::string_view kClasses = "__torch__.torch.classes.";
  if (module != "__torch__" && !module.starts_with("__torch__.")) {
    return fail(ErrorCode::kModelFailed,
                fmt::format("{} makes objects of '{}.{}', and only those of classes that the model "
                            "brings, '__torch__...', belong into one",
                            where, printable(module), printable(name)));
  }
  const std::string full = fmt::format("{}.{}", module, name);
  if (!(full + ".").starts_with(kClasses)) {
    return {};
  }
  return operators.check(full.substr(std::string_view("__torch__.").size()), where);
}

}  // namespace skerry::inspect
