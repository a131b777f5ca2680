// servers.h: the processor-sharing servers of many episodes side by side, in virtual time.
//
// A server's virtual time grows by (its speed / its tasks) a second: the work that each of its
// tasks has had since it was empty. A task ends when virtual time reaches the mark that it got when
// it joined, so that stepping a server touches no task but those that end. Each server keeps the
// marks of its tasks from first to last to end.
//
// A row is one episode (or one branch of one); all rows have the same servers. A row's servers stand
// in blocks of eight lanes, which are stepped and read together. Units: Mbit, seconds.

#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "rl/gmorl/context.h"

namespace skerry::rl::gmorl {

class Servers {
 public:
  static constexpr std::size_t kLanes = 8;  // servers of a block

  Servers(const Context& context, std::size_t rows);

  std::size_t rows() const { return rows_; }
  std::size_t servers() const { return servers_; }
  // The servers' count rounded up to whole blocks: what the arrays below must have room for.
  std::size_t lanes() const { return blocks_ * kLanes; }

  void join(std::size_t row, std::size_t server, double mbit);
  void advance(std::size_t row, double seconds);  // all of the row's servers
  void copy(std::size_t to, const Servers& from, std::size_t from_row);
  void clear(std::size_t row);

  // Reading one server.
  std::size_t count(std::size_t row, std::size_t server) const;
  double work(std::size_t row, std::size_t server) const;  // sum of what is left
  double overlap(std::size_t row, std::size_t server, double mbit) const;
  // What is left of each task, from most to least.
  void left(std::size_t row, std::size_t server, std::vector<double>& left) const;
  // The exact total delay that a task of this size would add; the upload apart.
  double marginal_s(std::size_t row, std::size_t server, double mbit) const;

  // Reading all of a row's servers: [lane].
  void overlaps(std::size_t row, double mbit, std::span<double> overlaps) const;
  static constexpr std::size_t kSizes = 4;
  // Count, work, and overlap with tasks of these sizes: [2 + kSizes][lanes()].
  void summaries(std::size_t row, const std::array<double, kSizes>& mbit,
                 std::span<double> summaries) const;

 private:
  // Where a block's numbers begin; a server's are every kLanes.
  std::size_t block(std::size_t row, std::size_t server) const {
    return row * blocks_ + server / kLanes;
  }
  const double* marks(std::size_t block) const { return &mark_[block * capacity_ * kLanes]; }
  double* marks(std::size_t block) { return &mark_[block * capacity_ * kLanes]; }
  void grow();

  const Context* context_;
  std::size_t rows_, servers_, blocks_, capacity_ = 16;
  std::vector<double> speed_;         // [lane]; 0 where there is no server
  std::vector<std::uint32_t> depth_;  // [block]: the most tasks of one of its servers
  std::vector<double> count_;         // [block][lane]
  std::vector<double> virtual_mbit_;  // [block][lane]
  std::vector<double> mark_;          // [block][task][lane], ascending; kNone from count to depth
};

}  // namespace skerry::rl::gmorl
