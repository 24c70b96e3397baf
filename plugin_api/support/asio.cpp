// Asio's implementation: the one translation unit that compiles it.
#include <boost/asio/impl/src.hpp>
