// An exception on its way out of a module, across functions that are C.
#include <stdexcept>

extern "C" void throw_something() { throw std::runtime_error("it was left lying here"); }
