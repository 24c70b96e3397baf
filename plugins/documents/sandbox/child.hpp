// Starts a parser process and watches it: what it writes is handed on as it comes, and whatever it does
// (crash, hang, flood, silence), it is gone when run() returns.
//
// A child gets four descriptors and nothing else: 0 the document, 1 the pipe for frames, 2 one for
// complaints, 3 its options. No environment, default signals, a session and process group of its own, a fresh
// empty working directory. It is made by posix_spawn, so nothing of this multithreaded process runs between
// fork and exec; the rest it does to itself (confine.hpp).
#pragma once
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace mailroom::documents {

struct Job {
  std::string program;                     ///< absolute path of the parser
  std::string options;                     ///< JSON, at most kMaxOptions bytes
  std::string work_folder;                 ///< where the working directory is made; it must exist
  int document = -1;                       ///< open for reading, at its beginning; stays the caller's
  std::chrono::milliseconds wall{60'000};  ///< real time, whatever clock the host shows: processes live in it
  std::size_t max_output = 64u << 20;      ///< bytes of the pipe in all
};

inline constexpr std::size_t kMaxOptions = 16u << 10;
inline constexpr std::size_t kMaxComplaint = 4096;  ///< bytes of the child's standard error that are kept

struct Ending {
  enum class How {
    exited,     ///< by itself, with `code`
    signalled,  ///< by signal `code`: a crash, or a limit of the kernel's
    timed_out,  ///< killed after `wall`
    flooded,    ///< killed after `max_output`
    stopped,    ///< killed since `take` or `stop` said so
    unknown     ///< ended, but the host had its status taken away (SIGCHLD ignored)
  };
  How how = How::unknown;
  int code = 0;
  std::string complaint;  ///< what it wrote to standard error, cut
};

/// Runs one job to its end on this thread. `take` gets the bytes of the pipe, in pieces of at most 64 KiB,
/// and answers whether to go on; `stop` is asked at least ten times a second. What `take` throws comes out
/// after the child is gone. Throws Failure(internal) where no process can be made. Any thread, several at
/// once.
Ending run(const Job& job, const std::function<bool(std::string_view)>& take,
           const std::function<bool()>& stop);

}  // namespace mailroom::documents
