// The parser's process: confines itself, then reads the document on descriptor 0 and writes frames to
// descriptor 1. Started by documents.so only (sandbox/child.hpp); descriptor 3 has its options, the one
// argument is the parent's process id.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <clocale>
#include <cstdlib>
#include <new>

#include "parser/parsers.hpp"
#include "sandbox/confine.hpp"

extern char** environ;

namespace mailroom::documents {
namespace {

constexpr std::uint64_t kMegabyte = 1u << 20;

aoh::Json options() {
  std::string text(64u << 10, '\0');
  std::size_t have = 0;
  for (ssize_t n; have < text.size() && (n = ::read(3, text.data() + have, text.size() - have)) > 0;)
    have += static_cast<std::size_t>(n);
  ::close(3);
  text.resize(have);
  return aoh::Json::parse(text);
}

// The program stays open under one number that no other descriptor can have once the limit is set.
int open_program(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    throw Unreadable("unsupported", "there is no " + path + " to read PDF files with",
                     "Install poppler-utils");
  const int kept = ::dup3(fd, kProgramFd, O_CLOEXEC);
  ::close(fd);
  if (kept < 0) throw std::runtime_error("its descriptor cannot be kept");
  return kept;
}

aoh::Json report_json(const Report& r) {
  aoh::Json missing = aoh::Json::array();
  for (const std::string& m : r.missing) missing.push(m);
  return {{"seccomp", true}, {"landlock", r.landlock},           {"own_network", r.own_network},
          {"user", r.user},  {"memory_limits", r.memory_limits}, {"missing", std::move(missing)}};
}

// Before the confinement, whose filter knows no fstat: no byte is looked at here.
std::string_view map_document() {
  struct stat st {};
  if (::fstat(0, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size == 0) return {};
  const auto n = static_cast<std::size_t>(st.st_size);
  void* const at = ::mmap(nullptr, n, PROT_READ, MAP_PRIVATE, 0, 0);
  if (at == MAP_FAILED) throw std::runtime_error("the document cannot be mapped");
  return {static_cast<const char*>(at), n};
}

[[noreturn]] void run_pdftotext(Output& out, const Limits& limits) {
  std::string pages = std::to_string(limits.max_pages);
  std::vector<std::string> words{"pdftotext", "-layout", "-enc", "UTF-8"};
  if (limits.max_pages > 0) words.insert(words.end(), {"-l", pages});
  words.insert(words.end(), {"-", "-"});
  std::vector<char*> argv;
  for (std::string& w : words) argv.push_back(w.data());
  argv.push_back(nullptr);
  out.raw_text();
  ::fexecve(kProgramFd, argv.data(), environ);
  ::_exit(4);
}

void read_document(std::string_view bytes, const aoh::Json& o, Output& out) {
  Limits limits;
  limits.max_pages = static_cast<std::size_t>(std::max<std::int64_t>(0, o["max_pages"].integer()));
  limits.max_unpacked =
      static_cast<std::size_t>(o["max_unpacked"].integer(static_cast<std::int64_t>(limits.max_unpacked)));
  const Context c{bytes, o["filename"].str(), o["mime_type"].str(), limits, o["members"].boolean(true), out};
  const std::string_view head = bytes.substr(0, kSniffBytes);
  const Kind* what = &sniff(head, c.filename, c.mime_type);
  if (const std::string_view also =
          polyglot(*what, head, bytes.substr(bytes.size() - std::min<std::size_t>(bytes.size(), 66'000)));
      !also.empty())
    out.warn("type_polyglot", "the same bytes are also " + std::string(also) +
                                  " to another program; they were read as " + std::string(what->name));
  const auto check_label = [&] {
    if (const auto why = contradiction(*what, c.filename, c.mime_type)) out.warn("type_contradiction", *why);
  };
  if (what->family != Family::zip) check_label();
  if (what->family != Family::zip && what->family != Family::archive)
    out.facts(aoh::Json{{"kind", what->name}});
  switch (what->family) {
    case Family::pdf:
      look_at_pdf(c);
      run_pdftotext(out, limits);
    case Family::zip:
      what = &parse_zip(c);
      check_label();
      break;
    case Family::archive:
      parse_archive(c, *what);
      break;
    case Family::picture:
      parse_picture(c, *what);
      break;
    case Family::html:
      parse_html(c);
      break;
    case Family::eml:
      parse_eml(c);
      break;
    case Family::text:
      parse_text(c, *what);
      break;
    case Family::office97:
      parse_office97(c);
      break;
    case Family::none:
      if (what->name == "empty") break;
      throw Unreadable("unsupported",
                       what->name == "unknown"
                           ? "it is neither text nor of a kind that is read"
                           : "a file of kind " + std::string(what->name) + ", which is not read",
                       "Ask for PDF, DOCX, XLSX, PPTX, CSV, HTML or text");
  }
}

int work(int argc, char** argv) {
  ::setlocale(LC_CTYPE,
              "C.UTF-8");  // or libarchive knows no name beyond ASCII; no thread, and nobody else's process
  const aoh::Json o = options();
  Output out(1, static_cast<std::size_t>(o["max_text_bytes"].integer(64 << 20)));
  std::string_view bytes;
  try {
    bytes = map_document();
    Confinement c;
    c.data_bytes = static_cast<std::uint64_t>(o["memory_mb"].integer(48)) * kMegabyte;
    c.address_bytes = c.data_bytes + kMegabyte * 1024;
    c.cpu_seconds = static_cast<unsigned>(o["cpu_seconds"].integer(30));
    c.parent = argc > 1 ? std::atoi(argv[1]) : 0;
    if (const std::string& program = o["program"].str(); !program.empty()) {
      c.program = open_program(program);
      c.readable = {"/usr/lib",         "/lib",      "/lib64", "/usr/share/poppler", "/usr/share/fonts",
                    "/etc/ld.so.cache", "/etc/fonts"};
    }
    const Report report = confine(c);
    out.hello(report_json(report));
  } catch (const Unreadable& e) {
    out.hello(aoh::Json::object());
    out.failed(e);
    return 0;
  } catch (const std::exception& e) {
    out.hello(aoh::Json::object());
    out.failed(
        {"sandbox", std::string("nothing was read, since the parser cannot be confined here: ") + e.what()});
    return 0;
  }
  if (o["probe"].boolean()) {
    out.done();
    return 0;
  }
  try {
    read_document(bytes, o, out);
    out.done();
  } catch (const Full&) {
    out.warn("limit_text", "the text is longer than was asked for");
    out.done();
  } catch (const Unreadable& e) {
    out.failed(e);
  } catch (const std::bad_alloc&) {
    out.failed(
        {"limit", "it needs more memory than a parser is given", "Split it, or ask for another format"});
  }
  return 0;
}

}  // namespace
}  // namespace mailroom::documents

int main(int argc, char** argv) {
  int status = 2;
  try {
    status = mailroom::documents::work(argc, argv);
  } catch (const std::exception& e) {  // a defect: the parent sees an end without a done
    const std::string_view what = e.what();
    (void)!::write(2, what.data(), what.size());
  } catch (...) {
  }
  ::_exit(status);  // no destructor and no leak check has anything to do here
}
