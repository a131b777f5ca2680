// Writes small TorchScript files, each with one trait that a runner must cope with, for
// runner_process_test.cc. Usage: skerry-test-models DIR
#include <ATen/core/ivalue.h>
// ivalue.h comes first: Clang wants its templates complete before the rest of libtorch uses them.
#include <torch/script.h>

#include <cstdio>
#include <string>

namespace {

struct Script {
  const char* name;
  const char* source;
};

constexpr Script kScripts[] = {
    // Numbers as arguments, one with a default.
    {"adder", R"(
def forward(self, a: Tensor, b: Tensor, factor: int = 2) -> Tensor:
    return a + b * factor
)"},
    {"keyed", R"(
def forward(self, x: Tensor) -> Dict[str, Tensor]:
    return {"half": x / 2, "double": x * 2}
)"},
    {"pair", R"(
def forward(self, x: Tensor) -> Tuple[Tensor, float]:
    return x, float(x.numel())
)"},
    // State in a buffer, and a method that takes it back.
    {"counter", R"(
def forward(self, x: Tensor) -> Tensor:
    self.total = self.total + x.sum()
    return self.total
def reset(self) -> None:
    self.total = torch.zeros([])
)"},
    {"raising", R"(
def forward(self, x: Tensor) -> Tensor:
    assert bool(x.sum() <= 0), "more light than the sun"
    return x
)"},
    // Runs for ever, except on the zeros of the warm-up.
    {"endless", R"(
def forward(self, x: Tensor) -> Tensor:
    while bool(x.sum() > 0):
        x = x + 1
    return x
)"},
    // Asks for as many floats as it is told.
    {"hungry", R"(
def forward(self, x: Tensor) -> Tensor:
    return torch.ones([int(x.item())]).sum()
)"},
    // Takes no zeros: it cannot be warmed up.
    {"shy", R"(
def forward(self, x: Tensor) -> Tensor:
    assert bool(x.sum() > 0), "not with zeros"
    return x
)"},
    {"listing", R"(
def forward(self, x: List[Tensor]) -> Tensor:
    return x[0]
)"},
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: skerry-test-models DIR\n", stderr);
    return 64;
  }
  for (const Script& script : kScripts) {
    torch::jit::Module module(script.name);
    module.register_buffer("total", torch::zeros({}));
    module.define(script.source);
    module.save(std::string(argv[1]) + "/" + script.name + ".pt");
  }
  return 0;
}
