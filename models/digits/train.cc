// skerry-train-digits: trains the ladder of digit models, and exports the images that were held
// out.
#include "models/digits/network.h"
// First: it takes care of the order in which libtorch's headers must come.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numbers>

#include "common/check.h"
#include "common/time.h"
#include "models/digits/augment.h"
#include "models/digits/card.h"
#include "models/digits/sheet.h"

namespace skerry::digits {
namespace {

constexpr int kBatch = 50;
constexpr double kPeakRate = 3e-3;
constexpr double kWeightDecay = 0.02;
constexpr double kLabelSmoothing = 0.05;
constexpr double kWarmupShare = 0.05;  // of all steps, in which the rate rises to its peak
constexpr float kMean = 0.5f;          // as the manifest tells the runner
constexpr float kDeviation = 0.5f;

// About 1 : 5 : 25 : 120 in multiply-adds: 25 k, 133 k, 587 k, 2.9 M.
std::vector<Plan> ladder() {
  return {{.name = "small",
           .stages = {{.channels = 6, .groups = 3, .stride = 2},
                      {.channels = 12, .groups = 4, .stride = 2}},
           .epochs = 60},
          {.name = "medium",
           .stages = {{.channels = 8, .groups = 4, .pools = true},
                      {.channels = 14, .groups = 7, .pools = true}},
           .epochs = 60},
          {.name = "large",
           .stages = {{.channels = 14, .groups = 7, .pools = true},
                      {.channels = 28, .groups = 7, .pools = true},
                      {.channels = 28, .groups = 7}},
           .epochs = 60},
          {.name = "xlarge",
           .stages = {{.channels = 32, .groups = 8, .pools = true},
                      {.channels = 64, .groups = 16, .pools = true},
                      {.channels = 64, .groups = 16}},
           .epochs = 60}};
}

torch::Tensor normalised(const torch::Tensor& pixels) { return (pixels - kMean) / kDeviation; }

torch::Tensor labels_of(const std::vector<Digit>& digits) {
  torch::Tensor labels = torch::empty({static_cast<std::int64_t>(digits.size())}, torch::kLong);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    labels[static_cast<std::int64_t>(i)] = digits[i].label;
  }
  return labels;
}

template <typename Draw>  // draw(digit, float* to)
torch::Tensor images_of(const std::vector<Digit>& digits, Draw draw) {
  torch::Tensor images = torch::empty({static_cast<std::int64_t>(digits.size()), 1, kSide, kSide});
  auto* to = images.data_ptr<float>();
  for (const Digit& digit : digits) {
    draw(digit, to);
    to += kPixels;
  }
  return normalised(images);
}

int count_right(const Network& network, const std::vector<Digit>& digits) {
  const torch::NoGradGuard no_gradients;
  const auto chosen = network.forward(images_of(digits, plain)).argmax(1);
  return chosen.eq(labels_of(digits)).sum().item<int>();
}

// Rises in a line, then falls as half a cosine to zero.
double rate_at(double progress) {
  if (progress < kWarmupShare) {
    return kPeakRate * progress / kWarmupShare;
  }
  const double fallen = (progress - kWarmupShare) / (1 - kWarmupShare);
  return kPeakRate * 0.5 * (1 + std::cos(std::numbers::pi * fallen));
}

Network train(const Plan& plan, const std::vector<Digit>& digits) {
  const Random root(kSeed);
  Network network(plan, root.fork(plan.name));
  Random hand = root.fork(plan.name + " augmentation");
  Random order = root.fork(plan.name + " order");
  torch::optim::AdamW optimizer(network.parameters(),
                                torch::optim::AdamWOptions(kPeakRate).weight_decay(kWeightDecay));
  const auto loss_options =
      torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(kLabelSmoothing);
  const auto labels = labels_of(digits);
  const auto count = static_cast<std::int64_t>(digits.size());
  const std::int64_t steps = plan.epochs * (count / kBatch);
  std::int64_t step = 0;
  for (int epoch = 0; epoch < plan.epochs; ++epoch) {
    const auto images =
        images_of(digits, [&](const Digit& digit, float* to) { augment(digit, hand, to); });
    std::vector<std::int64_t> shuffled(digits.size());
    std::iota(shuffled.begin(), shuffled.end(), std::int64_t{0});
    for (std::size_t i = shuffled.size(); i > 1; --i) {
      std::swap(shuffled[i - 1], shuffled[order.below(i)]);
    }
    const auto indices = torch::tensor(shuffled);
    for (std::int64_t at = 0; at + kBatch <= count; at += kBatch, ++step) {
      const auto batch = indices.narrow(0, at, kBatch);
      static_cast<torch::optim::AdamWOptions&>(optimizer.param_groups()[0].options())
          .lr(rate_at(static_cast<double>(step) / static_cast<double>(steps)));
      optimizer.zero_grad();
      const auto scores = network.forward(images.index_select(0, batch));
      torch::nn::functional::cross_entropy(scores, labels.index_select(0, batch), loss_options)
          .backward();
      optimizer.step();
    }
  }
  return network;
}

// Trains every step of the ladder into folder/NAME.pt and returns the names, smallest first.
std::vector<std::string> train_all(const Split& data, const std::string& folder) {
  at::set_num_threads(
      1);  // the order of additions, and so the result, depends on the number of threads
  SystemClock clock;
  std::vector<std::string> names;
  for (const Plan& plan : ladder()) {
    const Instant start = clock.now();
    const Network network = train(plan, data.training);
    network.save(fmt::format("{}/{}.pt", folder, plan.name));
    fmt::print("{:7} {:>8} multiply-adds  {} of {} held-out digits right  trained in {:.0f} s\n",
               plan.name, network.multiply_adds(), count_right(network, data.held_out),
               data.held_out.size(), to_seconds(clock.now() - start));
    std::fflush(stdout);
    names.push_back(plan.name);
  }
  return names;
}

// model.yaml, and seven.png: the first held-out 7 that every variant answers right.
Status write_card(const std::string& runner, const std::string& folder,
                  const std::vector<std::string>& names, const std::vector<Digit>& held_out) {
  ModelManifest manifest = manifest_without_variants();
  std::vector<bool> candidate(held_out.size(), true);
  for (const std::string& name : names) {
    const auto measured = measure(runner, folder, name, held_out);
    if (!measured) {
      return fail(measured.error());
    }
    manifest.variants.push_back(measured->variant);
    for (std::size_t i = 0; i < held_out.size(); ++i) {
      candidate[i] = candidate[i] && held_out[i].label == 7 && measured->answers[i] == 7;
    }
  }
  if (auto written = write_file(folder + "/model.yaml", to_yaml(manifest)); !written) {
    return written;
  }
  const auto chosen = std::ranges::find(candidate, true) - candidate.begin();
  check(static_cast<std::size_t>(chosen) < held_out.size(),
        "some held-out 7 is answered right by every variant");
  return write_file(folder + "/seven.png", encode_png(held_out[static_cast<std::size_t>(chosen)]));
}

// Every variant on every device, against the first device's answers. False if any label differs.
Result<bool> compare(const std::string& folder, const std::string& runner,
                     const std::vector<std::string>& devices, const std::vector<Digit>& held_out) {
  bool same = true;
  for (const Plan& plan : ladder()) {
    std::vector<int> reference;
    for (const std::string& device : devices) {
      const auto measured = measure(runner, folder, plan.name, held_out, device);
      if (!measured) {
        return fail(measured.error());
      }
      reference = reference.empty() ? measured->answers : reference;
      int differing = 0;
      for (std::size_t i = 0; i < reference.size(); ++i) {
        differing += measured->answers[i] == reference[i] ? 0 : 1;
      }
      same = same && differing == 0;
      fmt::print("{:7} on {:7} {:>3} labels differ  accuracy {:.3f}  service {:.3f} ms\n",
                 plan.name, measured->device, differing, measured->variant.accuracy,
                 measured->variant.reference_ms);
    }
  }
  return same;
}

int usage() {
  std::fputs(
      "usage: skerry-train-digits --train DIR RUNNER     trains the variants into DIR, measures "
      "them with the program\n"
      "                                                  RUNNER (skerry-runner) and writes "
      "DIR/model.yaml\n"
      "       skerry-train-digits --export-heldout DIR   writes the 1,000 held-out images and "
      "labels.csv into DIR\n"
      "       skerry-train-digits --compare DIR RUNNER DEVICE...   runs the variants in DIR on "
      "each "
      "device (cpu, cuda:0);\n"
      "                                                  exit code 1 if any label differs\n",
      stderr);
  return 64;
}

int run(const std::vector<std::string>& words) {
  const bool trains = words.size() == 3 && words[0] == "--train";
  const bool exports = words.size() == 2 && words[0] == "--export-heldout";
  const bool compares = words.size() >= 4 && words[0] == "--compare";
  if (!trains && !exports && !compares) {
    return usage();
  }
  const auto sheet = read_sheet(kSheet);
  Status done = sheet ? Status() : fail(sheet.error());
  if (done) {
    const Split data = split(*sheet);
    if (compares) {
      const auto same =
          compare(words[1], words[2], {words.begin() + 3, words.end()}, data.held_out);
      done = !same   ? fail(same.error())
             : *same ? Status()
                     : fail(ErrorCode::kConflict, "the devices do not agree on every label");
    } else {
      done = exports ? export_held_out(words[1], data.held_out)
                     : write_card(words[2], words[1], train_all(data, words[1]), data.held_out);
    }
  }
  if (!done) {
    fmt::print(stderr, "skerry-train-digits: {}\n", done.error().message);
  }
  return done ? 0 : 1;
}

}  // namespace
}  // namespace skerry::digits

int main(int argc, char** argv) { return skerry::digits::run({argv + 1, argv + argc}); }
