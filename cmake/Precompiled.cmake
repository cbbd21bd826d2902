# The standard library, fmt and GoogleTest are a third of the time it takes to compile us: read once, not per source. Sources
# still include what they use; clang-tidy compiles them without. ccache cannot look into a precompiled header and gives up:
# where it works there are none.
set(precompile ON)
if(SLUICE_CCACHE AND NOT DEFINED ENV{CCACHE_DISABLE})
  set(precompile OFF)
endif()
option(SLUICE_PRECOMPILED_HEADERS "Read the most used third-party headers once" ${precompile})

set(SLUICE_COMMON_HEADERS
  <algorithm> <array> <charconv> <chrono> <cmath> <condition_variable> <cstdint> <functional> <map> <memory> <mutex>
  <optional> <set> <span> <string> <string_view> <thread> <utility> <vector> <fmt/format.h> <tl/expected.hpp>)

# sluice_headers(name HEADERS…): a target whose precompiled headers others reuse. It must be compiled as they are.
function(sluice_headers name)
  file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/${name}.cpp" CONTENT "// carries ${name}\n")
  add_library(${name} OBJECT "${PROJECT_BINARY_DIR}/${name}.cpp")
  target_precompile_headers(${name} PRIVATE ${ARGN})
  target_link_libraries(${name} PRIVATE sluice_flags tl::expected fmt::fmt Threads::Threads)
endfunction()

# sluice_precompile(target headers): `target`, C sources aside, is compiled with those of sluice_headers(headers).
function(sluice_precompile target headers)
  if(SLUICE_PRECOMPILED_HEADERS)
    target_precompile_headers(${target} REUSE_FROM ${headers})
    # Compiled with other flags than they, it reads its headers itself, and says so.
    target_compile_options(${target} PRIVATE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-error=invalid-pch>)
    get_target_property(sources ${target} SOURCES)
    list(FILTER sources INCLUDE REGEX "\\.c$")
    set_source_files_properties(${sources} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
  endif()
endfunction()

if(SLUICE_PRECOMPILED_HEADERS)
  sluice_headers(sluice_library_headers ${SLUICE_COMMON_HEADERS})
  # GCC wants -fPIE at both ends, which executables are compiled with.
  set(programs sluice_program_headers)
  sluice_headers(sluice_program_headers ${SLUICE_COMMON_HEADERS})
  if(SLUICE_BUILD_TESTS)
    list(APPEND programs sluice_test_headers)
    sluice_headers(sluice_test_headers ${SLUICE_COMMON_HEADERS} <atomic> <filesystem> <fstream> <gtest/gtest.h>)
    target_link_libraries(sluice_test_headers PRIVATE GTest::gtest)
  endif()
  foreach(headers ${programs})
    set_target_properties(${headers} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${headers} PRIVATE -fPIE)
  endforeach()
endif()
