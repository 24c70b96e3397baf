#include "base/error_json.hpp"

namespace mailroom {

aoh::Json error_json(const Error& e) {
  aoh::Json j{{"code", std::string(name(e.code))}, {"what", e.what}};
  j.set_if(!e.where.empty(), "where", e.where);
  j.set_if(!e.server.empty(), "server_said", printable(e.server));
  j.set_if(!e.cure.empty(), "cure", e.cure);
  j.set("temporary", is_temporary(e.code));
  return j;
}

}  // namespace mailroom
