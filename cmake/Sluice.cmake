# What every target of the project shares: language level, warnings, sanitizers, and two short helpers.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(SLUICE_CCACHE ccache)
if(SLUICE_CCACHE AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_C_COMPILER_LAUNCHER "${SLUICE_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${SLUICE_CCACHE}")
endif()

# Warnings and flags of our own targets; third-party headers are SYSTEM and stay silent. What people install is built by
# compilers we have not met, and at -O2, where GCC 12 warns of the standard library's own strings: a warning is no error there.
option(SLUICE_WARNINGS_AS_ERRORS "Warnings stop the build" ON)
# -ffp-contract=off: without fused multiply-add the same readings give the same decisions, to the bit, on every machine.
# -pthread: gRPC asks for it, and precompiled headers want the same flags everywhere.
add_library(sluice_flags INTERFACE)
target_compile_options(sluice_flags INTERFACE
  -ffp-contract=off -pthread
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual>
  $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wpedantic>
  $<$<BOOL:${SLUICE_WARNINGS_AS_ERRORS}>:-Werror>)
# GCC 12 sees overflows in the standard library's own string operators, depending on how long a literal is, and so on where
# the clone lies: said, but no error. The address sanitizer finds the true ones.
target_compile_options(sluice_flags INTERFACE
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-error=array-bounds -Wno-error=restrict -Wno-error=stringop-overflow -Wno-error=stringop-overread>)
if(SLUICE_SANITIZE)
  add_compile_options(-fsanitize=${SLUICE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  # What these two would say the address sanitizer says too, and they are a fifth of the time to compile.
  add_compile_options(-fno-sanitize=null,object-size)
  add_link_options(-fsanitize=${SLUICE_SANITIZE})
endif()

find_package(Threads REQUIRED)

# sluice_library(name SOURCES … LIBS … [PRIVATE_LIBS …]): one folder of lib/ as a static library.
function(sluice_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;PRIVATE_LIBS" ${ARGN})
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    target_include_directories(${name} PUBLIC "${PROJECT_SOURCE_DIR}/lib")
    target_link_libraries(${name} PUBLIC ${ARG_LIBS} PRIVATE sluice_flags ${ARG_PRIVATE_LIBS})
    sluice_precompile(${name} sluice_library_headers)
  else()
    add_library(${name} INTERFACE)
    target_include_directories(${name} INTERFACE "${PROJECT_SOURCE_DIR}/lib")
    target_link_libraries(${name} INTERFACE ${ARG_LIBS})
  endif()
endfunction()

# sluice_across_files(name…): libraries of many small functions that call each other across files, optimised as one in
# what is installed. Only with GCC, whose linker plugin is always there.
function(sluice_across_files)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT SLUICE_SANITIZE)
    set_target_properties(${ARGN} PROPERTIES INTERPROCEDURAL_OPTIMIZATION_RELWITHDEBINFO ON)
  endif()
endfunction()

# sluice_test(name SOURCES … LIBS … [LABELS …] [TIMEOUT s] [COST s]): one GoogleTest binary is one test of ctest. COST:
# about how long it takes under the sanitizers; a fresh clone knows no times, and should begin with the longest.
function(sluice_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT;COST" "SOURCES;LIBS;LABELS;ENVIRONMENT" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  # fmt whether it uses it or not: the precompiled headers hold it.
  target_link_libraries(${name} PRIVATE sluice_flags ${ARG_LIBS} GTest::gtest_main fmt::fmt)
  sluice_precompile(${name} sluice_test_headers)
  target_compile_definitions(${name} PRIVATE SLUICE_SOURCE_DIR="${PROJECT_SOURCE_DIR}" SLUICE_BINARY_DIR="${PROJECT_BINARY_DIR}")
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT} ENVIRONMENT "${ARG_ENVIRONMENT}")
  if(ARG_COST)
    set_tests_properties(${name} PROPERTIES COST ${ARG_COST})
  endif()
endfunction()
