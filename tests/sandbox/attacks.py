"""What is tried, and which layers of the sandbox each stand in the way alone: as data. attempts.h tells how it is tried.

An attack's `by` holds conditions of which one is enough: a layer's name ("seccomp"), several together ("mount+landlock"), or
"always" for what needs no layer (runner/sandbox.h: no capabilities, closed descriptors, a bare environment, ...). Two words
are not layers: "uid" is the layer user of an agent that is root, whose runners then own nothing, and "landlock4" or
"landlock6" that version of Landlock at least. An attack that nothing stops is not tried; if that is because this machine does
not permit a layer, it is skipped, and counted as that.
"""

import dataclasses

# How an attack ends.
ANSWERS = "answers"  # the job succeeds, or the process is ended by the kernel for the attempt; contained unless it says SUCCEEDED
DIES = "dies"        # the process ends, or is ended by the agent, and the task gets an error that says how
LASTS = "lasts"      # it does not end: the task is cancelled, and then both it and the process are gone


@dataclasses.dataclass(frozen=True)
class Attack:
    name: str
    order: str           # {name} is filled in by the world
    by: tuple = ("always",)
    ends: str = ANSWERS
    says: str = ""       # what the error of one that dies has to hold
    bare: bool = True    # may be tried without a sandbox, where it does no lasting harm
    afterwards: str = "" # an order to the same process that ends it, when what it leaves behind is to be looked for
    allows: tuple = ()   # answers that are fine though something succeeded: words that one begins with


HOSTILE = [
    # files
    Attack("read the agent's key, journal and state", "steal {secrets}", ("mount", "landlock", "uid")),
    Attack("write where the agent keeps its state", "plant {target}/planted", ("mount", "landlock", "uid")),
    Attack("get out of its root", "escape", bare=False),
    Attack("mount something", "mount", bare=False),
    Attack("read a disk", "raw-device {disks}", ("mount", "landlock", "uid"), bare=False),
    Attack("fill the scratch space", "fill-scratch 256", bare=False, afterwards="exit 0"),
    Attack("find what an earlier runner left in scratch", "leftovers", bare=False),
    Attack("make a set-user-id program", "set-user-id", ("seccomp",), bare=False),
    Attack("change settings of the kernel", "kernel-settings", ("mount", "landlock"), bare=False),
    # the network
    Attack("connect by TCP", "connect-tcp {tcp}", ("network", "seccomp", "landlock4")),
    Attack("send by UDP", "send-udp {udp}", ("network", "seccomp")),
    Attack("connect to a socket in the file system", "connect-local {socket}", ("seccomp", "mount")),
    Attack("connect to an abstract socket", "connect-local @{abstract}", ("network", "seccomp", "landlock6")),
    Attack("listen for others", "listen-tcp {free}", ("seccomp", "landlock4"), bare=False),
    Attack("listen in on the network", "sniff"),
    Attack("make sockets of odd families", "odd-sockets", ("seccomp",)),
    # other processes
    Attack("see other processes", "see-processes {agent} {other}", ("pid", "seccomp+mount", "seccomp+landlock")),
    Attack("kill the agent", "signal {agent}", ("pid", "seccomp", "uid", "landlock6"), bare=False),
    Attack("signal another runner", "signal {other} 10", ("pid", "seccomp", "uid", "landlock6"), bare=False),
    Attack("trace the agent", "trace {agent}", ("pid", "seccomp", "uid", "landlock")),
    Attack("read the agent's memory", "read-memory {agent}", ("pid", "seccomp", "uid", "landlock")),
    Attack("read another runner's memory", "read-memory {other}", ("pid", "seccomp", "uid", "landlock")),
    Attack("take the agent's descriptors", "take-descriptor {agent}", ("pid", "seccomp", "uid", "landlock")),
    Attack("fork without end", "fork-bomb {token}", ("seccomp", "limits+uid", "cgroup"), bare=False, afterwards="exit 0",
           allows=("SUCCEEDED: forked ",)),
    Attack("make threads without end", "thread-bomb 5000", ("limits+uid", "limits+user", "cgroup"), bare=False, afterwards="exit 0"),
    Attack("leave a process behind", "stay-behind {token}", ("seccomp", "pid"), bare=False, afterwards="exit 0",
           allows=("SUCCEEDED: left ",)),
    Attack("run another program", "execute", ("seccomp", "mount", "landlock")),
    Attack("hold the terminal", "hold-terminal"),
    Attack("find another's shared memory", "shared-memory {segment}", ("ipc", "seccomp")),
    Attack("find inherited descriptors", "descriptors 5"),
    Attack("find a secret in its environment", "environment {word}"),
    # the kernel
    Attack("load a module into the kernel", "load-module"),
    Attack("become root", "become-root", bare=False),
    Attack("use io_uring", "io-uring", ("seccomp",)),
    Attack("use userfaultfd", "userfaultfd", ("seccomp",)),
    Attack("use BPF", "bpf", ("seccomp",)),
    Attack("use keyrings", "keyrings", ("seccomp",)),
    Attack("use perf events", "perf", ("seccomp",)),
    Attack("reboot the machine", "reboot"),
    Attack("set the clock", "set-clock"),
    Attack("make namespaces", "new-namespaces", ("seccomp",)),
    Attack("join the agent's namespaces", "join-namespaces {agent}"),
    Attack("take back what it gave up", "take-back", ("seccomp",)),
    # memory
    Attack("take 1 TiB at once", "tebibyte", bare=False),
    Attack("take memory bit by bit", "memory-private 2048", bare=False),
    Attack("take memory by brk", "memory-heap 2048", bare=False),
    Attack("take shared memory", "memory-shared 2048", ("seccomp", "cgroup"), bare=False),
    Attack("take memory from /dev/zero", "memory-zero-device 2048", ("mount", "landlock", "cgroup"), bare=False),
    Attack("take memory as a file", "memory-file 2048", ("seccomp", "cgroup"), bare=False),
    Attack("take memory in pipes", "memory-pipes 2048", ("seccomp", "limits"), bare=False),
    Attack("take page tables", "memory-page-tables 2048", ("limits", "cgroup"), bare=False),
    Attack("lock memory", "lock-memory", ("limits",), bare=False),
    # ends, and none
    Attack("write to nowhere", "segfault", ends=DIES, says="by signal 11", bare=False),
    Attack("abort", "abort", ends=DIES, says="Aborted", bare=False),
    Attack("leave in the middle", "exit 3", ends=DIES, says="with status 3", bare=False),
    Attack("run an illegal instruction", "illegal-instruction", ends=DIES, says="by signal 4", bare=False),
    Attack("overflow its stack", "stack-overflow", ends=DIES, says="by signal 11", bare=False),
    Attack("loop for ever", "loop", ends=LASTS, bare=False),
    Attack("sleep for ever, deaf to signals", "sleep", ends=LASTS, bare=False),
    # towards the agent
    Attack("write garbage to the agent", "garbage", ends=DIES, says="no frame", bare=False),
    Attack("announce a frame and not send it", "huge-frame", ends=LASTS, bare=False),
    Attack("answer what was not asked", "unasked", ends=DIES, says="not asked", bare=False),
    Attack("answer twice", "twice", allows=("once",), bare=False),
    Attack("say twice that it is ready", "ready-again", ends=DIES, says="not asked", bare=False),
    Attack("answer what are no values", "no-values", ends=DIES, says="what is no output", bare=False),
    Attack("answer with what is no text", "no-text", bare=False),
    Attack("answer without end", "flood", bare=False),
    Attack("close its socket and stay", "close-socket", ends=DIES, says="closing its socket", bare=False),
    Attack("flood its standard error", "flood-stderr", ends=LASTS, bare=False),
]

# TorchScript archives, by the names of models.cc. An error of the model's is as good an end as a process that is ended.
SCRIPTS = [
    Attack("save a file (aten::save)", "save", ("mount", "landlock", "uid"), allows=("done",)),  # which does not say that it could not
    Attack("save a file in scratch", "save-scratch", allows=("done",)),
    Attack("write a file as a mapping (aten::from_file)", "map-write", ("mount", "landlock", "uid")),
    Attack("read the agent's key as a mapping (aten::from_file)", "map-read", ("mount", "landlock", "uid")),
    Attack("take 1 TiB in a tensor", "tebibyte", ends=DIES),
    Attack("keep tensors without end", "hoard", ends=DIES),
    Attack("write past a tensor", "crash", ends=DIES),
    Attack("fail with 64 MiB of text", "shout", ends=DIES),
    Attack("nest 200,000 brackets", "deep-nested", ends=DIES),
    Attack("be no archive", "no-archive", ends=DIES),
    Attack("loop for ever", "loop", ends=LASTS),
    Attack("loop for ever while it is loaded", "load-loop", ends=LASTS),
    Attack("print without end", "print", ends=LASTS),
    Attack("warn without end", "warn", ends=LASTS),
]


def conditions_that_stop(attack, held):
    """Those of `attack.by` that hold, given the set of words that do."""
    return [words for words in attack.by if words == "always" or set(words.split("+")) <= held]
