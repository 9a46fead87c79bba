// A process that may not make some system call: as in a sandbox, or on a system that lacks it.
#pragma once

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace annulus::testing {

// From now on the call gives this error if one of its arguments, the third, has one of these bits;
// without bits, always. Holds for what this process becomes by exec, too. Returns false if it
// cannot be had.
[[nodiscard]] inline bool forbid(long call, int error, std::uint32_t bits = 0,
                                 std::uint32_t argument = 2) {
  const auto number = static_cast<std::uint32_t>(call);
  const std::uint32_t refusal = SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error);
  const auto at = static_cast<std::uint32_t>(offsetof(seccomp_data, args)) + 8 * argument;
  sock_filter words[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4),
      BPF_JUMP(BPF_JMP | BPF_JA, bits == 0 ? 2U : 0U, 0, 0),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, refusal),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const sock_fprog all{std::size(words), words};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all) == 0;
}

// No file without a name, as on a file system that knows none.
[[nodiscard]] inline bool forbid_unnamed_files() {
  return forbid(SYS_openat, EOPNOTSUPP, O_TMPFILE & ~O_DIRECTORY);
}

}  // namespace annulus::testing
