// The check of a model's code: every operator is found however it is written, and nothing that PyTorch
// does not write passes.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/runner/inspect/code.h"
#include "agent/runner/inspect/code_tokens.h"

namespace skerry::inspect {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(const std::string& source, const Policy& policy = {}) {
  const Status fine = check_code(source, "entry 'code/a.py'", OperatorList(policy));
  return fine ? "" : fine.error().message;
}

TEST(Operators, ThoseOfComputingAreAllowedAndThoseThatReachOutAreNot) {
  const OperatorList shipped{Policy()};
  for (const char* name : {"aten::conv2d", "aten::lstm", "aten::to", "aten::format", "prim::If",
                           "aten::scaled_dot_product_attention", "quantized::linear_dynamic",
                           "prim::RaiseException", "torch.classes.rnn.CellParamsBase"}) {
    EXPECT_TRUE(shipped.allows(name)) << name;
  }
  for (const char* name :
       {"aten::save", "aten::from_file", "aten::wait", "prim::fork", "prim::rpc_sync", "c10d::send",
        "prim::PythonOp", "aten::set_", "aten::_reshape_alias", "prim::id", "torchvision::nms",
        "torch.classes.dist_rpc.WorkerInfo", "", "aten::", "aten::*"}) {
    EXPECT_FALSE(shipped.allows(name)) << name;
  }
}

TEST(Operators, AnOperatorOfSkerryExtendsAndNarrowsTheList) {
  const OperatorList mine(Policy{.allow = {"torchvision::*", "aten::save"},
                                 .deny = {"aten::conv2d", "quantized::*", "torchvision::nms"}});
  EXPECT_TRUE(mine.allows("aten::save"));
  EXPECT_TRUE(mine.allows("torchvision::roi_align"));
  EXPECT_FALSE(mine.allows("torchvision::nms")) << "what is denied is not allowed";
  EXPECT_FALSE(mine.allows("aten::conv2d"));
  EXPECT_FALSE(mine.allows("quantized::linear"));
  EXPECT_TRUE(mine.allows("aten::conv1d"));
  EXPECT_THAT(mine.check("aten::conv2d", "it").error().message, HasSubstr("models.deny_operators"));
}

TEST(Code, WhatPytorchWritesPasses) {
  EXPECT_EQ(refusal(R"(class Odd(Module):
  __parameters__ = ["w", ]
  __buffers__ = []
  w : Tensor
  ops : Dict[str, int]
  torch : Tuple[int, str, List[float]]
  __annotations__["0"] = __torch__.torch.nn.modules.linear.Linear
  limit : Final[int] = 3
  def forward(self: __torch__.Odd,
    x: Tensor,
    n: int=-3) -> Tuple[Tensor, __torch__.Pt]:
    b = __torch__.Box.__new__(__torch__.Box)
    _0 = (b).__init__(n, "b \"quoted\" \\ \303\274", )
    _00 = getattr(self.seq, "0")
    _1 = __torch__.torch.nn.functional.relu((_00).forward(x, ), False, )
    while torch.gt(n, 0):
      if torch.eq(torch.remainder(n, 2), 0):
        _4 = torch.add(_1, 1.0000000000000001e-05, alpha=1)
      else:
        _4 = torch.mul(_1, -inf)
    for _7 in range(torch.len(self.l)):
      _8 = torch.append(annotate(List[Tensor], []), CONSTANTS.c0)
    with torch.autograd.detach(x) as g:
      pass
    ops.prim.RaiseException("torch.save is only a text here")
    id = uninitialized(int)
    c = (1.+2.j)
    d = {"a": 1, "b": -.5}
    return (_4, __torch__.Pt(ops.quantized.linear(x, x, 1., 0), id))
class Pt(NamedTuple):
  x : Tensor
)"),
            "");
}

TEST(Code, AnOperatorThatIsNotOnTheListIsNamedWithItsLineAndTheWayToAllowIt) {
  EXPECT_THAT(refusal("x = torch.add(x, x)\ny = torch.save(x, \"/tmp/x\")\n"),
              AllOf(HasSubstr("entry 'code/a.py', line 2 uses aten::save"),
                    HasSubstr("models.allow_operators: ['aten::save']")));
  EXPECT_EQ(refusal("y = torch.save(x, \"/tmp/x\")\n", {.allow = {"aten::save"}}), "");
  EXPECT_THAT(refusal("x = torch.from_file(\"/etc/passwd\", False, 10)\n"),
              HasSubstr("uses aten::from_file"));
  EXPECT_THAT(refusal("x = ops.mine.evil(x)\n"), HasSubstr("uses mine::evil"));
  EXPECT_THAT(refusal("x = ops.aten.save(x, \"f\")\n"), HasSubstr("uses aten::save"));
  EXPECT_THAT(refusal("x = fork(self.f, x)\n"), HasSubstr("uses prim::fork"));
  EXPECT_THAT(refusal("x = id(self)\n"), HasSubstr("uses prim::id"));
}

TEST(Code, AReferenceIsFoundHoweverItIsWritten) {
  for (const char* hidden : {"x = torch . save(x, \"f\")",
                             "x = (torch\n  .\n save)(x, \"f\")",
                             "x = torch.\n save(x)",
                             "f = torch.save",
                             "t = torch",
                             "x = (torch).save(x)",
                             "x = [torch][0].save(x)",
                             "x = torch.autograd.save(x)",
                             "x = torch.autograd.autograd.save(x)",
                             "t = torch.autograd",
                             "o = ops",
                             "o = ops.aten",
                             "x = (ops.aten).save(x)",
                             "x = ops.aten.autograd.save(x)",
                             "f = ops.aten.save",
                             "x = torch.add.save(x)",
                             "def f(torch, x):\n  pass",
                             "x = getattr(torch, \"save\")(x)",
                             "x = getattr(ops.aten, \"save\")(x)",
                             "x = getattr(torch.autograd, \"save\")(x)",
                             "x = getattr(x, \"sa\" \"ve\")(x)",
                             "x = getattr(x, \"s\\x61ve\")",
                             "x = getattr(x, name)",
                             "x = getattr(x, \"a\", None)",
                             "g = getattr",
                             "x = hasattr(x, \"save\")",
                             "t = __torch__",
                             "t = __torch__.torch",
                             "t = __torch__.torch.classes",
                             "c = __torch__.torch.classes.dist",
                             "c = __torch__.torch.classes.dist_rpc.WorkerInfo(1)",
                             "c = getattr(__torch__.torch.classes.dist_rpc, \"WorkerInfo\")",
                             "c = getattr(getattr(__torch__.torch, \"classes\"), \"dist_rpc\")",
                             "x : __torch__.torch.classes.profiling.SourceStats = y",
                             "x : int = torch"}) {
    EXPECT_NE(refusal(std::string(hidden) + "\n"), "") << hidden;
  }
}

TEST(Code, CharactersThatReadersMightReadApartAreRefused) {
  for (const std::string& source :
       {std::string("x = t\xd0\xbe"
                    "rch.save(x)"),                   // a Cyrillic o
        std::string("x = \xef\xbd\x94orch.save(x)"),  // a wide t, which Python takes for a t
        std::string("x = tor\\\nch.save(x)"),
        std::string("x = torch\\\n.save(x)"),
        std::string("# a comment\n"),
        std::string("# type: (torch.save) -> None\n"),
        std::string("x = torch\t.save(x)"),
        std::string("x = torch\f.save(x)"),
        std::string("x = torch\r.save(x)"),
        std::string("x = 1\0torch.save(x)", 19),
        std::string("x = '''a\ntorch'''"),
        std::string("x = \"\"\"torch\"\"\""),
        std::string("x = \"no end"),
        std::string("x = \"no\nend\""),
        std::string("x = \"\x80\""),
        std::string("x = r\"raw\""),
        std::string("x = 0x10"),
        std::string("x = 1_000"),
        std::string("x = 1.torch.save(x)"),
        std::string("x = 5torch"),
        std::string("x = 1..real"),
        std::string("x = 1\"a\""),
        std::string("x = `torch`"),
        std::string("x = $y"),
        std::string("x; y"),
        std::string("@torch.save"),
        std::string("x = y?1")}) {
    EXPECT_NE(refusal(source + "\n"), "") << source;
  }
}

TEST(Code, WhatPytorchParsesButNeverWritesIsRefused) {
  for (const char* source : {"import os",
                             "from os import system",
                             "global x",
                             "del x",
                             "assert x",
                             "raise x",
                             "x = not y",
                             "x = y and z",
                             "x = y if z else w",
                             "x = y + z",
                             "x = y * z",
                             "x = y == z",
                             "x = -y",
                             "x = --1",
                             "x = 1+1+1+1+1",
                             "x = y in z",
                             "with a as b as c:",
                             "x[1:2] *= 3",
                             "break",
                             "x = y.if",
                             "x = lambda",
                             "for x in y in z:",
                             "x = (1",
                             "x = 1)"}) {
    const std::string said = refusal(std::string(source) + "\n");
    if (std::string(source) == "x = lambda" || std::string(source) == "from os import system") {
      continue;  // names, for PyTorch's lexer and for ours
    }
    EXPECT_NE(said, "") << source;
  }
}

TEST(Code, DeepNestingIsRefusedBeforeAParserMeetsIt) {
  const auto repeated = [](const std::string& text, std::size_t times) {
    std::string all;
    for (std::size_t i = 0; i < times; ++i) {
      all += text;
    }
    return all;
  };
  EXPECT_THAT(refusal("x = " + repeated("[", 100'000) + repeated("]", 100'000) + "\n"),
              HasSubstr("brackets are nested too deeply"));
  EXPECT_THAT(refusal("x = y" + repeated("()", 100'000) + "\n"), HasSubstr("calls in a chain"));
  EXPECT_THAT(refusal("x = y" + repeated("[0].a", 100'000) + "\n"), HasSubstr("calls in a chain"));
  EXPECT_THAT(refusal("x = __torch__" + repeated(".a", 100'000) + "\n"),
              HasSubstr("more than 100 parts"));
  EXPECT_THAT(refusal("x = y" + repeated(".a", 100'000) + "\n"), HasSubstr("more than 100 parts"));
  std::string blocks;
  for (std::size_t depth = 0; depth < 1000; ++depth) {
    blocks += std::string(2 * depth, ' ') + "if x:\n";
  }
  EXPECT_THAT(refusal(blocks), HasSubstr("blocks are nested too deeply"));
  EXPECT_EQ(refusal("x = [" + repeated("1, ", 100'000) + "]\n"), "") << "long is not deep";
}

TEST(Code, TokensKnowTheirLineAndWhetherTheyBeginIt) {
  const auto tokens = code_tokens("a = f(b,\n  c)\nd : e\n", "it");
  ASSERT_TRUE(tokens);
  std::vector<std::string> first;
  for (const Token& token : *tokens) {
    if (token.first) {
      first.emplace_back(token.text);
    }
  }
  EXPECT_THAT(first, ElementsAre("a", "d"));
  EXPECT_EQ(tokens->back().line, 3u);
}

TEST(Classes, OnlyTheModelsOwnAndThoseOnTheList) {
  const OperatorList shipped{Policy()};
  const auto said = [&](const char* module, const char* name) {
    const Status fine = check_class(module, name, "it", shipped);
    return fine ? "" : fine.error().message;
  };
  EXPECT_EQ(said("__torch__", "Model"), "");
  EXPECT_EQ(said("__torch__.torch.nn.modules.linear", "Linear"), "");
  EXPECT_EQ(said("__torch__.torch.classes.quantized", "LinearPackedParamsBase"), "");
  EXPECT_THAT(said("os", "system"), HasSubstr("objects of 'os.system'"));
  EXPECT_THAT(said("__torch__evil", "x"), HasSubstr("belong into one"));
  EXPECT_THAT(said("__torch__.torch.classes.dist_rpc", "WorkerInfo"), HasSubstr("may not use"));
  EXPECT_THAT(said("__torch__.torch", "classes.dist_rpc.WorkerInfo"), HasSubstr("may not use"));
  EXPECT_NE(check_type("Dict[str, __torch__.torch.classes.x.Y]", "it", shipped), Status());
  EXPECT_EQ(check_type("Dict[str, List[Tuple[int, __torch__.Box]]]", "it", shipped), Status());
  EXPECT_NE(check_type("List[int]\nList[str]", "it", shipped), Status());
}

}  // namespace
}  // namespace skerry::inspect
