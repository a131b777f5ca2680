// The walk over pickles: what PyTorch writes passes; functions of others, values that reach out of their
// storage, and whatever would cost its reader more than it is worth do not.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "agent/runner/inspect/pickle.h"
#include "agent/runner/inspect/pickle_tensors.h"
#include "tests/unit/inspect_world.h"

namespace skerry::inspect {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

const OperatorList& shipped() {
  static const OperatorList operators{Policy()};
  return operators;
}

std::string refusal(const std::string& pickle, const Storages& storages = {{"0", 16}, {"1", 12}}) {
  const Status fine = check_pickle(pickle, "entry 'data.pkl'", storages, shipped());
  return fine ? "" : fine.error().message;
}
std::string debug_refusal(const std::string& pickle) {
  const Status fine = check_debug_pickle(pickle, "entry 'code/a.py.debug_pkl'");
  return fine ? "" : fine.error().message;
}

TEST(PickleWalk, WhatPytorchWritesPasses) {
  EXPECT_EQ(refusal(small_data()), "");
  EXPECT_EQ(refusal(Pickle().raw(")").done()), "");
  Pickle everything;
  everything.global("__torch__", "Odd").raw("q").raw(std::string(1, '\0')).raw(")\x81}(");
  everything.text("list")
      .global("torch.jit._pickle", "build_intlist")
      .raw("(](K\x01K\x02")
      .raw("etR");
  everything.text("dict").global("torch.jit._pickle", "restore_type_tag").raw("}(");
  everything.text("a").number(1).raw("u").text("Dict[str, int]").raw("\x86R");
  everything.text("device").global("torch", "device").text("cpu").raw("\x85R");
  everything.text("complex").global("builtins", "complex").raw("G").raw(std::string(8, '\0'));
  everything.raw("G").raw(std::string(8, '\0')).raw("\x86R");
  everything.text("colour").global("__torch__", "Colour").number(1).raw("\x85R");
  everything.text("same").raw("h").raw(std::string(1, '\0')).raw(")\x81}(ub");
  everything.text("weight").tensor("0", 4, 1, {3}, {1}).raw("ub");
  EXPECT_EQ(refusal(everything.done()), "");
}

TEST(PickleWalk, FunctionsOfOthersAreRefused) {
  for (const auto& [module, name] :
       {std::pair("os", "system"), std::pair("posix", "system"), std::pair("builtins", "eval"),
        std::pair("subprocess", "Popen"), std::pair("torch", "load"),
        std::pair("torch._utils", "_rebuild_sparse_tensor"),
        std::pair("torch._tensor", "_rebuild_from_type_v2"),
        std::pair("torch.distributed.rpc", "rref"),
        std::pair("torch.jit._pickle", "build_tensor_from_id"), std::pair("__main__", "TensorID"),
        std::pair("torch.jit._pickle", "unknown")}) {
    EXPECT_THAT(refusal(Pickle().global(module, name).raw("(").text("id").raw("tR").done()),
                AllOf(StartsWith("entry 'data.pkl', byte 2"), HasSubstr(name)))
        << module;
  }
}

TEST(PickleWalk, OpcodesThatPytorchDoesNotWriteAreRefused) {
  for (int opcode = 0; opcode < 256; ++opcode) {
    const char byte = static_cast<char>(opcode);
    if (std::string_view("(NKMJGX)t]e}ucbRQqrhj.\x80\x81\x85\x86\x87\x88\x89\x8a").find(byte) !=
        std::string_view::npos) {
      continue;
    }
    EXPECT_THAT(refusal(Pickle().raw(std::string_view(&byte, 1)).raw("N").done()),
                HasSubstr("belongs into no model"))
        << opcode;
  }
  EXPECT_NE(refusal("\x80\x04N."), "") << "another protocol";
  EXPECT_NE(refusal("N."), "");
}

TEST(PickleWalk, APickleIsOneValueAndNothingMore) {
  EXPECT_NE(refusal(Pickle().done()), "");
  EXPECT_NE(refusal(Pickle().raw("NN").done()), "");
  EXPECT_NE(refusal(Pickle().raw("(N").done()), "");
  EXPECT_NE(refusal(Pickle().raw("N").done() + "N"), "") << "what follows its end";
  const std::string whole = small_data();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    EXPECT_NE(refusal(whole.substr(0, length)), "") << length;
  }
}

TEST(PickleWalk, WhatIsCalledIsAFunctionOrAClass) {
  // PyTorch's reader would take the number for a function's index.
  EXPECT_THAT(refusal(Pickle().number(0).raw(")R").done()), HasSubstr("neither a function"));
  EXPECT_THAT(refusal(Pickle().number(0).raw("}b").done()), HasSubstr("neither a function"));
  EXPECT_NE(refusal(Pickle().global("__torch__", "A").raw("}b").done()), "") << "no NEWOBJ";
  EXPECT_NE(refusal(Pickle().global("__torch__", "A").raw("}\x81").done()), "");
  EXPECT_NE(refusal(Pickle().global("torch", "FloatStorage").raw(")R").done()), "");
  EXPECT_NE(refusal(Pickle().global("torch.jit._pickle", "build_intlist").raw("(}tR").done()), "");
  EXPECT_NE(refusal(Pickle().raw("R").done()), "");
}

TEST(PickleWalk, NothingIsTakenFromBelowAMark) {
  EXPECT_NE(refusal(Pickle().raw("N(N\x86").done()), "");
  EXPECT_NE(refusal(Pickle().raw("](NNe").raw("t").done()), "");
  EXPECT_NE(refusal(Pickle().raw("NN((e").done()), "");
  EXPECT_NE(refusal(Pickle().raw("}(Nu").done()), "") << "a key without a value";
}

TEST(PickleWalk, TheMemoIsFilledInOrder) {
  const std::string zero(1, '\0');
  EXPECT_EQ(refusal(Pickle().raw("Nq").raw(zero).raw("h").raw(zero).raw("\x86").done()), "");
  EXPECT_NE(refusal(Pickle().raw("Nq\x01").done()), "");
  EXPECT_NE(refusal(Pickle().raw("Nr").raw("\xff\xff\xff\xff").done()), "")
      << "PyTorch would make room for four billion values";
  EXPECT_NE(refusal(Pickle().raw("Nq").raw(zero).raw("q").raw(zero).done()), "");
  EXPECT_NE(refusal(Pickle().raw("h").raw(zero).done()), "");
  EXPECT_NE(refusal(Pickle().raw("j").raw("\xff\xff\xff\xff").done()), "");
}

TEST(PickleWalk, ValuesDoNotContainThemselves) {
  const std::string zero(1, '\0');
  EXPECT_THAT(refusal(Pickle().raw("]q").raw(zero).raw("(h").raw(zero).raw("e").done()),
              HasSubstr("contains itself"));
  // By way of a second list, once the first is closed.
  EXPECT_THAT(refusal(Pickle()
                          .raw("]q")
                          .raw(zero)
                          .raw("\x85")
                          .raw("h")
                          .raw(zero)
                          .raw("(Ne")
                          .raw("\x86")
                          .done()),
              HasSubstr("no container that was just made"));
}

TEST(PickleWalk, DeepNestingIsRefusedAlsoByWayOfTheMemo) {
  std::string tuples = "N";
  tuples.append(100'000, '\x85');
  EXPECT_THAT(refusal(Pickle().raw(tuples).done()), HasSubstr("nested too deeply"));
  // Each list holds the one before it, which only the memo remembers.
  Pickle lists;
  lists.raw("(");
  for (std::uint32_t i = 0; i < 1000; ++i) {
    ByteWriter step;
    step.raw("]r");
    step.number(i);
    if (i > 0) {
      step.raw("(j");
      step.number(i - 1);
      step.raw("e");
    }
    step.raw("\x85");
    lists.raw(step.take());
  }
  EXPECT_THAT(refusal(lists.raw("t").done()), HasSubstr("nested too deeply"));
}

TEST(PickleWalk, ATensorStaysWithinItsStorage) {
  const auto tensor = [](std::int64_t offset, const std::vector<std::int64_t>& sizes,
                         const std::vector<std::int64_t>& strides) {
    return refusal(Pickle().tensor("0", 4, offset, sizes, strides).done());
  };
  constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(tensor(0, {2, 2}, {2, 1}), "");
  EXPECT_EQ(tensor(3, {}, {}), "");
  EXPECT_EQ(tensor(0, {1000}, {0}), "") << "an expanded tensor";
  EXPECT_EQ(tensor(4, {0, 7}, {7, 1}), "");
  EXPECT_THAT(tensor(0, {5}, {1}), HasSubstr("reaches out of its storage of 4 elements"));
  EXPECT_NE(tensor(0, {2, 2}, {3, 1}), "");
  EXPECT_NE(tensor(1, {4}, {1}), "");
  EXPECT_NE(tensor(-1, {2}, {1}), "");
  EXPECT_NE(tensor(3, {2}, {-1}), "");
  EXPECT_NE(tensor(0, {-1}, {1}), "");
  EXPECT_NE(tensor(0, {2}, {1, 1}), "");
  EXPECT_NE(tensor(kHuge, {}, {}), "");
  EXPECT_NE(tensor(1, {2}, {kHuge}), "");
  EXPECT_NE(tensor(0, {kHuge, kHuge}, {0, 0}), "") << "more elements than can be counted";
  EXPECT_NE(tensor(5, {0}, {1}), "");
}

TEST(PickleWalk, AStorageIsItsEntryAndIsLoadedOnce) {
  EXPECT_THAT(
      refusal(Pickle().tensor("0", 5, 0, {1}, {1}).done()),
      HasSubstr("storage '0' is to have 5 elements of 4 bytes, and its entry has 16 bytes"));
  EXPECT_NE(refusal(Pickle().tensor("0", 3, 0, {1}, {1}).done()), "");
  EXPECT_NE(refusal(Pickle().tensor("0", -4, 0, {1}, {1}).done()), "");
  EXPECT_THAT(refusal(Pickle().tensor("7", 4, 0, {1}, {1}).done()), HasSubstr("no entry"));
  EXPECT_THAT(refusal(Pickle().tensor("../0", 4, 0, {1}, {1}).done()), HasSubstr("no entry"));
  EXPECT_THAT(refusal(Pickle()
                          .raw("(")
                          .tensor("0", 4, 0, {1}, {1})
                          .tensor("0", 4, 0, {1}, {1})
                          .raw("t")
                          .done()),
              HasSubstr("'0' is loaded twice"));
  // A number where the type of the elements belongs: PyTorch would look it up in a table.
  EXPECT_THAT(refusal(Pickle()
                          .raw("(")
                          .text("storage")
                          .number(200)
                          .text("0")
                          .text("cpu")
                          .number(4)
                          .raw("tQ")
                          .done()),
              HasSubstr("no storage"));
  EXPECT_NE(refusal(Pickle().text("persistent").raw("Q").done()), "");
}

std::string quantised(const Pickle& scheme, const std::vector<std::int64_t>& sizes) {
  Pickle pickle;
  pickle.global("torch._utils", "_rebuild_qtensor").raw("(").storage("0", 6, "QInt8Storage");
  pickle.number(0).numbers(sizes).numbers({3, 1});
  const std::string said = scheme.done();
  pickle.raw(std::string_view(said).substr(2, said.size() - 3)).no_hooks().raw("tR");
  return refusal(pickle.done(), {{"0", 6}, {"1", 16}, {"2", 16}, {"3", 24}});
}

TEST(PickleWalk, AQuantisedTensorsSchemeFitsIt) {
  const std::string zeros(8, '\0');
  const auto per_channel = [](std::int64_t axis, const char* scales, std::int64_t count) {
    return Pickle()
        .raw("(")
        .global("torch", "per_channel_affine")
        .global("torch._utils", "_rebuild_tensor_v2")
        .raw("(")
        .storage(scales, count, "DoubleStorage")
        .number(0)
        .numbers({count})
        .numbers({1})
        .no_hooks()
        .raw("tR")
        .global("torch._utils", "_rebuild_tensor_v2")
        .raw("(")
        .storage("2", 2, "LongStorage")
        .number(0)
        .numbers({2})
        .numbers({1})
        .no_hooks()
        .raw("tR")
        .number(axis)
        .raw("t");
  };
  const Pickle per_tensor =
      Pickle().raw("(").global("torch", "per_tensor_affine").raw("G").raw(zeros).number(0).raw("t");
  EXPECT_EQ(quantised(per_tensor, {2, 3}), "");
  EXPECT_EQ(quantised(per_channel(0, "1", 2), {2, 3}), "");
  EXPECT_NE(quantised(per_channel(1, "1", 2), {2, 3}), "") << "two scales for three columns";
  EXPECT_NE(quantised(per_channel(2, "1", 2), {2, 3}), "");
  EXPECT_NE(quantised(per_channel(-1, "1", 2), {2, 3}), "");
  EXPECT_NE(quantised(per_channel(0, "3", 3), {2, 3}), "");
  EXPECT_NE(quantised(Pickle().raw("N"), {2, 3}), "");
  EXPECT_NE(quantised(Pickle().raw(")"), {2, 3}), "");
  EXPECT_NE(refusal(Pickle()
                        .global("torch._utils", "_rebuild_tensor_v2")
                        .raw("(")
                        .storage("0", 16, "QInt8Storage")
                        .number(0)
                        .numbers({1})
                        .numbers({1})
                        .no_hooks()
                        .raw("tR")
                        .done()),
            "")
      << "quantised elements without a scheme";
}

TEST(PickleWalk, TypesInPicklesAreHeldToTheSameList) {
  const auto tagged = [](const char* type) {
    return refusal(Pickle()
                       .global("torch.jit._pickle", "restore_type_tag")
                       .raw("]")
                       .text(type)
                       .raw("\x86R")
                       .done());
  };
  EXPECT_EQ(tagged("List[__torch__.Box]"), "");
  EXPECT_THAT(tagged("List[__torch__.torch.classes.dist_rpc.WorkerInfo]"),
              HasSubstr("may not use"));
  EXPECT_NE(tagged("List[torch.save]"), "");
}

TEST(PickleWalk, ADebugTableHoldsNothingButTextsAndNumbers) {
  EXPECT_EQ(debug_refusal(Pickle()
                              .text("FORMAT_WITH_STRING_TABLE")
                              .global("torch.jit._pickle", "build_intlist")
                              .raw("(](K\x01")
                              .raw("etR\x86")
                              .done()),
            "");
  EXPECT_NE(debug_refusal(Pickle().object("__torch__", "Model").done()), "");
  EXPECT_NE(debug_refusal(Pickle().tensor("0", 4, 0, {1}, {1}).done()), "");
  EXPECT_NE(debug_refusal(Pickle().global("torch", "device").text("cpu").raw("\x85R").done()), "");
}

TEST(ElementsWithin, CountsWhatFits) {
  const auto within = [](std::int64_t offset, std::vector<std::int64_t> sizes,
                         std::vector<std::int64_t> strides, std::int64_t room) {
    return elements_within(offset, sizes, strides, room);
  };
  EXPECT_EQ(within(0, {}, {}, 1), 1);
  EXPECT_EQ(within(0, {}, {}, 0), std::nullopt);
  EXPECT_EQ(within(0, {3, 4}, {4, 1}, 12), 12);
  EXPECT_EQ(within(0, {3, 4}, {1, 3}, 12), 12);
  EXPECT_EQ(within(1, {3, 4}, {4, 1}, 12), std::nullopt);
  EXPECT_EQ(within(0, {0}, {1}, 0), 0);
}

}  // namespace
}  // namespace skerry::inspect
