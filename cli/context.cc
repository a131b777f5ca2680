#include "cli/context.h"

#include <fmt/format.h>

#include <cstdio>

#include "cli/json_text.h"
#include "cli/yaml_json.h"

namespace skerry::cli {

namespace {

std::string_view hint_for(ErrorCode code) {
  switch (code) {
    case ErrorCode::kNotFound:
      return "`skerryctl get nodes|jobs|models|policies` lists what there is";
    case ErrorCode::kUnsatisfiable:
      return "`skerryctl plan MODEL` with the same options shows what each node and variant lacks";
    case ErrorCode::kNoCapacity:
      return "`skerryctl top nodes` shows who is busy";
    case ErrorCode::kIdempotencyMismatch:
      return "take another --idempotency-key, or send the first request again as it was";
    case ErrorCode::kUnauthenticated:
      return "name the file of a token with --token-file, SKERRY_TOKEN_FILE or `token_file:` in "
             "the "
             "configuration file";
    default:
      return "";
  }
}

}  // namespace

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void note(std::string_view line) {
  std::fflush(stdout);
  fmt::print(stderr, "{}\n", line);
}

void show(const Settings& settings, const boost::json::value& json,
          const std::vector<std::string>& names) {
  if (settings.format == Format::kJson) {
    print(pretty_json(json));
  } else if (settings.format == Format::kYaml) {
    print(yaml_from_json(json));
  } else {
    for (const std::string& name : names) {
      print(name + "\n");
    }
  }
}

void show(const Settings& settings, const Table& table) {
  print(table.render(settings.wide(), settings.colour));
}

void show_change(const Settings& settings, std::string_view name, std::string_view what) {
  if (settings.for_people()) {
    print(fmt::format("{} {}\n", name, what));
  } else {
    show(settings, {{"name", name}, {"result", what}}, {std::string(name)});
  }
}

void print_error(const Error& error) {
  std::string sentence = error.message;
  const auto& fields = error.fields;
  // Where the sentence tells of the fields, too, they are said once: one in the sentence, several
  // in lines of their own.
  const std::size_t told =
      fields.empty() ? std::string::npos
                     : sentence.find(fmt::format("{} {}", fields[0].field, fields[0].message));
  const bool as_lines = fields.size() > 1 || told == std::string::npos;
  if (as_lines && told != std::string::npos && sentence.substr(0, told).ends_with(": ")) {
    sentence.resize(told - 2);
  }
  note(fmt::format("error: {}", sentence));
  for (const FieldIssue& issue : fields) {
    if (as_lines) {
      note(fmt::format("  {}: {}", issue.field.empty() ? "/" : issue.field, issue.message));
    }
  }
  if (const std::string_view hint = hint_for(error.code);
      !hint.empty() && error.message.find("\nhint: ") == std::string::npos) {
    note(fmt::format("hint: {}", hint));
  }
}

}  // namespace skerry::cli
