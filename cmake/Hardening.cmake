# What makes a memory error harder to use, in everything that we compile and link. docs/build-security.md says what each
# flag does; scripts/check-hardening looks for each in the programs.
#
# It holds for whole folders, not for who asks (as skerry_flags does), so that generated code has it, too. A sanitizer finds
# such errors itself, and wraps the same functions as _FORTIFY_SOURCE: builds with one get the library's assertions alone.
add_compile_definitions(_GLIBCXX_ASSERTIONS)
if(SKERRY_SANITIZE)
  return()
endif()

# Programs are linked as position-independent, too: CMAKE_POSITION_INDEPENDENT_CODE alone only compiles them so.
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)

add_compile_options(-fstack-protector-strong)
# As far as the compiler has them for this machine: the third is what the second is on 64-bit ARM.
include(CheckCXXCompilerFlag)
foreach(flag -fstack-clash-protection -fcf-protection=full -mbranch-protection=standard)
  string(MAKE_C_IDENTIFIER "SKERRY_HAS${flag}" known)
  check_cxx_compiler_flag(${flag} ${known})
  if(${known})
    add_compile_options(${flag})
  endif()
endforeach()
# The C library's checks need an optimiser, and warn without one. Some distributions' compilers define it already.
if(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3)
endif()

add_link_options(LINKER:-z,relro,-z,now LINKER:-z,noexecstack LINKER:-z,separate-code)

# What position independence costs: addresses that the loader writes as a program starts. Packed, their list is a twentieth
# (of skerry-agent 40 KB instead of 900, all of which it reads); glibc 2.36 understands it.
include(CheckLinkerFlag)
check_linker_flag(CXX LINKER:-z,pack-relative-relocs SKERRY_HAS_PACKED_RELOCATIONS)
if(SKERRY_HAS_PACKED_RELOCATIONS)
  add_link_options(LINKER:-z,pack-relative-relocs)
endif()
