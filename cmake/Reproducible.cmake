# The same sources give the same bytes, wherever and whenever they are compiled: scripts/check-reproducible proves it.
#
# Paths are told relative to the source folder, those of generated files as build/...: in messages, in __PRETTY_FUNCTION__ and
# in debug information (gdb finds the sources when it runs in the source folder). Of prefixes that fit, GCC takes the last.
add_compile_options(-ffile-prefix-map=${PROJECT_SOURCE_DIR}=. -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=
                    -ffile-prefix-map=${PROJECT_BINARY_DIR}=build)
# Nothing says when it was compiled.
add_compile_options(-Werror=date-time)

# Archives without times, owners and modes: what binutils and LLVM do by default in Debian, but not everywhere.
set(CMAKE_CXX_ARCHIVE_CREATE "<CMAKE_AR> qcD <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_CXX_ARCHIVE_APPEND "<CMAKE_AR> qD <TARGET> <LINK_FLAGS> <OBJECTS>")
set(CMAKE_CXX_ARCHIVE_FINISH "<CMAKE_RANLIB> -D <TARGET>")
