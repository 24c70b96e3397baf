# Build settings shared by every target, in one place: compiler flags, output folders, precompiled headers, and the
# two functions that folders use to declare a library and a test.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(MAILROOM_MODULE_DIR ${CMAKE_BINARY_DIR}/modules)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
set(CMAKE_C_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_C_FLAGS_SANITIZE "-O1 -g1 -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1 -fno-omit-frame-pointer")

# The same code-generation flags everywhere, so that precompiled headers can be shared between targets.
add_compile_options(-fPIC -pthread -Wall -Wextra -Wshadow -Werror)
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GNU_UNIQUE symbols merge the statics of two modules even under RTLD_LOCAL; GCC only.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique> -fpch-preprocess)
  # GCC 12 reports uninitialised members inside coroutine frames and inlined std::variant that are not.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-maybe-uninitialized>)
  # GCC 12 at -O2 sees overflows in inlined std::string moves and mismatched frees in coroutines that are not there (GCC bugs 105329, 105651);
  # the sanitizers look for real ones.
  add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-Wno-array-bounds> $<$<COMPILE_LANGUAGE:CXX>:-Wno-mismatched-new-delete>
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict> $<$<COMPILE_LANGUAGE:CXX>:-Wno-stringop-overflow> $<$<COMPILE_LANGUAGE:CXX>:-Wno-stringop-overread>)
  if(MAILROOM_SANITIZE MATCHES "thread")
    add_compile_options(-Wno-tsan) # Asio uses atomic_thread_fence, which TSan does not model
  endif()
endif()
add_compile_definitions(BOOST_DLL_USE_STD_FS BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_SEPARATE_COMPILATION)
if(MAILROOM_SANITIZE)
  add_compile_options(-fsanitize=${MAILROOM_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${MAILROOM_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang" AND MAILROOM_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=pointer-overflow) # RapidJSON adds an offset to the null pointer of its empty stack
  endif()
endif()

find_program(MAILROOM_CCACHE ccache)
if(MAILROOM_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros ${MAILROOM_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_C_COMPILER_LAUNCHER})
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(PkgConfig REQUIRED)
find_package(GTest REQUIRED)
find_package(ZLIB REQUIRED)
pkg_check_modules(SQLITE REQUIRED IMPORTED_TARGET sqlite3)
pkg_check_modules(RE2 REQUIRED IMPORTED_TARGET re2)
pkg_check_modules(ICU REQUIRED IMPORTED_TARGET icu-uc icu-i18n)
pkg_check_modules(GUMBO REQUIRED IMPORTED_TARGET gumbo)
pkg_check_modules(YAMLCPP REQUIRED IMPORTED_TARGET yaml-cpp)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(PSL REQUIRED IMPORTED_TARGET libpsl)
pkg_check_modules(LIBZIP REQUIRED IMPORTED_TARGET libzip)
pkg_check_modules(PUGIXML REQUIRED IMPORTED_TARGET pugixml)
pkg_check_modules(LIBARCHIVE REQUIRED IMPORTED_TARGET libarchive)
pkg_check_modules(SECCOMP REQUIRED IMPORTED_TARGET libseccomp)
find_path(MIMETIC_INCLUDE mimetic/mimetic.h REQUIRED)
find_library(MIMETIC_LIBRARY mimetic REQUIRED)
add_library(mailroom_mimetic INTERFACE)
target_include_directories(mailroom_mimetic SYSTEM INTERFACE ${MIMETIC_INCLUDE})
target_link_libraries(mailroom_mimetic INTERFACE ${MIMETIC_LIBRARY})

# mailroom_library(NAME SOURCES ... [LINKS ...] [PRIVATE_LINKS ...] [ASIO])
# A static library of one folder. ASIO says that its sources include Boost.Asio and take its precompiled header.
function(mailroom_library name)
  cmake_parse_arguments(L "ASIO" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${L_SOURCES})
  target_link_libraries(${name} PUBLIC ${L_LINKS} PRIVATE ${L_PRIVATE_LINKS})
  mailroom_pch(${name} "${L_ASIO}")
endfunction()

add_custom_target(concurrent)

# mailroom_test(NAME SOURCES ... [LINKS ...] [ASIO] [TIMEOUT seconds] [LABELS ...])
# One GoogleTest program and one ctest entry; the environment tells it where sources and build are.
# LABELS concurrent: several threads at work; the target `concurrent` builds these, and TSan runs them.
function(mailroom_test name)
  cmake_parse_arguments(T "ASIO" "TIMEOUT" "SOURCES;LINKS;LABELS" ${ARGN})
  add_executable(${name} ${T_SOURCES})
  target_link_libraries(${name} PRIVATE ${T_LINKS} GTest::gmock GTest::gtest_main)
  mailroom_pch(${name} "${T_ASIO}")
  target_compile_options(${name} PRIVATE -Wno-missing-field-initializers) # tables name only what a row is about
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  if("concurrent" IN_LIST T_LABELS)
    add_dependencies(concurrent ${name})
  endif()
  add_test(NAME ${name} COMMAND ${name})
  if(NOT T_TIMEOUT)
    set(T_TIMEOUT 120)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${T_TIMEOUT} LABELS "${T_LABELS}"
    ENVIRONMENT "MAILROOM_SOURCE_DIR=${CMAKE_SOURCE_DIR};MAILROOM_BUILD_DIR=${CMAKE_BINARY_DIR}")
endfunction()

# Asio costs about 18 s a translation unit without this.
function(mailroom_pch target asio)
  if(MAILROOM_NO_PCH)
    return()
  endif()
  if(asio)
    target_precompile_headers(${target} REUSE_FROM mailroom_pch_asio)
  else()
    target_precompile_headers(${target} REUSE_FROM mailroom_pch_std)
  endif()
endfunction()
