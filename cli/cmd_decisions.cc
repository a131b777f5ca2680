// decisions export -f FILE: recorded decisions as JSON lines, for replay.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/url.h"

namespace skerry::cli {

namespace {

struct ExportFlags {
  std::string file;
  std::int64_t limit = 0;
};

struct CloseFile {
  void operator()(std::FILE* file) const {
    if (file != stdout) {
      std::fclose(file);
    }
  }
};

Result<ExitCode> export_decisions(Context& context, const ExportFlags& flags) {
  const bool to_stdout = flags.file.empty() || flags.file == "-";
  const std::unique_ptr<std::FILE, CloseFile> file(
      to_stdout ? stdout : std::fopen(flags.file.c_str(), "wb"));
  if (file == nullptr) {
    return fail(ErrorCode::kIo, fmt::format("cannot write {}", flags.file));
  }
  std::uint64_t lines = 0;
  bool written = true;
  const Status done = context.api.download(
      "/decisions" + query({{"limit", flags.limit == 0 ? "" : std::to_string(flags.limit)}}),
      [&](std::string_view bytes) {
        lines += static_cast<std::uint64_t>(std::ranges::count(bytes, '\n'));
        written = std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
        return written;
      });
  if (!done) {
    return fail(done.error());
  }
  if (!written || std::fflush(file.get()) != 0) {
    return fail(ErrorCode::kIo, fmt::format("cannot write {}", flags.file));
  }
  note(fmt::format("{} decisions", lines));
  return ExitCode::kOk;
}

}  // namespace

void add_decisions(Command root) {
  Command decisions = root.sub("decisions", "What was decided about placements");
  auto flags = std::make_shared<ExportFlags>();
  Command command =
      decisions.sub("export", "Recorded decisions as JSON lines, oldest job first, for replay");
  command.example("  skerryctl decisions export -f decisions.jsonl\n");
  command.add({.names = "-f,--file",
               .help = "where to; standard output by default",
               .value = "FILE",
               .values = Values::kFiles},
              flags->file);
  command.add({.names = "--limit", .help = "at most so many; 0 = all (0)", .value = "N"},
              flags->limit);
  command.on_run([flags](Context& context) { return export_decisions(context, *flags); });
}

}  // namespace skerry::cli
