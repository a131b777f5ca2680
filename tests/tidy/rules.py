"""The house rules as data; tidy.py applies them, tidy_test.py breaks each once. Change a rule here, with its reason."""

# ---- Which part may include which (ARCHITECTURE.md). The longest matching folder counts; "skerry/v1" is generated code
# of proto/. A shared include root cannot forbid a wrong include, so this table does.

INCLUDE_DIRECTIONS = {
    "common/": ["common/"],
    "scheduler/": ["scheduler/", "common/"],
    "rl/": ["rl/", "scheduler/", "common/"],
    "controller/core/": ["controller/core/", "scheduler/", "common/"],
    "controller/store/": ["controller/store/", "common/"],
    "controller/blobs/": ["controller/blobs/", "common/"],
    "controller/records/": ["controller/records/", "controller/core/", "controller/store/", "scheduler/", "common/"],
    "controller/auth/": ["controller/auth/", "controller/core/", "scheduler/", "common/"],
    "controller/oidc/": ["controller/oidc/", "controller/core/access.h", "controller/outbound/fetcher.h", "controller/outbound/policy.h", "common/"],
    "controller/outbound/": ["controller/outbound/", "common/"],
    "controller/metrics/": ["controller/metrics/", "controller/core/", "scheduler/", "common/"],
    "controller/hub/door/": ["controller/hub/door/", "controller/peer_address.h", "common/"],
    "controller/hub/": ["controller/hub/", "controller/*.h", "controller/core/", "controller/records/site_job.h", "controller/blobs/",
                        "scheduler/", "skerry/v1/", "common/"],
    "controller/api/": ["controller/api/", "controller/*.h", "controller/auth/", "controller/core/", "controller/blobs/", "controller/metrics/",
                        "scheduler/", "common/"],
    "controller/identity/": ["controller/identity/", "controller/api/node_authority.h", "controller/core/access.h", "common/"],
    "controller/": ["controller/", "rl/", "scheduler/", "skerry/v1/", "common/"],
    "agent/runner/": ["agent/runner/", "common/"],
    "agent/": ["agent/", "skerry/v1/", "common/"],
    "agent/membership/": ["agent/membership/", "agent/whole_file.h", "common/"],
    "agent/site/": ["agent/", "controller/", "scheduler/", "skerry/v1/", "common/"],
    "replay/": ["replay/", "rl/", "scheduler/", "common/"],
    "cli/": ["cli/", "replay/policies.h", "replay/replay.h", "replay/trace.h", "common/"],
    "models/": ["models/", "agent/runner/", "common/"],
}
# The folders above, plus those that nothing but themselves may include.
PROJECT_FOLDERS = ["common", "scheduler", "rl", "replay", "controller", "agent", "cli", "models", "tests", "bench", "skerry"]

# ---- Libraries that a part must not see, as a regular expression on the include's path.
# Pure parts do no I/O, so that a whole cluster can be simulated and replayed from a seed.

IO_LIBRARIES = r"^(boost/(asio|beast|process|filesystem)|grpc|google/protobuf|skerry/v1|rocksdb|spdlog|torch|ATen|c10|prometheus)"
TORCH = r"^(torch|ATen|c10)/"
FORBIDDEN_LIBRARIES = [
    {"in": ["scheduler/", "controller/core/", "tests/sim/"], "include": IO_LIBRARIES, "why": "this part is pure"},
    {"in": ["controller/", "cli/", "common/", "agent/"], "except": ["agent/runner/"], "include": TORCH,
     "why": "only the runner, models/ and rl/ link libtorch"},
    {"in": ["controller/", "cli/", "common/", "agent/"], "except": ["agent/runner/"], "include": r"^seccomp\.h$",
     "why": "the runner alone filters its system calls"},
    {"in": ["controller/hub/door/", "common/pki/"], "include": r"^(grpc|google/protobuf|skerry/v1)",
     "why": "what stands before gRPC knows nothing of it"},
    {"in": ["common/pki/"], "include": r"^boost/asio", "why": "keys and certificates do no network I/O"},
    {"in": ["controller/", "agent/", "cli/", "common/"], "except": ["controller/store/"], "include": r"^rocksdb/",
     "why": "nothing outside controller/store may assume RocksDB"},
    {"in": ["controller/", "agent/", "cli/", "common/", "scheduler/"], "except": ["controller/outbound/"], "include": r"^curl/",
     "why": "what fetches a URL goes through the guards of controller/outbound"},
]

# ---- Calls that must not be made, as a regular expression on the code without comments and string contents.
# A shell does I/O and may ask for the time; pure parts are given `now` and a generator.

CPP = [".h", ".cc"]
SHELLS = ["controller/api/", "controller/hub/", "controller/outbound/", "controller/store/", "controller/*", "agent/", "cli/", "bench/", "models/",
          "rl/skerry_rl/",
          "controller/metrics/", "tests/relay/", "tests/sim/main.cc", "common/time.cc"]
BANNED = [
    {"name": "steady_clock::now", "code": r"\b(steady_clock|high_resolution_clock)\s*::\s*now\b", "except": SHELLS,
     "why": "take `now` as an argument"},
    {"name": "system_clock::now", "code": r"\bsystem_clock\s*::\s*now\b", "except": SHELLS, "why": "take `now` as an argument"},
    {"name": "random_device", "code": r"\brandom_device\b", "except": SHELLS + ["common/random.cc"],
     "why": "take a generator as an argument"},
    {"name": "std distribution", "code": r"\bstd\s*::\s*\w+_distribution\b", "except": [],
     "why": "differs between standard libraries; common/random.h has ours"},
    {"name": "thread::detach", "code": r"\.\s*detach\s*\(\s*\)", "except": ["rl/train/"],  # where tensors are
     "why": "nobody joins it; use a joined thread"},
    {"name": "asio::detached", "code": r"\basio\s*::\s*detached\b", "except": [],
     "why": "drops exceptions silently; give a completion handler"},
    {"name": "sleep in a unit test", "code": r"\b(sleep_for|sleep_until|usleep|nanosleep)\b", "only": ["tests/unit/", "tests/sim/"],
     "why": "wait for what you wait for, or move the clock"},
    {"name": "using namespace std", "code": r"\busing\s+namespace\s+std\s*;", "except": [], "why": "name what you use"},
]

# ---- Words that must not stand anywhere in the text, code or prose. Written so that no pattern matches its own line.

FORBIDDEN_WORDS = [
    {"name": "unfinished", "text": r"\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b", "why": "finish it, or open an issue"},
    {"name": "path of a machine", "text": r"(?<![\w.}])/(wor[k]\b|hom[e]/\w|User[s]/\w)|\.\./share[d]\b",
     "why": "a fresh clone elsewhere does not have it"},
]

# ---- Every file of these kinds opens by saying what it is for. .h and .proto: a `//` comment; Python: a docstring;
# other scripts (they begin with #!): a `#` comment.

PURPOSE = {"min_characters": 20}

# ---- Length: what is longer than the limit stands in sizes.txt with its length, which may only shrink.

MAX_LINES = 400
SIZED = [".h", ".cc", ".py", ".proto", ".sh"]
