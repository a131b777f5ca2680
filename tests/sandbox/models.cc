// skerry-hostile-models: writes TorchScript archives that misuse what TorchScript itself offers, for tests/sandbox. libtorch
// 1.13 lets a model write files (aten::save, aten::from_file) and read them, with no question asked.
//
// Usage: skerry-hostile-models DIR TARGET SECRET     TARGET: a path to write to, SECRET: a file to read
//
// Each does its work only when its input is positive, so that loading, which tries it on zeros, goes well; but for those
// named load-*.
#include <ATen/core/ivalue.h>
// ivalue.h comes first: Clang wants its templates complete before the rest of libtorch uses them.
#include <torch/script.h>

#include <cstdio>
#include <string>

namespace {

struct Script {
  const char* name;
  const char* body;  // of forward(self, x); TARGET and SECRET stand for paths
};

constexpr Script kScripts[] = {
    {"save", R"(
    if bool(x.sum() > 0):
        torch.save(x, "TARGET")
    return x
)"},
    {"save-scratch", R"(
    if bool(x.sum() > 0):
        torch.save(x, "/scratch/left")
    return x
)"},
    {"map-write", R"(
    if bool(x.sum() > 0):
        return torch.from_file("TARGET", True, 16, dtype=BYTE).fill_(7).float()
    return x
)"},
    {"map-read", R"(
    if bool(x.sum() > 0):
        return torch.from_file("SECRET", False, 8, dtype=BYTE).float()
    return x
)"},
    {"loop", R"(
    while bool(x.sum() > 0):
        x = x + 0
    return x
)"},
    {"load-loop", R"(
    while True:
        x = x + 0
    return x
)"},
    {"tebibyte", R"(
    if bool(x.sum() > 0):
        return torch.ones([274877906944]).sum()
    return x
)"},
    {"hoard", R"(
    kept: List[Tensor] = []
    while bool(x.sum() > 0):
        kept.append(torch.ones([1048576]) + x)
    return x + len(kept)
)"},
    // Indices that no check looks at.
    {"crash", R"(
    if bool(x.sum() > 0):
        where = torch.full([1, 1], 1099511627776, dtype=LONG)
        return torch._sparse_coo_tensor_unsafe(where, torch.ones([1]), [4]).to_dense()
    return x
)"},
    {"print", R"(
    while bool(x.sum() > 0):
        print("a line that nobody asked for, over and over again")
    return x
)"},
    {"warn", R"(
    while bool(x.sum() > 0):
        torch.warn("a warning that nobody asked for, over and over again")
    return x
)"},
    {"shout", R"(
    if bool(x.sum() > 0):
        cry = "x"
        for i in range(26):
            cry = cry + cry
        assert False, cry
    return x
)"},
    {"deep", R"(
    return (x)
)"},
};

std::string filled_in(std::string source, const std::string& target, const std::string& secret) {
  const std::pair<std::string, std::string> words[] = {
      {"TARGET", target}, {"SECRET", secret}, {"BYTE", "0"}, {"LONG", "4"}};  // numbers of dtypes
  for (const auto& [word, text] : words) {
    for (auto at = source.find(word); at != std::string::npos; at = source.find(word)) {
      source.replace(at, word.size(), text);
    }
  }
  return source;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: skerry-hostile-models DIR TARGET SECRET\n", stderr);
    return 64;
  }
  for (const Script& script : kScripts) {
    torch::jit::Module module("Model");
    module.define("def forward(self, x: Tensor) -> Tensor:" +
                  filled_in(script.body, argv[2], argv[3]));
    module.save(std::string(argv[1]) + "/" + script.name + ".pt");
  }
  return 0;
}
