#include "module/extract.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "base/error.hpp"
#include "module/work.hpp"

namespace mailroom::documents {
namespace {

constexpr std::size_t kMaxWarnings = 200;

std::string head_of(int fd) {
  std::string head(kSniffBytes, '\0');
  const ssize_t n = ::pread(fd, head.data(), head.size(), 0);
  head.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return head;
}

}  // namespace

void Work::warn(std::string_view code, const std::string& detail) {
  if (result.warnings.size() < kMaxWarnings) result.warnings.push({{"code", code}, {"detail", detail}});
}

bool Work::take_text(std::string_view text) {
  if (text.empty()) return true;
  result.text_bytes += static_cast<std::uint64_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return c != ' ' && c != '\n' && c != '\t'; }));
  if (to_.text(text)) return true;
  result.stopped = true;
  return false;
}

aoh::Json Work::options(const Document& d, const Kind& k, int depth) const {
  std::uint64_t memory = means_.memory_text;
  switch (k.family) {
    case Family::pdf:
      memory = means_.memory_pdf;
      break;
    case Family::zip:
      memory = means_.memory_office;
      break;
    case Family::archive:
      memory = means_.memory_archive;
      break;
    case Family::html:
      memory = means_.memory_html;
      break;
    case Family::eml:
      memory = means_.memory_mail;
      break;
    default:
      break;
  }
  aoh::Json o{{"filename", aoh::utf8_prefix(d.filename, 1024)},
              {"mime_type", aoh::utf8_prefix(d.mime_type, 200)},
              {"memory_mb", memory},
              {"cpu_seconds", means_.cpu_seconds},
              {"max_text_bytes", kMaxText},
              {"max_unpacked", kMaxUnpacked},
              {"max_pages", d.max_pages},
              {"members", depth < kMaxArchiveDepth}};
  o.set_if(k.family == Family::pdf, "program", means_.pdftotext);
  return o;
}

std::optional<Failed> Work::too_large(const Document& d, const Kind& k) const {
  const std::uint64_t most = k.family == Family::pdf   ? means_.max_pdf
                             : k.family == Family::zip ? means_.max_office
                                                       : means_.max_document;
  if (d.size <= most) return {};
  return Failed{"limit",
                "it has " + std::to_string(d.size) + " bytes, and of this kind (" + std::string(k.name) +
                    ") at most " + std::to_string(most) + " are read",
                "Split it"};
}

// What an end means that the parser did not announce.
std::optional<Failed> Work::judge(const Ending& end, bool finished, bool raw) const {
  using How = Ending::How;
  const std::string& said = end.complaint;
  switch (end.how) {
    case How::timed_out:
      return Failed{"timeout", "it was not read within its time",
                    "The file is damaged or hostile, or too large: split it"};
    case How::flooded:
      return Failed{"limit", "it comes to more text than is read", "Split it"};
    case How::stopped:
      return {};
    case How::signalled:
      if (end.code == SIGKILL || end.code == SIGXCPU)
        return Failed{"timeout", "its parser used up its processor time",
                      "The file is damaged or hostile, or too large: split it"};
      return Failed{"crashed",
                    "its parser crashed (signal " + std::to_string(end.code) +
                        "), or needed more memory than it may have",
                    "The file is damaged or hostile, or too large: split it"};
    case How::exited:
    case How::unknown:
      if (!raw)
        return finished ? std::optional<Failed>()
                        : Failed{"crashed", "its parser ended before its work was done",
                                 "The file is damaged or hostile"};
      if (said.find("Incorrect password") != said.npos)
        return Failed{"encrypted", "the PDF is encrypted with a password",
                      "Ask the sender for one without a password"};
      if (end.code == 3)
        return Failed{"encrypted", "the PDF's author forbids copying text from it",
                      "Ask the sender for one that allows it"};
      if (end.code == 4) return Failed{"unsupported", "pdftotext cannot be started", "Install poppler-utils"};
      if (end.code != 0)
        return Failed{"damaged", "the PDF cannot be read: " + printable(said.substr(0, said.find('\n')), 200),
                      "Ask for the file again"};
      return {};
  }
  return {};
}

void Work::document(const Document& d, const std::string& within, int depth) {
  const Kind& k = sniff(head_of(d.fd), d.filename, d.mime_type);
  Conversation talk(*this, d, within, depth);
  talk.facts.set("kind", k.name);
  talk.failed = too_large(d, k);
  if (!talk.failed) {
    Job job;
    job.program = means_.parser;
    job.work_folder = means_.work_folder;
    job.document = d.fd;
    job.options = options(d, k, depth).dump();
    job.wall = std::max(std::chrono::milliseconds(1),
                        std::chrono::duration_cast<std::chrono::milliseconds>(until_ - Clock::now()));
    job.max_output = kMaxText + kMaxUnpacked + (64u << 20);
    try {
      const Ending end = run(
          job, [&](std::string_view bytes) { return talk.take(bytes); },
          [&] {
            if (stop_()) result.cancelled = true;
            return result.cancelled;
          });
      talk.end();
      if (!talk.failed && !result.stopped && !result.cancelled)
        talk.failed = judge(end, talk.finished(), talk.raw());
    } catch (const Failure& f) {
      talk.failed = Failed{"sandbox", f.error.what, f.error.cure};
    }
  }
  if (depth == 0) {
    for (const auto& [key, value] : talk.facts.members()) result.facts.set(key, value);
    result.kind = result.facts["kind"].str();
    result.failed = talk.failed;
    if (!talk.failed && !result.stopped && !result.cancelled && result.text_bytes == 0 &&
        k.family != Family::picture)
      warn("no_text", k.family == Family::pdf
                          ? "there is no text in it: perhaps scanned pages, which are not read"
                          : "there is no text in it");
  } else if (talk.failed) {
    warn(talk.failed->code, within + ": " + talk.failed->what);
  }
}

void Work::probe(bool pdf) {
  Document d;
  const OwnFd nothing{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
  d.fd = nothing.fd;
  Conversation talk(*this, d, "", 0);
  Job job{means_.parser, "", means_.work_folder, d.fd, std::chrono::milliseconds(20'000), 1u << 20};
  aoh::Json o = options(d, kind(pdf ? "pdf" : "text"), 0);
  job.options = o.set("probe", true).dump();
  try {
    const Ending end = run(
        job, [&](std::string_view bytes) { return talk.take(bytes); }, stop_);
    if (!talk.failed) talk.failed = judge(end, talk.finished(), false);
  } catch (const Failure& f) {
    talk.failed = Failed{"sandbox", f.error.what, f.error.cure};
  }
  result.failed = talk.failed;
}

Extracted extract(const Means& means, const Document& document, TextTo& to,
                  const std::function<bool()>& stop) {
  Work work(means, to, stop);
  work.document(document, "", 0);
  return std::move(work.result);
}

Extracted probe(const Means& means, bool pdf) {
  Window nowhere(0, 0);
  const std::function<bool()> stop = [] { return false; };
  Work work(means, nowhere, stop);
  work.probe(pdf);
  return std::move(work.result);
}

}  // namespace mailroom::documents
