// model keygen FILE, model sign -f FILE --key FILE, model verify -f FILE --public-key KEY
#include <fmt/format.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <filesystem>

#include "cli/commands.h"
#include "cli/inputs.h"
#include "cli/key_files.h"
#include "cli/model_files.h"
#include "cli/yaml_json.h"
#include "common/ids.h"
#include "common/model_trust.h"

namespace skerry::cli {

namespace {

namespace json = boost::json;

// ---- keygen

struct KeygenFlags {
  std::string file;
  std::string id;
};

// The name by which signatures call a key: given, or that of its file.
Result<std::string> key_id(const std::string& given, const std::string& file) {
  std::string id = given.empty() ? std::filesystem::path(file).stem().string() : given;
  if (const Status valid = validate_name("key id", id); !valid) {
    return fail(ErrorCode::kInvalidArgument, valid.error().message + "; --id gives it another");
  }
  return id;
}

Result<ExitCode> keygen(Context& context, const KeygenFlags& flags) {
  const auto id = key_id(flags.id, flags.file);
  if (!id) {
    return fail(id.error());
  }
  const PrivateKey key = PrivateKey::generate();
  if (const Status written = write_key_file(flags.file, key); !written) {
    return fail(written.error());
  }
  const std::string public_key = key.public_key().base64();
  if (context.settings.for_people()) {
    note(fmt::format("The private key is in {}. Controllers, and sites that pin it, are told:",
                     flags.file));
    print(fmt::format("model_signing:\n  keys:\n    - id: {}\n      public_key: {}\n", *id,
                      public_key));
  } else {
    show(context.settings, json::object{{"id", *id}, {"public_key", public_key}}, {*id});
  }
  return ExitCode::kOk;
}

// ---- sign

struct SignFlags {
  std::string file;
  std::string key;
  std::string id;
};

// The digest that the document says, or that of the file that it names, which must agree.
Result<std::string> digest_of(const VariantSpec& variant, const std::filesystem::path& folder) {
  if (variant.file.empty()) {
    return variant.digest;
  }
  const auto artifact = digest_of_file((folder / variant.file).string());
  if (!artifact) {
    return fail(artifact.error());
  }
  if (!variant.digest.empty() && variant.digest != artifact->digest) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("variant '{}': '{}' has the digest {}, not {} as the manifest says",
                            variant.name, artifact->path, artifact->digest, variant.digest));
  }
  return artifact->digest;
}

// Adds the members of a signature to each variant of the document that has an artifact.
Status sign_variants(json::value& document, const ModelManifest& manifest,
                     const std::filesystem::path& folder, const PrivateKey& key,
                     const std::string& id) {
  json::array& variants = document.as_object()["spec"].as_object()["variants"].as_array();
  bool any = false;
  for (std::size_t i = 0; i < manifest.variants.size(); ++i) {
    VariantSpec variant = manifest.variants[i];
    const auto digest = digest_of(variant, folder);
    if (!digest) {
      return fail(digest.error());
    }
    if (digest->empty()) {
      continue;
    }
    any = true;
    variant.digest = *digest;
    json::object& written = variants[i].as_object();
    written["digest"] = *digest;
    written["signature"] = key.sign(to_signed_text(statement_of(manifest, variant)));
    written["signed_by"] = id;
  }
  return any ? Status()
             : fail(ErrorCode::kInvalidArgument,
                    fmt::format("model '{}' has no variant with a file to sign", manifest.name));
}

// The documents, each with its signatures; nothing else of them changes.
Result<std::vector<json::value>> signed_documents(const SignFlags& flags) {
  const auto text = read_file(flags.file);
  auto documents = text ? json_from_yaml(*text, flags.file) : fail(text.error());
  if (!documents) {
    return documents;
  }
  const auto key = read_key_file(flags.key);
  const auto id = key ? key_id(flags.id, flags.key) : fail(key.error());
  if (!id) {
    return fail(id.error());
  }
  const auto folder = std::filesystem::path(flags.file == "-" ? "" : flags.file).parent_path();
  for (json::value& document : *documents) {
    const auto manifest = manifest_from_json(document);
    if (!manifest) {
      return fail(manifest.error());
    }
    if (const Status done = sign_variants(document, *manifest, folder, *key, *id); !done) {
      return fail(done.error());
    }
  }
  return documents;
}

Result<ExitCode> sign(Context& context, const SignFlags& flags) {
  const auto documents = signed_documents(flags);
  if (!documents) {
    return fail(documents.error());
  }
  for (std::size_t i = 0; i < documents->size(); ++i) {
    if (context.settings.format == Format::kJson) {
      show(context.settings, (*documents)[i], {});
    } else {
      print((i > 0 ? "---\n" : "") + yaml_from_json((*documents)[i]));
    }
  }
  return ExitCode::kOk;
}

// ---- verify

struct VerifyFlags {
  std::string file;
  std::string public_key;
};

Result<ExitCode> verify(Context& context, const VerifyFlags& flags) {
  auto key = PublicKey::parse(flags.public_key);
  auto models = key ? prepare_models(flags.file) : fail(key.error());
  if (!models) {
    return fail(std::move(models).error());
  }
  for (const PreparedModel& model : *models) {
    ModelTrust trust{.required = true, .keys = {}};
    for (const VariantSpec& variant : model.manifest.variants) {
      // Whatever id it is signed by: the question is whether it is this key.
      trust.keys = {{.id = variant.signed_by, .key = *key, .namespaces = {"*"}}};
      if (const Status fine = check_signature(model.manifest, variant.name, trust); !fine) {
        return fail(ErrorCode::kInvalidArgument, fine.error().message);
      }
    }
    show_change(context.settings, "model/" + model.manifest.name, "is signed by this key");
  }
  return ExitCode::kOk;
}

void add_keygen(Command command) {
  auto flags = std::make_shared<KeygenFlags>();
  command.add({.names = "FILE",
               .help = "where the private key goes; it must not exist",
               .values = Values::kFiles,
               .required = true},
              flags->file);
  command.add({.names = "--id",
               .help = "what signatures call the key (default: the file's name)",
               .value = "ID"},
              flags->id);
  command.on_run([flags](Context& context) { return keygen(context, *flags); });
}

void add_sign(Command command) {
  auto flags = std::make_shared<SignFlags>();
  command.add({.names = "-f,--file",
               .help = "manifest as YAML or JSON",
               .value = "FILE",
               .values = Values::kFiles,
               .required = true},
              flags->file);
  command.add({.names = "--key",
               .help = "file of the private key, with mode 600",
               .value = "FILE",
               .values = Values::kFiles,
               .required = true},
              flags->key);
  command.add({.names = "--id",
               .help = "what signatures call the key (default: the file's name)",
               .value = "ID"},
              flags->id);
  command.example("  skerryctl model sign -f model.yaml --key release.pem > signed.yaml\n");
  command.on_run([flags](Context& context) { return sign(context, *flags); });
}

void add_verify(Command command) {
  auto flags = std::make_shared<VerifyFlags>();
  command.add({.names = "-f,--file",
               .help = "manifest as YAML or JSON; the files that it names are checked, too",
               .value = "FILE",
               .values = Values::kFiles,
               .required = true},
              flags->file);
  command.add(
      {.names = "--public-key", .help = "as keygen printed it", .value = "KEY", .required = true},
      flags->public_key);
  command.on_run([flags](Context& context) { return verify(context, *flags); });
}

}  // namespace

void add_model_signing(Command model) {
  add_keygen(model.sub("keygen", "Make a key to sign models with"));
  add_sign(model.sub("sign", "Print a manifest with signatures on its variants"));
  add_verify(model.sub("verify", "Check the signatures of a manifest's variants"));
}

}  // namespace skerry::cli
