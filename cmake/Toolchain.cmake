# Compiler, flags and the sanitizers; everything that holds for every target.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT SKERRY_COMPONENTS MATCHES "^(runner|rl|models)(;(runner|rl|models))*$")
  message(FATAL_ERROR "GCC miscompiles this project's coroutines: GCC 12 destroys temporaries inside a co_await "
                      "expression twice. Configure with -DCMAKE_CXX_COMPILER=clang++-19 (the presets do). "
                      "Only -DSKERRY_COMPONENTS=runner and =rl build with GCC.")
endif()

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(LLD NAMES ld.lld-19)
if(LLD AND CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  add_link_options(-fuse-ld=${LLD})
endif()

# skerry_flags: the warnings of our own code. Third parties are system includes and stay silent.
add_library(skerry_flags INTERFACE)
target_compile_options(skerry_flags INTERFACE -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wno-missing-field-initializers)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Errors only here: GCC's come from its optimiser and differ from version to version (13 sees a null in the
  # comparison of two vectors), and GCC builds on machines whose toolchain is not ours to choose.
  target_compile_options(skerry_flags INTERFACE -Werror -Wextra-semi -Wimplicit-fallthrough)
endif()

if(SKERRY_SANITIZE)
  add_compile_options(-fsanitize=${SKERRY_SANITIZE} -fno-omit-frame-pointer -g1 -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SKERRY_SANITIZE})
endif()

# Coverage for libFuzzer, in everything that a fuzz target may reach. It takes the address sanitizer along.
if("fuzz" IN_LIST SKERRY_COMPONENTS)
  if(NOT SKERRY_SANITIZE MATCHES "address")
    message(FATAL_ERROR "the component fuzz needs SKERRY_SANITIZE=address,undefined: the preset asan has both")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
