#include "imap/proto/session.hpp"

namespace mailroom::imap {

bool Session::offers(std::string_view extension) const {
  static const Capabilities kRev2(
      "NAMESPACE UNSELECT UIDPLUS ESEARCH SEARCHRES ENABLE IDLE SASL-IR LIST-EXTENDED "
      "LIST-STATUS MOVE LITERAL- BINARY SPECIAL-USE STATUS=SIZE");
  return caps.has(extension) || (rev2() && kRev2.has(extension));
}

}  // namespace mailroom::imap
