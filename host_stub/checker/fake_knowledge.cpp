#include "checker/fake_knowledge.hpp"

#include "loader/module.hpp"

namespace aoh::host::checker {
namespace {

std::string text(aoh_str s) { return std::string(view(s)); }

aoh_status give(aoh_sink* sink, std::string_view bytes) {
  return sink->write(sink, bytes.data(), bytes.size());
}

void say(aoh_error* error, aoh_status status, std::string_view words) {
  if (error && AOH_HAS(aoh_error, error, set)) error->set(error, status, borrow(words), {nullptr, 0});
}

std::optional<Json> object(aoh_str json) {
  try {
    Json j = json.len ? Json::parse(view(json)) : Json::object();
    if (j.is_object()) return j;
  } catch (const JsonError&) {
    return std::nullopt;
  }
  return std::nullopt;
}

Json described(const std::string& id, const FakeHost::Document& d) {
  Json out = d.info;
  out.set("id", id).set("bytes", d.text.size()).set("passages", 1);
  return out;
}

}  // namespace

aoh_status KnowledgeTables::begin(const aoh_host* c, aoh_str id, aoh_str info, std::uint64_t* document,
                                  aoh_error*) {
  FakeHost& h = of(c);
  if (const aoh_status s = h.fault("knowledge.begin")) return s;
  auto facts = object(info);
  if (!facts || id.len == 0 || id.len > AOH_KNOWLEDGE_MAX_ID || info.len > AOH_KNOWLEDGE_MAX_INFO)
    return AOH_E_INVALID;
  const std::lock_guard lock(h.m_);
  *document = h.next_document_++;
  h.begun_[*document] = {text(id), {std::move(*facts), {}}};
  return AOH_OK;
}

aoh_status KnowledgeTables::append(const aoh_host* c, std::uint64_t document, const void* bytes,
                                   std::size_t n, aoh_error*) {
  FakeHost& h = of(c);
  if (const aoh_status s = h.fault("knowledge.append")) return s;
  constexpr std::size_t kMost = 1u << 20;
  if (n > kMost) {
    h.breach("knowledge.append with more than 1 MiB at once");
    return AOH_E_INVALID;
  }
  const std::lock_guard lock(h.m_);
  const auto it = h.begun_.find(document);
  if (it == h.begun_.end()) return AOH_E_NOT_FOUND;
  it->second.second.text.append(static_cast<const char*>(bytes), n);
  return AOH_OK;
}

aoh_status KnowledgeTables::commit(const aoh_host* c, std::uint64_t document, aoh_sink* result, aoh_error*) {
  FakeHost& h = of(c);
  const aoh_status failure = h.fault("knowledge.commit");
  std::string words;
  {
    const std::lock_guard lock(h.m_);
    auto begun = h.begun_.extract(document);
    if (begun.empty()) return AOH_E_NOT_FOUND;
    if (failure) return failure;
    auto& [id, made] = begun.mapped();
    const bool replaced = h.documents_.contains(id);
    words = Json{{"id", id}, {"bytes", made.text.size()}, {"passages", 1}, {"replaced", replaced}}.dump();
    h.documents_[id] = std::move(made);
  }
  return give(result, words);
}

aoh_status KnowledgeTables::abandon(const aoh_host* c, std::uint64_t document) {
  FakeHost& h = of(c);
  const std::lock_guard lock(h.m_);
  return h.begun_.erase(document) ? AOH_OK : AOH_E_NOT_FOUND;
}

aoh_status KnowledgeTables::put_blob(const aoh_host* c, aoh_str id, aoh_str info, aoh_str blob, aoh_str,
                                     aoh_sink* result, aoh_error* error) {
  FakeHost& h = of(c);
  if (const aoh_status s = h.fault("knowledge.put_blob")) return s;
  std::string bytes;
  {
    const std::lock_guard lock(h.m_);
    const auto it = h.blobs_.find(text(blob));
    if (it == h.blobs_.end() || !it->second.sealed) return AOH_E_NOT_FOUND;
    bytes = it->second.bytes;
  }
  std::uint64_t number = 0;
  if (const aoh_status s = begin(c, id, info, &number, error)) return s;
  {
    const std::lock_guard lock(h.m_);
    h.begun_[number].second.text = std::move(bytes);
  }
  return commit(c, number, result, error);
}

aoh_status KnowledgeTables::stat(const aoh_host* c, aoh_str id, aoh_sink* info) {
  FakeHost& h = of(c);
  if (const aoh_status s = h.fault("knowledge.stat")) return s;
  std::string words;
  {
    const std::lock_guard lock(h.m_);
    const auto it = h.documents_.find(text(id));
    if (it == h.documents_.end()) return AOH_E_NOT_FOUND;
    words = described(it->first, it->second).dump();
  }
  return give(info, words);
}

aoh_status KnowledgeTables::remove(const aoh_host* c, aoh_str id) {
  FakeHost& h = of(c);
  if (const aoh_status s = h.fault("knowledge.remove")) return s;
  const std::lock_guard lock(h.m_);
  return h.documents_.erase(text(id)) ? AOH_OK : AOH_E_NOT_FOUND;
}

aoh_status KnowledgeTables::remove_by(const aoh_host* c, aoh_str key, aoh_str value, std::uint64_t* removed) {
  FakeHost& h = of(c);
  if (const aoh_status s = h.fault("knowledge.remove_by")) return s;
  const std::lock_guard lock(h.m_);
  *removed = std::erase_if(h.documents_, [&](const auto& d) {
    const Json& member = d.second.info["provenance"][view(key)];
    return (member.is_string() ? member.str() : member.dump()) == view(value);
  });
  return AOH_OK;
}

aoh_status KnowledgeTables::types(const aoh_host* c, aoh_sink* types) {
  FakeHost& h = of(c);
  if (const aoh_status s = h.fault("extract.types")) return s;
  std::string words;
  {
    const std::lock_guard lock(h.m_);
    words = h.extract_types_.dump();
  }
  return give(types, words);
}

aoh_status KnowledgeTables::extract(const aoh_host* c, aoh_str blob, aoh_str, aoh_str request,
                                    aoh_sink* result, aoh_error* error) {
  FakeHost& h = of(c);
  if (const aoh_status s = h.fault("extract.extract")) return s;
  const auto wanted = object(request);
  if (!wanted) return AOH_E_INVALID;
  FakeHost::Extractor fn;
  FakeHost::Blob from;
  {
    const std::lock_guard lock(h.m_);
    const auto it = h.blobs_.find(text(blob));
    if (it == h.blobs_.end() || !it->second.sealed) return AOH_E_NOT_FOUND;
    from = it->second;
    fn = h.extractor_;
  }
  if (!fn) {
    say(error, AOH_E_UNSUPPORTED, "no module reads such files");
    return AOH_E_UNSUPPORTED;
  }
  FakeHost::Extract got = fn(from, *wanted);
  if (got.status != AOH_OK) {
    say(error, got.status, got.words);
    return got.status;
  }
  Json out = std::move(got.result);
  {
    const std::lock_guard lock(h.m_);
    const std::string id = "blob-" + std::to_string(h.next_blob_++);
    out.set("blob", id).set("size", got.text.size()).set("extractor", "fake");
    FakeHost::Blob made;
    made.bytes = std::move(got.text);
    made.mime_type = "text/plain";
    made.sealed = true;
    h.blobs_[id] = std::move(made);
  }
  return give(result, out.dump());
}

void KnowledgeTables::fill(FakeHost& h) {
  const std::uint32_t revision = h.options_.age == Age::newer ? 2 : 1;
  h.knowledge_->revision = h.extract_->revision = revision;
  h.knowledge_->begin = begin;
  h.knowledge_->append = append;
  h.knowledge_->commit = commit;
  h.knowledge_->abandon = abandon;
  h.knowledge_->put_blob = put_blob;
  h.knowledge_->stat = stat;
  h.knowledge_->remove = remove;
  h.knowledge_->remove_by = remove_by;
  h.extract_->types = types;
  h.extract_->extract = extract;
}

}  // namespace aoh::host::checker
