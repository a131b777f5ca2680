// apply -f FILE..., model apply -f FILE..., delete model|node NAME...
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/commands.h"
#include "cli/listings.h"
#include "cli/model_files.h"
#include "cli/model_path.h"
#include "cli/units.h"
#include "cli/url.h"
#include "common/ids.h"

namespace skerry::cli {

namespace {

struct ApplyFlags {
  std::vector<std::string> files;
  bool dry_run = false;
};

// One line on a terminal that is written over with each percent that is out.
class Progress {
 public:
  explicit Progress(const Artifact& artifact) : artifact_(artifact) {}
  ~Progress() {
    if (shown_ >= 0) {
      note("");
    }
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void sent(std::uint64_t bytes) {
    // The head of the request counts, too, so a small file would pass 100 %.
    const auto percent = static_cast<int>(std::min<std::uint64_t>(
        100, 100 * bytes / std::max<std::uint64_t>(1, artifact_.size_bytes)));
    if (percent != shown_) {
      shown_ = percent;
      fmt::print(stderr, "\r\x1b[Kuploading {} ({}) {} %", artifact_.path,
                 human_bytes(static_cast<double>(artifact_.size_bytes)), percent);
      std::fflush(stderr);
    }
  }

 private:
  const Artifact& artifact_;
  int shown_ = -1;
};

Status upload(Context& context, const Artifact& artifact) {
  const auto there = context.api.has_blob(artifact.digest);
  if (!there || *there) {
    return there ? Status() : fail(there.error());
  }
  Progress progress(artifact);
  return context.api.put_blob(artifact.digest, artifact.path, [&](std::uint64_t bytes) {
    if (context.settings.progress) {
      progress.sent(bytes);
    }
  });
}

Result<bool> apply_model(Context& context, const PreparedModel& model) {
  for (const Artifact& artifact : model.artifacts) {
    if (const Status sent = upload(context, artifact); !sent) {
      return fail(sent.error());
    }
  }
  const boost::json::value body = manifest_to_json(model.manifest);
  // The manifest names its namespace; the path's name is the bare one.
  const std::string path = model_path(std::string(bare_model_name(model.manifest.name)), {});
  return context.api.change("PUT", path, &body);
}

Result<ExitCode> apply(Context& context, const ApplyFlags& flags) {
  // Everything is read before anything is changed, so that a mistake in the second file leaves the
  // first unapplied.
  std::vector<PreparedModel> models;
  for (const std::string& file : flags.files) {
    auto prepared = prepare_models(file);
    if (!prepared) {
      return fail(std::move(prepared).error());
    }
    models.insert(models.end(), prepared->begin(), prepared->end());
  }
  boost::json::array documents;
  for (const PreparedModel& model : models) {
    if (flags.dry_run && !context.settings.for_people()) {
      documents.push_back(manifest_to_json(model.manifest));
      continue;
    }
    const auto changed = flags.dry_run ? Result<bool>(true) : apply_model(context, model);
    if (!changed) {
      return fail(changed.error());
    }
    show_change(context.settings, "model/" + model.manifest.name,
                flags.dry_run ? "is well formed" : (*changed ? "applied" : "unchanged"));
  }
  if (!documents.empty()) {
    show(context.settings, documents.size() == 1 ? documents.front() : documents, {});
  }
  return ExitCode::kOk;
}

void add_apply_flags(Command apply_command) {
  auto flags = std::make_shared<ApplyFlags>();
  apply_command.add({.names = "-f,--file",
                     .help = "manifest as YAML or JSON; - is standard input; may be repeated",
                     .value = "FILE",
                     .values = Values::kFiles,
                     .required = true},
                    flags->files);
  apply_command.add(
      {.names = "--dry-run", .help = "check the manifest and its files, send nothing"},
      flags->dry_run);
  apply_command.on_run([flags](Context& context) { return apply(context, *flags); });
}

void add_delete_kind(Command parent, const std::string& kind, const std::string& help,
                     Values values) {
  auto names = std::make_shared<std::vector<std::string>>();
  Command command = parent.sub(kind, help, {kind + "s"});
  command.add({.names = "NAME", .help = "which", .values = values, .required = true}, *names);
  command.on_run([names, kind](Context& context) -> Result<ExitCode> {
    for (const std::string& name : *names) {
      const auto done = context.api.change(
          "DELETE", kind == "model" ? model_path(name, context.settings.ns)
                                    : fmt::format("/{}s/{}", kind, url_escape(bare_name(name))));
      if (!done) {
        return fail(done.error());
      }
      show_change(context.settings, fmt::format("{}/{}", kind, bare_name(name)), "deleted");
    }
    return ExitCode::kOk;
  });
}

}  // namespace

void add_apply(Command root) {
  Command apply_command = root.sub("apply", "Register models from manifests, with their files");
  apply_command.example(
      "  skerryctl apply -f models/digits/model.yaml\n"
      "  skerryctl apply --dry-run -o json -f model.yaml\n");
  add_apply_flags(apply_command);
  Command model = root.sub("model", "Register models, and sign them");
  add_apply_flags(model.sub("apply", "The same as skerryctl apply"));
  add_model_signing(model);
  Command remove = root.sub("delete", "Forget a model or a node");
  add_delete_kind(remove, "model", "A model that no open job needs", Values::kModels);
  add_delete_kind(remove, "node", "A node that is not connected", Values::kNodes);
}

}  // namespace skerry::cli
