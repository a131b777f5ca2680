// completion bash|zsh|fish, and what the scripts call back.
#include <fmt/format.h>

#include <boost/json/array.hpp>

#include "cli/commands.h"
#include "cli/completion.h"
#include "cli/json_read.h"
#include "cli/url.h"

namespace skerry::cli {

namespace {

constexpr std::string_view kBash =
    R"script(# bash completion of skerryctl: source <(skerryctl completion bash)
_skerryctl() {
  local line word current="${COMP_LINE:0:COMP_POINT}"
  local -a words
  read -ra words <<<"$current"
  [[ "$current" == *[[:space:]] ]] && words+=("")
  COMPREPLY=()
  while IFS= read -r line; do
    word="${line%%$'\t'*}"
    if [[ "$line" == :files ]]; then
      compopt -o default
    else
      COMPREPLY+=("$word")
    fi
  done < <(skerryctl __complete "${words[@]:1}" 2>/dev/null)
}
complete -F _skerryctl skerryctl
)script";

constexpr std::string_view kZsh = R"script(#compdef skerryctl
# zsh completion of skerryctl: source <(skerryctl completion zsh)
_skerryctl() {
  local line
  local -a proposals
  while IFS= read -r line; do
    if [[ "$line" == :files ]]; then
      _files
    else
      proposals+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    fi
  done < <(skerryctl __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe skerryctl proposals
}
if [[ "$funcstack[1]" == _skerryctl ]]; then
  _skerryctl "$@"
else
  compdef _skerryctl skerryctl
fi
)script";

constexpr std::string_view kFish =
    R"script(# fish completion of skerryctl: skerryctl completion fish | source
function __skerryctl_complete
  set -l words (commandline --tokenize --cut-at-cursor) (commandline --current-token --cut-at-cursor)
  for line in (skerryctl __complete $words[2..-1] 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path $words[-1]
    else
      echo $line
    end
  end
end
complete --command skerryctl --no-files --arguments '(__skerryctl_complete)'
)script";

std::string_view path_of(Values values) {
  switch (values) {
    case Values::kNodes:
      return "/nodes";
    case Values::kJobs:
      return "/jobs";
    case Values::kModels:
      return "/models";
    case Values::kPolicies:
      return "/policies";
    default:
      return "";
  }
}

std::string name_in(Values values, const boost::json::value& item) {
  switch (values) {
    case Values::kJobs:
      return text_at(item, "id");
    case Values::kModels:
    case Values::kNodes:
      return text_at(item, "name");
    default:
      return text_at(item, "");
  }
}

// What was typed of the way to the server counts for the names, too.
GlobalFlags flags_in(const std::vector<std::string>& words) {
  GlobalFlags flags{.timeout = seconds(1)};
  const auto take = [&](std::string_view flag, std::string& into) {
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (words[i] == flag && i + 1 < words.size()) {
        into = words[i + 1];
      } else if (words[i].starts_with(std::string(flag) + "=")) {
        into = words[i].substr(flag.size() + 1);
      }
    }
  };
  take("-s", flags.server);
  take("--server", flags.server);
  take("--ca-file", flags.ca_file);
  take("--token-file", flags.token_file);
  return flags;
}

std::vector<std::string> names_of(Values values, const std::vector<std::string>& words) {
  const auto settings = resolve_settings(flags_in(words), process_environment());
  if (!settings) {
    return {};
  }
  Api api(*settings);
  const auto answer = api.get(std::string(path_of(values)));
  std::vector<std::string> names;
  if (answer) {
    for (const auto& item :
         items_at(*answer, values == Values::kPolicies ? "available" : "items")) {
      names.push_back(name_in(values, item));
    }
  }
  return names;
}

}  // namespace

int complete_line(const CommandTree& tree, const std::vector<std::string>& words) {
  const Completion completion = tree.complete(words);
  for (const Proposal& proposal : completion.proposals) {
    print(fmt::format("{}\t{}\n", proposal.word, proposal.help));
  }
  const std::string current = words.empty() ? "" : words.back();
  if (completion.values == Values::kFiles) {
    print(":files\n");
  } else if (!path_of(completion.values).empty() && !current.starts_with('-')) {
    for (const std::string& name : names_of(completion.values, words)) {
      if (name.starts_with(current)) {
        print(name + "\t\n");
      }
    }
  }
  return 0;
}

void add_completion(Command root) {
  Command completion = root.sub("completion", "Print a shell's completion script");
  for (const auto& [shell, script] : {std::pair("bash", kBash), {"zsh", kZsh}, {"fish", kFish}}) {
    completion.sub(shell, fmt::format("for {}", shell))
        .on_run([text = script](Context&) -> Result<ExitCode> {
          print(text);
          return ExitCode::kOk;
        });
  }
}

}  // namespace skerry::cli
