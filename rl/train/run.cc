#include "rl/train/run.h"

#include "rl/problem/parallel.h"

namespace skerry::rl {

namespace {

std::vector<Figure> probe_all(const Problem& problem, const Mlp& network, std::size_t threads) {
  std::vector<Figure> figures(problem.figures().size());
  parallel_for(figures.size(), threads,
               [&](std::size_t i) { figures[i] = problem.probe(network, i); });
  return figures;
}

}  // namespace

Result<std::size_t> Run::begin(const RunFiles::Transfer& load) {
  if (auto opened = files_.open(problem_.figures()); !opened) {
    return fail(std::move(opened).error());
  }
  const auto resumed = files_.resume(load);
  if (!resumed) {
    return fail(resumed.error());
  }
  first_ = done_ = *resumed;
  began_ = clock_.now();
  return first_.iterations;
}

Status Run::end(TrainProgress progress, const std::function<Mlp()>& network,
                const RunFiles::Transfer& save) {
  const std::size_t number = progress.iteration;
  const bool last = number == options_.iterations;
  if (last || number % options_.probe_every == 0) {
    progress.figures = probe_all(problem_, network(), options_.threads);
  }
  const double here_s = to_seconds(clock_.now() - began_);
  done_ = {.iterations = number,
           .labels = done_.labels + progress.labels,
           .seconds = first_.seconds + here_s};
  if (last || number % options_.save_every == 0) {
    if (auto saved = files_.save(save, done_); !saved) {
      return saved;
    }
  }
  progress.total_labels = done_.labels;
  progress.elapsed_s = done_.seconds;
  progress.remaining_s = here_s / static_cast<double>(number - first_.iterations) *
                         static_cast<double>(options_.iterations - number);
  if (!progress.figures.empty()) {
    files_.add(progress);
  }
  report_(progress);
  return {};
}

}  // namespace skerry::rl
