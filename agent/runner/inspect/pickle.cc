#include "agent/runner/inspect/pickle.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "agent/runner/inspect/code.h"
#include "agent/runner/inspect/pickle_opcodes.h"
#include "agent/runner/inspect/pickle_tensors.h"
#include "agent/runner/inspect/pickle_values.h"
#include "agent/runner/inspect/zip.h"
#include "common/bytes.h"

namespace skerry::inspect {

namespace {

// Destructors and copies of libtorch recurse along values in values.
constexpr std::uint16_t kDeepest = 500;
constexpr std::size_t kMostOperations = 4'000'000;
constexpr std::size_t kLongestGlobal = 1024;
constexpr std::int64_t kProtocol = 2;

class Walk {
 public:
  // Without operators: a debug table.
  Walk(std::string_view pickle, std::string_view where, const Storages& storages,
       const OperatorList* operators)
      : pickle_(pickle), in_(pickle), where_(where), storages_(storages), operators_(operators) {}

  Status all() {
    if (in_.number<std::uint8_t>() != op::kProto || in_.number<std::uint8_t>() != kProtocol) {
      return refuse("it is no pickle of protocol 2");
    }
    for (std::size_t i = 0; in_.ok(); ++i) {
      begun_at_ = pickle_.size() - in_.remaining();
      const auto opcode = in_.number<std::uint8_t>();
      if (!in_.ok() || i == kMostOperations) {
        return refuse(in_.ok() ? "it has too many operations" : "it ends without an end");
      }
      if (opcode == op::kStop) {
        return end();
      }
      if (Status done = step(opcode); !done) {
        return done;
      }
    }
    return refuse("it ends in the middle of an operation");
  }

 private:
  std::unexpected<Error> refuse(std::string_view what) const {
    return fail(ErrorCode::kModelFailed, fmt::format("{}, byte {}: {}", where_, begun_at_, what));
  }

  Status end() {
    if (stack_.size() != 1 || !marks_.empty() || !in_.at_end()) {
      return refuse("it does not end with one value");
    }
    return {};
  }

  Status step(std::uint8_t opcode) {
    switch (opcode) {
      case op::kNone:
        return push({.is = Is::kNone});
      case op::kTrue:
      case op::kFalse:
        return push({.is = Is::kBool});
      case op::kInt1:
        return push_int(in_.number<std::uint8_t>());
      case op::kInt2:
        return push_int(in_.number<std::uint16_t>());
      case op::kInt4:
        return push_int(in_.number<std::int32_t>());
      case op::kLong1:
        return in_.number<std::uint8_t>() == sizeof(std::int64_t)
                   ? push_int(in_.number<std::int64_t>())
                   : refuse("a number has not 8 bytes");
      case op::kFloat:
        in_.raw(sizeof(double));
        return push({.is = Is::kFloat});
      case op::kUnicode:
        return push({.is = Is::kText, .text = in_.text<std::uint32_t>()});
      case op::kMark:
        marks_.push_back(stack_.size());
        return {};
      default:
        return structure(opcode);
    }
  }

  Status structure(std::uint8_t opcode) {
    switch (opcode) {
      case op::kEmptyTuple:
        return push({.is = Is::kTuple});
      case op::kTuple:
        return marks_.empty() ? refuse("there is no mark") : tuple(stack_.size() - take_mark());
      case op::kTuple1:
      case op::kTuple2:
      case op::kTuple3:
        return tuple(opcode - op::kTuple1 + 1u);
      case op::kEmptyList:
      case op::kEmptyDict:
        boxes_.push_back({});
        return push({.is = opcode == op::kEmptyList ? Is::kList : Is::kDict,
                     .fresh = true,
                     .number = static_cast<std::int64_t>(boxes_.size() - 1)});
      case op::kAppends:
      case op::kSetItems:
        return fill(opcode == op::kAppends ? Is::kList : Is::kDict);
      case op::kPut:
        return put(in_.number<std::uint8_t>());
      case op::kLongPut:
        return put(in_.number<std::uint32_t>());
      case op::kGet:
        return get(in_.number<std::uint8_t>());
      case op::kLongGet:
        return get(in_.number<std::uint32_t>());
      case op::kGlobal:
        return global();
      case op::kNewObject:
      case op::kBuild:
      case op::kReduce:
        return make(opcode);
      case op::kPersistentId:
        return storage();
      default:
        return refuse(fmt::format("opcode 0x{:02x} belongs into no model", opcode));
    }
  }

  // ---- values

  Status push(Value value) {
    stack_.push_back(value);
    return {};
  }
  Status push_int(std::int64_t number) { return push({.is = Is::kInt, .number = number}); }

  // Nothing is taken from below the last mark.
  bool has(std::size_t count) const {
    return stack_.size() - (marks_.empty() ? 0 : marks_.back()) >= count;
  }
  std::size_t take_mark() {
    const std::size_t mark = marks_.back();
    marks_.pop_back();
    return mark;
  }
  bool is_container(const Value& value) const {
    return value.is == Is::kList || value.is == Is::kDict;
  }
  std::uint16_t depth_of(const Value& value) const {
    return is_container(value) ? boxes_[static_cast<std::size_t>(value.number)].depth : value.depth;
  }
  // How deep it is around the topmost `count` values, which may not grow any more.
  std::uint16_t close(std::size_t count) {
    std::uint16_t deepest = 0;
    for (auto value = stack_.end() - static_cast<std::ptrdiff_t>(count); value != stack_.end();
         ++value) {
      deepest = std::max(deepest, depth_of(*value));
      if (value->fresh) {
        boxes_[static_cast<std::size_t>(value->number)].open = false;
        value->fresh = false;
      }
    }
    return deepest + 1;
  }
  void drop(std::size_t count) { stack_.resize(stack_.size() - count); }

  Status tuple(std::size_t count) {
    if (!has(count)) {
      return refuse("there are too few values");
    }
    const std::uint16_t depth = close(count);
    Value made = items_.keep(std::span(stack_).last(count));
    made.depth = depth;
    drop(count);
    stack_.push_back(made);
    return depth <= kDeepest ? Status() : refuse("its values are nested too deeply");
  }

  // APPENDS, SETITEMS.
  Status fill(Is container) {
    if (marks_.empty()) {
      return refuse("there is no mark");
    }
    const std::size_t count = stack_.size() - take_mark();
    if (!has(count + 1) || (container == Is::kDict && count % 2 != 0)) {
      return refuse("there are too few values");
    }
    const std::uint16_t depth = close(count);
    drop(count);
    Value& into = stack_.back();
    if (into.is != container || !into.fresh) {
      return refuse("what is to be filled is no container that was just made");
    }
    Box& box = boxes_[static_cast<std::size_t>(into.number)];
    box.depth = std::max(box.depth, depth);
    return depth <= kDeepest ? Status() : refuse("its values are nested too deeply");
  }

  Status put(std::uint64_t id) {
    if (!has(1) || id != memo_.size() || stack_.back().is == Is::kNew) {
      return refuse("its memo is not in order");
    }
    memo_.push_back(stack_.back());
    memo_.back().fresh = false;
    return {};
  }

  Status get(std::uint64_t id) {
    if (id >= memo_.size()) {
      return refuse("its memo is not in order");
    }
    const Value& value = memo_[id];
    if (is_container(value) && boxes_[static_cast<std::size_t>(value.number)].open) {
      return refuse("a container contains itself");
    }
    return push(value);
  }

  // ---- functions and classes

  Result<std::string_view> line() {
    const std::string_view rest = pickle_.substr(pickle_.size() - in_.remaining());
    const std::string_view name = rest.substr(0, rest.substr(0, kLongestGlobal).find('\n'));
    const auto plain = [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '_' || c == '.';
    };
    in_.raw(name.size() + 1);
    if (!in_.ok() || name.empty() || !std::ranges::all_of(name, plain)) {
      return refuse(fmt::format("'{}' is no name", printable(name)));
    }
    return name;
  }

  static bool of_debug_tables(const Value& named) {
    return named.is == Is::kFunction &&
           static_cast<Function>(named.number) == Function::kBuildIntegers;
  }

  Status global() {
    const auto module = line();
    const auto name = module ? line() : module;
    if (!name) {
      return fail(name.error());
    }
    const auto known = named_by_pytorch(*module, *name);
    if (known && (operators_ != nullptr || of_debug_tables(*known))) {
      return push(*known);
    }
    if (operators_ == nullptr) {
      return refuse(fmt::format("'{}.{}' belongs into no debug table", *module, *name));
    }
    const std::string place = fmt::format("{}, byte {}", where_, begun_at_);
    if (Status fine = check_class(*module, *name, place, *operators_); !fine) {
      return fine;
    }
    return push({.is = Is::kClass});
  }

  // NEWOBJ, BUILD and REDUCE, of what stands below the topmost value.
  Status make(std::uint8_t opcode) {
    if (!has(2)) {
      return refuse("there are too few values");
    }
    const std::uint16_t depth = close(1);
    const Value argument = stack_.back();
    drop(1);
    Value& maker = stack_.back();
    if (opcode == op::kNewObject && maker.is == Is::kClass && argument.is == Is::kTuple &&
        argument.count == 0) {
      maker = {.is = Is::kNew};
      return {};
    }
    const bool builds = opcode == op::kBuild && maker.is == Is::kNew;
    const bool enumerates =
        opcode == op::kReduce && maker.is == Is::kClass && argument.is == Is::kTuple;
    if (builds || enumerates) {
      maker = {.is = Is::kObject, .depth = depth};
      return depth <= kDeepest ? Status() : refuse("its values are nested too deeply");
    }
    if (opcode != op::kReduce || maker.is != Is::kFunction || argument.is != Is::kTuple) {
      return refuse("what is called is neither a function of PyTorch's nor a class");
    }
    auto made = call(static_cast<Function>(maker.number), items_.of(argument));
    if (!made) {
      return refuse(made.error().message);
    }
    maker = *made;
    return {};
  }

  Result<Value> call(Function function, std::span<const Value> arguments) {
    switch (function) {
      case Function::kRebuildTensor:
        return rebuild_tensor(arguments, items_);
      case Function::kRebuildQuantised:
        return rebuild_quantised(arguments, items_);
      case Function::kBuildIntegers:
      case Function::kBuildList:
        return has_kinds(arguments, {Is::kList})
                   ? Result<Value>(arguments[0])
                   : fail(ErrorCode::kModelFailed, "a list is made of what is none");
      case Function::kRestoreTypeTag:
        return restore_type_tag(arguments);
      case Function::kOrderedDict:
        return arguments.empty() ? Result<Value>(Value{.is = Is::kOther})
                                 : fail(ErrorCode::kModelFailed, "hooks are given");
      case Function::kDevice:
        return has_kinds(arguments, {Is::kText})
                   ? Result<Value>(Value{.is = Is::kOther})
                   : fail(ErrorCode::kModelFailed, "a device is no text");
      case Function::kComplex:
        return has_kinds(arguments, {Is::kFloat, Is::kFloat})
                   ? Result<Value>(Value{.is = Is::kOther})
                   : fail(ErrorCode::kModelFailed, "a complex number is not two numbers");
    }
    return fail(ErrorCode::kModelFailed, "there is no such function");
  }

  Result<Value> restore_type_tag(std::span<const Value> arguments) {
    if (!has_kinds(arguments, {Is::kList, Is::kText}) &&
        !has_kinds(arguments, {Is::kDict, Is::kText})) {
      return fail(ErrorCode::kModelFailed, "a type is given to what is no container");
    }
    const Status fine = check_type(arguments[1].text, "its type", *operators_);
    return fine ? Result<Value>(arguments[0]) : fail(fine.error());
  }

  // BINPERSID: ("storage", type, key, device, elements).
  Status storage() {
    if (operators_ == nullptr || !has(1) || stack_.back().is != Is::kTuple) {
      return refuse("there is no storage to load");
    }
    auto loaded = load_storage(items_.of(stack_.back()), storages_, loaded_);
    if (!loaded) {
      return refuse(loaded.error().message);
    }
    stack_.back() = *loaded;
    return {};
  }

  struct Box {  // a list or a dictionary, wherever it stands
    std::uint16_t depth = 0;
    bool open = true;
  };

  const std::string_view pickle_;
  ByteReader in_;
  const std::string_view where_;
  const Storages& storages_;
  const OperatorList* operators_;
  std::size_t begun_at_ = 0;
  std::vector<Value> stack_;
  std::vector<std::size_t> marks_;  // how many values stood below each
  std::vector<Value> memo_;
  std::vector<Box> boxes_;
  Items items_;
  std::set<std::string_view> loaded_;  // keys of storages
};

}  // namespace

Status check_pickle(std::string_view pickle, std::string_view where, const Storages& storages,
                    const OperatorList& operators) {
  return Walk(pickle, where, storages, &operators).all();
}

Status check_debug_pickle(std::string_view pickle, std::string_view where) {
  const Storages none;
  return Walk(pickle, where, none, nullptr).all();
}

}  // namespace skerry::inspect
