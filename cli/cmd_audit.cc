// audit export|verify: the trail of who changed what.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>
#include <iostream>

#include "cli/audit_chain.h"
#include "cli/commands.h"
#include "cli/json_read.h"
#include "cli/url.h"

namespace skerry::cli {

namespace {

struct AuditFlags {
  std::string file;
  std::int64_t after = 0;
  bool offline = false;
};

std::string path_after(std::int64_t after) {
  return "/audit" + query({{"after", after == 0 ? "" : std::to_string(after)}});
}

Result<ExitCode> export_trail(Context& context, const AuditFlags& flags) {
  std::ofstream file;
  const bool to_stdout = flags.file.empty() || flags.file == "-";
  if (!to_stdout) {
    file.open(flags.file, std::ios::binary | std::ios::trunc);
  }
  std::ostream& out = to_stdout ? std::cout : file;
  const Status done = context.api.download(path_after(flags.after), [&](std::string_view bytes) {
    return static_cast<bool>(out.write(bytes.data(), static_cast<std::streamsize>(bytes.size())));
  });
  if (!out.flush()) {
    return fail(ErrorCode::kIo, fmt::format("cannot write {}", flags.file));
  }
  return done ? Result<ExitCode>(ExitCode::kOk) : fail(done.error());
}

// Takes pieces as they come, and gives the chain whole lines.
class Lines {
 public:
  Status take(std::string_view bytes) {
    rest_ += bytes;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = rest_.find('\n', begin)) != std::string::npos;
         begin = end + 1) {
      if (Status added = chain_.add(std::string_view(rest_).substr(begin, end - begin)); !added) {
        return added;
      }
    }
    rest_.erase(0, begin);
    return {};
  }
  Result<AuditSummary> finish() const {
    return rest_.empty() ? chain_.finish()
                         : fail(ErrorCode::kCorrupt, "the last line has no end: the file was cut");
  }

 private:
  AuditChain chain_;
  std::string rest_;
};

Result<AuditSummary> check_file(const std::string& name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) {
    return fail(ErrorCode::kNotFound, fmt::format("cannot read {}", name));
  }
  Lines lines;
  std::string piece(64 * 1024, '\0');
  while (file.read(piece.data(), static_cast<std::streamsize>(piece.size())), file.gcount() > 0) {
    if (Status taken = lines.take({piece.data(), static_cast<std::size_t>(file.gcount())});
        !taken) {
      return fail(std::move(taken).error());
    }
  }
  return lines.finish();
}

Result<AuditSummary> check_download(Context& context, std::int64_t after) {
  Lines lines;
  Status broken;
  const Status done = context.api.download(path_after(after), [&](std::string_view bytes) {
    broken = lines.take(bytes);
    return broken.has_value();
  });
  if (!broken || !done) {
    return fail(broken ? done.error() : broken.error());
  }
  return lines.finish();
}

// Whoever changed a file and made all its later hashes anew cannot change what the controller has.
Status compare(Context& context, const AuditSummary& file) {
  if (file.count == 0) {
    return {};
  }
  const auto after = static_cast<std::int64_t>(file.last) - 1;
  std::string first_line;
  const Status done = context.api.download(path_after(after), [&](std::string_view bytes) {
    first_line += bytes;
    return first_line.find('\n') == std::string::npos;
  });
  if (!done && first_line.empty()) {
    return fail(done.error());
  }
  AuditChain chain;
  const auto line = std::string_view(first_line).substr(0, first_line.find('\n'));
  if (line.find(fmt::format("\"hash\":\"{}\"", file.hash)) == std::string_view::npos) {
    return fail(ErrorCode::kCorrupt,
                fmt::format("entry {} is another one in the controller's trail, or is kept there "
                            "no longer: {}",
                            file.last, line.substr(0, 200)));
  }
  return chain.add(line);
}

Result<ExitCode> verify(Context& context, const AuditFlags& flags) {
  const auto summary =
      flags.file.empty() ? check_download(context, flags.after) : check_file(flags.file);
  if (!summary) {
    return fail(summary.error());
  }
  const bool against = !flags.file.empty() && !flags.offline;
  if (against) {
    if (const Status same = compare(context, *summary); !same) {
      return fail(same.error());
    }
  }
  print(fmt::format("{} entries, {} to {}, intact{}; the last has the hash {}\n", summary->count,
                    summary->first, summary->last,
                    flags.offline ? ", as far as the file alone can tell" : "", summary->hash));
  return ExitCode::kOk;
}

}  // namespace

void add_audit(Command root) {
  Command audit = root.sub("audit", "The trail of who changed what, and of who was denied");
  auto flags = std::make_shared<AuditFlags>();
  Command exported = audit.sub("export", "The trail as JSON lines");
  exported.add({.names = "-f,--file",
                .help = "where to; standard output by default",
                .value = "FILE",
                .values = Values::kFiles},
               flags->file);
  exported.add({.names = "--after", .help = "from behind this number on (0)", .value = "N"},
               flags->after);
  exported.on_run([flags](Context& context) { return export_trail(context, *flags); });

  Command verified =
      audit.sub("verify", "Whether nothing of the trail, or of an exported file, was changed");
  verified.example("  skerryctl audit verify\n  skerryctl audit verify audit.jsonl --offline\n");
  verified.add({.names = "FILE", .help = "that audit export wrote", .values = Values::kFiles},
               flags->file);
  verified.add({.names = "--after", .help = "from behind this number on (0)", .value = "N"},
               flags->after);
  verified.add({.names = "--offline", .help = "do not compare the file with the controller's"},
               flags->offline);
  verified.on_run([flags](Context& context) { return verify(context, *flags); });
}

}  // namespace skerry::cli
