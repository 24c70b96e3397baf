# aoh_add_module(NAME MANIFEST file.json SOURCES ... [LINKS ...])
#
# Builds NAME.so into the module folder with its manifest beside it, with the flags that every module needs:
#   one exported symbol    hidden visibility, a version script, and no symbols of static libraries
#   bound at load time     a missing symbol is a load error with a name, not a crash at the first call
#   never unmapped         thread-local destructors and OpenSSL outlive dlclose()
# No RPATH, no text relocations. Shared system libraries (libssl above all) are the host's copies.
set(AOH_VERSION_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/module.map)

function(aoh_add_module name)
  cmake_parse_arguments(M "" "MANIFEST;OUTPUT_DIRECTORY" "SOURCES;LINKS" ${ARGN})
  if(NOT M_OUTPUT_DIRECTORY)
    set(M_OUTPUT_DIRECTORY ${MAILROOM_MODULE_DIR})
  endif()
  add_library(${name}_module MODULE ${M_SOURCES})
  target_link_libraries(${name}_module PRIVATE aoh_sdk ${M_LINKS})
  set_target_properties(${name}_module PROPERTIES
    PREFIX "" OUTPUT_NAME ${name} LIBRARY_OUTPUT_DIRECTORY ${M_OUTPUT_DIRECTORY}
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    SKIP_BUILD_RPATH ON LINK_DEPENDS ${AOH_VERSION_SCRIPT})
  target_link_options(${name}_module PRIVATE
    -Wl,--version-script=${AOH_VERSION_SCRIPT} -Wl,--exclude-libs,ALL -Wl,-z,now,-z,relro,-z,nodelete,-z,text)
  if(NOT MAILROOM_SANITIZE)
    target_link_options(${name}_module PRIVATE -Wl,-z,defs) # a sanitizer's runtime lives in the executable
  endif()
  if(M_MANIFEST)
    # The manifest's bytes as a constant, so that describe() answers exactly what is shipped.
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${M_MANIFEST})
    file(READ ${M_MANIFEST} AOH_MANIFEST_TEXT)
    set(generated ${CMAKE_CURRENT_BINARY_DIR}/${name}_generated)
    file(CONFIGURE OUTPUT ${generated}/aoh_manifest.hpp @ONLY CONTENT [[
// Generated from the manifest file.
#pragma once
#include <string_view>
namespace aoh_generated {
inline constexpr std::string_view kManifest = R"AOHMANIFEST(@AOH_MANIFEST_TEXT@)AOHMANIFEST";
}
]])
    target_include_directories(${name}_module PRIVATE ${generated})
    add_custom_command(OUTPUT ${M_OUTPUT_DIRECTORY}/${name}.json
      COMMAND ${CMAKE_COMMAND} -E copy ${M_MANIFEST} ${M_OUTPUT_DIRECTORY}/${name}.json
      DEPENDS ${M_MANIFEST} VERBATIM)
    add_custom_target(${name}_manifest ALL DEPENDS ${M_OUTPUT_DIRECTORY}/${name}.json)
    add_dependencies(${name}_module ${name}_manifest)
  endif()
endfunction()
