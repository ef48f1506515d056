//! What the page explains before its tables.

/// In front of the tables.
pub(crate) const INTRODUCTION: &str = "\
# Performance

`make bench` wrote this page. It builds the static programs of a release and runs each as a whole process, in turn with an
empty process (the floor) and with the peers that the machine has (A B C C B A), in a cleared environment. Times are
medians, memory is the largest peak. Times drift with the machine: compare the ratios of one table. Instructions are
counted by valgrind in one run of their own and hardly drift.

A plugin's run is its start, the request, the decision whose identity is used, and either one file of the cache (warm) or
the cloud's calls (cold). A warm run starts no runtime, makes no HTTP client and sets up no TLS. Over https most of a
cold run is the handshake; of the trusted roots only those are parsed that the server's chain names.

Two hundred plugins that start together stand for the pods of a node that has just joined: wall time is from the first
start to the last end, CPU time is of all, `calls` are those of the cloud's API for a token.

The tables of growth run one program over more and more: `wall / first` is how much longer the largest takes than the
smallest, to be read beside how much more it has. `calls` are those of the Kubernetes API.

## Where a plugin's life goes

A warm run of IBM's plugin, sampled on a virtual machine: 0.55 ms of processor time, with what its parent does to start it.

| what | share |
|---|---|
| the parent makes a process | 8 % |
| `execve` puts the program into it | 10 % |
| pages appear when they are touched first: 64 page faults (19 in an empty program) | 29 % |
| other system calls, and the end of the process | 18 % |
| instructions of the program: relocation, request, options, key, cache file, answer | 35 % |

- **The C library.** A static program of glibc executes `CPUID` 43 times before its first line. On a virtual machine, which a node
  is, each is answered by the hypervisor: 3.6 microseconds here, 0.15 ms in all. The plugins are musl's, which asks nothing:
  an empty program takes 0.2 ms instead of 0.5 and has 0.4 MB instead of 1.1. `regcred` and `regcred-refresh`, which live longer, keep
  glibc's allocator. The floor of the tables is glibc's too, so that a warm run can be faster.
- **Size.** Each 64 KiB of a program that are touched cost a page fault. All programs are compiled for size, which takes 3 %
  more instructions of a plugin over https; what hashes, inflates and makes RSA keys is compiled for speed. The plugins have neither
  tables for unwinding nor what reads them, since a panic ends them: IBM's has 2.7 MB instead of 4.8 and 64 page faults instead of
  97. `regcred` has 13.7 MB instead of 17.6, and pulls of 200 small or 8 large layers take the same time.
- **Address randomization** costs the relocation, at most 0.09 ms: the pages of tables with addresses are written, and so copied. It
  stays: it is a guard.
- **Trusted roots.** Of the 144 certificates of a distribution's bundle the first 9 lines are decoded, enough for the name. The rest
  is decoded of those that the server's chain names.
- **A key for Oracle.** Instances, workloads and token exchanges need an RSA key of 2048 bits that no other process has, as in
  Oracle's own SDKs: 62 ms of one processor. It is made on a thread while the first calls are on their way. A shorter key, or one kept
  on disk, would be faster and is not made.

Where the memory of a warm run is, by `/proc/PID/smaps` as the process ends, in KiB:

| | code | constants | relocated tables | data, heap and stack | all |
|---|---|---|---|---|---|
| ECR | 2,756 of 3,692 | 476 of 668 | 240 | 112 | 3,588 |
| Google | 2,080 of 2,336 | 440 of 504 | 104 | 68 | 2,696 |
| an empty process of glibc | 708 of 836 | 128 of 220 | 24 | 52 | 912 |

- Code and constants, most of it, are pages of the file that all plugins of a node share. The kernel maps 64 KiB of it around
  each page that is touched, and more where the file lies in larger pieces in the page cache: two copies of one program differ by
  up to 0.7 MiB, and by a tenth in wall time. What a process has for itself is 352 KiB of ECR's and 172 of Google's; heap and
  stack are little of it.
- Less takes functions in the order of their use, from a profile of each build for the linker, or less code. Neither is done.

What is missing to a third of the Go plugins' time:

- **ECR.** A cold run over http executes 2.9 million instructions, nine tenths of them in the fetch by AWS's SDK: more than a third
  for the three calls of the metadata service, 0.5 million to read the list of partitions, of which one is used. The SDK's client reads it before
  it is told of a resolver that needs none. The 239 KB of tables with addresses are 59 of 290 page faults. A metadata client
  and a signed request of our own may halve that, which is not measured; each rule of the SDK for identities, retries and
  endpoints would be ours to follow.
- **Google and IBM.** One request, 0.5 to 0.6 million instructions: what remains is the process, its 115 page faults and the connection. Fewer
  faults take less code: the HTTP client's pool, its proxies, and the tables for names of other scripts.
- **https.** The handshake's arithmetic is a quarter of a cold run and has no shorter way with the server's certificate verified.

## Where the time of many small layers goes

200 layers of 64 KiB from a server in memory take twice the time of bare sockets. The samples of ten pulls, of 47 ms of processor time
each:

| what | share |
|---|---|
| SHA-256 | 25 % |
| the bytes: requests, receiving, files opened, written and closed | 31 % |
| the program's other instructions: HTTP client, connections as tasks, checks, the manifest | 26 % |
| threads that wake each other | 5 % |
| `rename` | 3 % |
| other system calls, and the start of the program with its page faults | 10 % |

Bare sockets do the first two alone. A layer takes them 5 system calls, and ours 14: 4 are between the thread that reads the
connections and the one that writes the layer, and 4 lock, sync, rename and look for the file. What it would take to come nearer:

- **To write a small layer on the thread that received it** saves the first 4. Each connection would then wait while the disk syncs
  a layer of another, which takes milliseconds where the store is not in memory; one thread for all small layers would sync one after
  the other. Up to eight threads sync at the same time, which disks do together.
- **To write under the final name** saves the lock, the sync and the rename. A killed pull would leave a part of a layer under its
  digest.
- **An HTTP client of our own** for layers may save half of the 26 %, which is not measured. Each rule for proxies, redirects,
  credentials and retries would be there twice.

## Where the time of large layers goes

8 layers of 64 MiB from a server in memory over https take ours 1.0 s of processor time, crane 1.1 s, and the server 0.65 s for
either. So the two processors of the machine are busy for 82 to 87 % of the time, also where the server has two threads. The
samples of five pulls:

| what | share |
|---|---|
| SHA-256, by the processor's own instructions | 43 % |
| `write`: a page made for each 4 KiB of a file, and the bytes copied to it | 23 % |
| receiving: the bytes copied from the socket | 13 % |
| the cipher, AES-GCM | 8 % |
| the program's other instructions, the records of TLS copied among them | 9 % |
| page faults, and threads that wake each other | 4 % |

For 0.8 of the time of crane the client would have 0.75 s of processor time. The hash, the files and the bytes of the socket, which no
client that verifies and stores a layer does without, are 0.8 s.

A push of the same layers is the registry's time. In 31 rounds in turn docker-registry takes 3.0 s of processor time for either
client, three quarters of it for SHA-256, ours 0.08 s and crane 0.10 s. Together they occupy the two processors for 99 % of the 1.54 s
that ours takes, and for 96 % of crane's 1.63 s: no client can be far ahead there. Two, four or eight layers at a time, one request
for a layer or several, and `sendfile` make no difference.
";
