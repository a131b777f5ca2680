// The second look at a model, by libtorch itself, with the first one left out: archives are given to it
// whose code nobody inspected.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/csrc/jit/runtime/operator.h>

#include <algorithm>
#include <filesystem>

#include "agent/runner/torch_guard.h"
#include "common/digest.h"
#include "tests/unit/inspect_world.h"

namespace skerry::runner {
namespace {

using inspect::OperatorList;
using inspect::Pickle;
using inspect::Policy;
using testing::HasSubstr;

// Loads entries as they are. "" or what libtorch, or the guard, says.
std::string refusal(const std::vector<inspect::TestEntry>& entries, const Policy& policy = {}) {
  inspect::FreshArchive archive;
  for (const auto& entry : entries) {
    archive.add(entry.name, entry.content, inspect::crc_of(entry.content));
  }
  archive.finish();
  try {
    const auto module = load_guarded(archive, OperatorList(policy), at::kCPU);
    return module ? "" : module.error().message;
  } catch (const std::exception& thrown) {
    return thrown.what();
  }
}

std::string class_with(const std::string& methods) {
  return "class Model(Module):\n"
         "  __parameters__ = []\n"
         "  __buffers__ = []\n"
         "  weight : Tensor\n" +
         methods;
}
const std::string kForward =
    "  def forward(self: __torch__.Model,\n"
    "    x: Tensor) -> Tensor:\n"
    "    return x\n";

std::vector<inspect::TestEntry> model_with(const std::string& code) {
  return inspect::small_model_with({"code/__torch__.py", code});
}

TEST(Guard, LoadsAModelOutOfAnArchiveOfOurs) {
  EXPECT_EQ(refusal(inspect::small_model()), "");
  EXPECT_EQ(refusal(model_with(class_with(kForward))), "");
}

TEST(Guard, NoCodeCanNameWhatReachesOut) {
  const std::string target = testing::TempDir() + "/skerry-guard-" + to_hex(random_bytes(6));
  for (const std::string& call :
       {"torch.save(x, \"" + target + "\")", "ops.aten.save(x, \"" + target + "\")",
        std::string("torch.from_file(\"/etc/hostname\", False, 4)")}) {
    EXPECT_THAT(refusal(model_with(class_with("  def forward(self: __torch__.Model,\n"
                                              "    x: Tensor) -> Tensor:\n"
                                              "    y = " +
                                              call + "\n    return x\n"))),
                HasSubstr("Unknown builtin op"))
        << call;
  }
}

TEST(Guard, NotEvenWhatRunsWhileItIsLoaded) {
  const std::string target = testing::TempDir() + "/skerry-guard-" + to_hex(random_bytes(6));
  const std::string code = class_with(kForward +
                                      "  def __getstate__(self: __torch__.Model) -> Tensor:\n"
                                      "    return self.weight\n"
                                      "  def __setstate__(self: __torch__.Model,\n"
                                      "    state: Tensor) -> NoneType:\n"
                                      "    self.weight = state\n"
                                      "    t = torch\n"
                                      "    t.save(state, \"" +
                                      target + "\")\n    return None\n");
  std::vector<inspect::TestEntry> entries = model_with(code);
  entries[1] = {"data.pkl", Pickle()
                                .global("__torch__", "Model")
                                .raw(")\x81")
                                .tensor("0", 4, 0, {4}, {1})
                                .raw("b")
                                .done()};
  EXPECT_NE(refusal(entries), "");
  EXPECT_FALSE(std::filesystem::exists(target));
}

TEST(Guard, WhatWasCompiledIsHeldToTheList) {
  const std::string code = class_with(
      "  def forward(self: __torch__.Model,\n"
      "    x: Tensor) -> Tensor:\n"
      "    if bool(x):\n"
      "      y = (x).set_(x)\n"
      "    else:\n"
      "      y = x\n"
      "    return y\n");
  EXPECT_THAT(refusal(model_with(code)),
              HasSubstr("its function '__torch__.Model.forward' uses aten::set_"));
  EXPECT_EQ(refusal(model_with(code), {.allow = {"aten::set_"}}), "");
}

TEST(Guard, ValuesAreWhatTheirClassDeclares) {
  std::vector<inspect::TestEntry> entries = inspect::small_model();
  entries[1] = {"data.pkl", Pickle()
                                .global("__torch__", "Model")
                                .raw(")\x81}(")
                                .text("weight")
                                .number(1)
                                .raw("ub")
                                .done()};
  EXPECT_THAT(refusal(entries),
              HasSubstr("its attribute Model.weight holds a value of another type"));
}

// What is on the list stays harmless in whatever libtorch this is.
TEST(ShippedList, HoldsNoOperatorThatTakesAFileAProcessOrAThread) {
  const OperatorList shipped{Policy()};
  std::size_t known = 0;
  for (const auto& op : torch::jit::getAllOperators()) {
    const auto& schema = op->schema();
    if (!shipped.allows(schema.name())) {
      continue;
    }
    ++known;
    for (const auto* list : {&schema.arguments(), &schema.returns()}) {
      for (const auto& argument : *list) {
        EXPECT_THAT(argument.name(), testing::Not(HasSubstr("file"))) << schema;
        const std::string type = argument.type()->annotation_str();
        for (const char* reach : {"Future", "RRef", "Await", "Stream", "Storage", "c10d", "Capsule",
                                  "profiler", "dist_rpc"}) {
          EXPECT_EQ(type.find(reach), std::string::npos) << schema;
        }
      }
    }
  }
  EXPECT_GT(known, 2000u) << "overloads of operators that this libtorch and the list have";
}

}  // namespace
}  // namespace skerry::runner
