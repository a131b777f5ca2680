// servers.h: the processor-sharing servers of many episodes side by side, in virtual time.
//
// A server's virtual time grows by (its speed / its tasks) a second: the work that each of its
// tasks has had since it was empty. A task ends when virtual time reaches the mark that it got when
// it joined, so that stepping a server touches no task but those that end. Each server keeps the
// marks of its tasks from last to first to end.
//
// A row is one episode (or one branch of one); all rows have the same servers. Units: Mbit,
// seconds.

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "rl/gmorl/context.h"

namespace skerry::rl::gmorl {

class Servers {
 public:
  Servers(const Context& context, std::size_t rows);

  std::size_t rows() const { return rows_; }
  std::size_t servers() const { return servers_; }
  const Context& context() const { return *context_; }

  void join(std::size_t row, std::size_t server, double mbit);
  void advance(std::size_t row, double seconds);  // all of the row's servers
  void copy(std::size_t to, const Servers& from, std::size_t from_row);
  void clear(std::size_t row);

  // Reading one server.
  std::size_t count(std::size_t row, std::size_t server) const { return count_[at(row, server)]; }
  double work(std::size_t row, std::size_t server) const;  // sum of what is left
  double overlap(std::size_t row, std::size_t server, double mbit) const;
  // The same of all of the row's servers at once.
  void overlaps(std::size_t row, double mbit, double* overlaps) const;
  // All that a policy looks at, in one pass: the work, and the overlap with tasks of four sizes.
  static constexpr std::size_t kSizes = 4;
  struct Summary {
    std::size_t count = 0;
    double work = 0;
    std::array<double, kSizes> overlap{};
  };
  Summary summary(std::size_t row, std::size_t server,
                  const std::array<double, kSizes>& mbit) const;
  // What is left of each task, from most to least.
  void left(std::size_t row, std::size_t server, std::vector<double>& left) const;
  // The exact total delay that a task of this size would add; the upload apart.
  double marginal_s(std::size_t row, std::size_t server, double mbit) const;

 private:
  std::size_t at(std::size_t row, std::size_t server) const { return row * servers_ + server; }
  void grow();

  const Context* context_;
  std::size_t rows_, servers_, capacity_ = 16;
  std::vector<std::uint32_t> count_;  // [row][server]
  std::vector<double> virtual_mbit_;  // [row][server]
  std::vector<double> mark_;          // [row][server][capacity]; descending
};

}  // namespace skerry::rl::gmorl
